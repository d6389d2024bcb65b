"""Parsing and printing for all commands: progress and warnings on stderr, results on stdout."""

import io
import sys
import textwrap
from contextlib import redirect_stdout
from typing import TypeVar

import tyro
from rich.console import Console

from frame_select_env.command_line import program

Arguments = TypeVar("Arguments")
WIDTH = 80


def metavar(name: str) -> object:
    """An option shown as `name`, with no default in --help: its help text states it."""
    return tyro.conf.arg(metavar=name, help_behavior_hint="")


def parse(kind: type[Arguments], command: str, arguments: list[str]) -> Arguments:
    """Parse a command's arguments; exits with 2 if they are invalid, with 0 after --help."""
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


class _Output(io.TextIOWrapper):
    def isatty(self) -> bool:
        """Whether tyro may use colours."""
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


def progress_console() -> Console:
    """Standard error."""
    return Console(stderr=True)
