"""--config: a file whose values are the defaults of a command's options."""

import argparse
import dataclasses
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import tyro

from agents.field_types import as_type, field_hints
from agents.registry import parse_reward, reward_text
from agents.training.load import check_modules, named_modules
from frame_select_env import FrameSelectError
from frame_select_env.errors import known

Options = TypeVar("Options")
SECTIONS = ("task", "hyper")  # of a run's config.json: their values are options by themselves
RECORDED = ("version", "cache", "judge", "code", "versions")  # there, what is no option
READERS = {".toml": "TOML", ".yaml": "YAML", ".yml": "YAML", ".json": "JSON"}


@dataclass(frozen=True, kw_only=True)
class ConfigOptions:
    """Options of commands that take a file of options."""

    #: TOML, YAML or JSON file of options by name, such as RUN/config.json; flags override it.
    config: Path | None = None
    #: Import the modules outside this project that the file names (agents and rewards of others).
    trust_code: bool = False


@dataclass(frozen=True)
class ConfigFile:
    """The options in a file.

    Attributes:
        path: The file; None for no file.
        values: Its options by the names of the fields, as the file has them.
        recorded: What a run's config.json says besides options: its cache, its code, ...
    """

    path: Path | None = None
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    recorded: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def text(self, name: str, default: str) -> str:
        """The option of that name, which is a text.

        Raises:
            FrameSelectError: if it is something else.
        """
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise FrameSelectError(f"{self.path}: {name}={value!r}: must be of type text")
        return value

    def typed(self, *kinds: type[Any]) -> dict[str, Any]:
        """The options as the types of the fields of dataclasses.

        Raises:
            FrameSelectError: for an option that none of them has, or a value of another type.
        """
        hints: dict[str, Any] = {}
        for kind in kinds:
            hints |= field_hints(kind)
        for name in field_hints(ConfigOptions):  # which are about the file itself
            hints.pop(name, None)
        found = {}
        for name, value in self.values.items():
            if name not in hints:
                raise FrameSelectError(f"{self.path}: {known('option', name, hints)}")
            try:
                found[name] = as_type(value, hints[name])
            except ValueError as error:
                raise FrameSelectError(f"{self.path}: {name}={value!r}: {error}") from None
        return found


def find_config(arguments: Sequence[str]) -> ConfigFile:
    """The file that --config names among a command's arguments, read.

    Raises:
        FrameSelectError: if it cannot be read, or names modules that --trust-code does not allow.
    """
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--config", type=Path)
    early.add_argument("--trust-code", "--trust_code", action="store_true")
    options, _ = early.parse_known_args(arguments)
    if options.config is None:
        return ConfigFile()
    config = read_config_file(options.config)
    agents = _listed(config.values, "agent")
    rewards = [parse_reward(one) for one in _listed(config.values, "reward")]
    modules = named_modules([text.partition("@")[0] for text in agents], rewards)
    check_modules(str(options.config), modules, options.trust_code)
    return config


def read_config_file(path: Path) -> ConfigFile:
    """Read a file of options; hyphens in their names are underscores.

    Raises:
        FrameSelectError: naming the file, if it is none.
    """
    kind = READERS.get(path.suffix.lower())
    if kind is None:
        raise FrameSelectError(f"--config {path}: must end in {', '.join(READERS)}")
    try:
        found = _parse(kind, path.read_bytes().decode())
    except (OSError, ValueError, RecursionError) as error:
        raise FrameSelectError(f"{path}: cannot be read as {kind}: {error}") from None
    if not isinstance(found, dict):
        raise FrameSelectError(f"{path}: must hold options by name")
    values: dict[str, Any] = {}
    for name, value in found.items():
        if name in SECTIONS and isinstance(value, dict):
            values |= {str(one).replace("-", "_"): inside for one, inside in value.items()}
        elif name not in RECORDED:
            values[str(name).replace("-", "_")] = value
    if "reward" in values and values["reward"] is not None:
        values["reward"] = reward_text(values["reward"])
    if isinstance(values.get("rewards"), list):
        values["rewards"] = [reward_text(one) for one in values["rewards"]]
    recorded = {one: found[one] for one in RECORDED if isinstance(found.get(one), dict)}
    return ConfigFile(path, values, recorded)


def with_defaults(kind: type[Options], values: Mapping[str, Any]) -> Options:
    """A dataclass of options for tyro: `values`, else its defaults; what has none is required."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    required = {
        one.name: tyro.MISSING
        for one in fields
        if one.default is one.default_factory is dataclasses.MISSING
    }
    own = {one.name for one in fields}
    return kind(**required | {name: value for name, value in values.items() if name in own})


def _parse(kind: str, text: str) -> Any:
    if kind == "TOML":
        return tomllib.loads(text)
    if kind == "JSON":
        return json.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _listed(values: Mapping[str, Any], name: str) -> list[str]:
    """The texts under a name and its plural."""
    found = [values.get(name), *_as_list(values.get(f"{name}s"))]
    return [one for one in found if isinstance(one, str)]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
