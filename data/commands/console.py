"""Parsing and printing for all commands: progress and warnings on stderr, results on stdout."""

import dataclasses
import io
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import tyro
from rich.console import Console

from frame_select_env.command_line import program
from frame_select_env.errors import FrameSelectError, did_you_mean

Arguments = TypeVar("Arguments")
WIDTH = 80


def metavar(name: str) -> object:
    """An option shown as `name`, with no default in --help: its help text states it."""
    return tyro.conf.arg(metavar=name, help_behavior_hint="")


def parse(kind: type[Arguments], command: str, arguments: list[str]) -> Arguments:
    """Parse a command's arguments; exits with 2 if they are invalid, with 0 after --help."""
    check_options(kind, command, arguments)
    output = _Output(io.BytesIO(), encoding=getattr(sys.stdout, "encoding", None) or "utf-8")
    try:
        with redirect_stdout(output):
            flags = (tyro.conf.FlagCreatePairsOff,)
            return tyro.cli(kind, prog=program(command), args=arguments, config=flags)
    except SystemExit:
        # tyro joins the lines of the description's paragraphs, and does not wrap them.
        output.seek(0)
        for line in output.read().splitlines():
            boxed = any(border in line for border in "╭│╰")
            print(line if boxed else textwrap.fill(line, WIDTH))
        raise


def check_options(kind: Any, command: str, arguments: Sequence[str]) -> None:
    """Check the names of the options among a command's arguments.

    tyro names a wrong one among all that is missing, in a box of many lines.

    Args:
        kind: The dataclass of the command's arguments.
        command: Its name.
        arguments: What was given.

    Raises:
        FrameSelectError: naming the first option that is unknown, and the nearest known one.
    """
    if arguments and arguments[0].startswith("--tyro-"):  # completion of a shell
        return
    options = ["--help", *(option for name in _names(kind) for option in (name, _negated(name)))]
    for argument in arguments:
        option = argument.partition("=")[0].replace("_", "-")
        if option.startswith("--") and option not in options:
            hint = did_you_mean(option, options).replace("'", "")
            raise FrameSelectError(
                f"unknown option {option};{hint} {program(command)} --help lists all"
            )


def _names(kind: Any) -> Iterator[str]:
    """The options that tyro makes of a dataclass, and of those in it, without prefixes."""
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        kinds = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        if dataclasses.is_dataclass(kinds[0]):
            yield from _names(kinds[0])
        elif tyro.conf.Positional not in kinds:
            # tyro.conf.arg may give the option a name of its own, and aliases.
            own = [name for one in kinds[1:] if isinstance(name := getattr(one, "name", 0), str)]
            yield f"--{[*own, field.name][0].replace('_', '-')}"
            for one in kinds[1:]:
                yield from getattr(one, "aliases", None) or ()


def _negated(option: str) -> str:
    return f"--no-{option.removeprefix('--')}"


class _Output(io.TextIOWrapper):
    def isatty(self) -> bool:
        """Whether tyro may use colours."""
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


def progress_console() -> Console:
    """Standard error."""
    return Console(stderr=True)
