"""Parsing and printing for all commands: progress and warnings on stderr, results on stdout."""

import io
import sys
import textwrap
from contextlib import redirect_stdout
from pathlib import Path
from typing import TypeVar

import tyro
from rich.console import Console
from rich.markup import escape

from data.commands.summary import results_table
from frame_select_env.cache import FeatureCache
from frame_select_env.command_line import program

Arguments = TypeVar("Arguments")
NAMES = 12  # classes to list
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


def print_results(cache: FeatureCache, num_frames: int = 25) -> None:
    """Print warnings about the all-frames results, and then their table."""
    table, warnings = results_table(cache, num_frames)
    for warning in warnings:
        progress_console().print(f"[yellow]warning:[/] {escape(warning)}")
    Console().print(table)


def print_written(path: Path) -> None:
    """Print what was written, with warnings, and its all-frames results."""
    cache = FeatureCache(path)
    kind = "classes" if cache.task == "classification" else "targets"
    names = ", ".join(cache.classes[:NAMES]) + (", ..." if len(cache.classes) > NAMES else "")
    print(f"{path}: {len(cache)} videos, {cache.start[-1]} frames")
    print(f"{len(cache.classes)} {kind}: {names}")
    warn = progress_console().print
    if kind == "classes" and len(cache.classes) == 1:
        warn("[yellow]warning:[/] only one class: are the class folders one level deeper?")
    for split in ("train", "test"):
        if not any((cache.splits(fold) == split).any() for fold in cache.folds):
            warn(f"[yellow]warning:[/] no video is in the {split} split")
    print_results(cache)
