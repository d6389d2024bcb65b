"""What dataclasses of options declare: the types that values are read as, and comments."""

import dataclasses
import inspect
import re
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, Union


def field_hints(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields by name, and not those of its class variables."""
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind)}


def as_type(value: Any, hint: Any) -> Any:
    """A value of JSON, TOML or YAML as a field's type: a list as a tuple, an int as a float.

    A single value may stand for a list of one, as on a command line.

    Args:
        value: The value.
        hint: The type: bool, int, float, str, Path, None, Literal[...], tuple[X, ...], a union of
            these, or one of them Annotated.

    Raises:
        ValueError: saying what it must be, "must be of type int".
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return as_type(value, arguments[0])
    if origin in (Union, types.UnionType):
        for one in arguments:
            try:
                return as_type(value, one)
            except ValueError:
                continue
    elif origin is Literal:
        if any(type(value) is type(one) and value == one for one in arguments):
            return value
        raise ValueError(f"must be one of {', '.join(map(str, arguments))}")
    elif origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(as_type(one, arguments[0]) for one in value)
        try:
            return (as_type(value, arguments[0]),)  # as on a command line
        except ValueError:
            pass
    elif hint is Path and isinstance(value, str):
        return Path(value)
    elif hint is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML 1.1 reads 1e-3 as text
        except ValueError:
            pass
    elif type(value) is hint:
        return value
    raise ValueError(f"must be of type {_name(hint)}")


def _name(hint: Any) -> str:
    """A type as users know it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_name, arguments))
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin is tuple:
        return f"list of {_name(arguments[0])}"
    if hint is types.NoneType:
        return "None"
    return {str: "text", Path: "path"}.get(hint, str(getattr(hint, "__name__", hint)))


def field_comments(config: type[Any]) -> dict[str, str]:
    """Field -> the `#:` comment above it, also of inherited fields."""
    comments: dict[str, str] = {}
    for one in reversed(config.__mro__):
        if not dataclasses.is_dataclass(one):
            continue
        lines: list[str] = []
        for line in inspect.getsource(one).splitlines():
            text = line.strip()
            if text.startswith("#:"):
                lines.append(text[2:].strip())
            elif lines and (found := re.match(r"(\w+):", text)):
                comments[found[1]] = " ".join(lines)
                lines = []
            else:
                lines = []
    return comments
