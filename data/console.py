"""How the commands read and print: progress and warnings on standard error, results on output."""

from pathlib import Path
from typing import TypeVar

import tyro
from rich.console import Console
from rich.markup import escape

from data.summary import results_table
from frame_select_env.cache import FeatureCache

Arguments = TypeVar("Arguments")


def parse(kind: type[Arguments], command: str, arguments: list[str]) -> Arguments:
    """A command's arguments; exits with 2 if they do not parse, with 0 after --help."""
    return tyro.cli(
        kind,
        prog=f"python -m data {command}",
        args=arguments,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def progress_console() -> Console:
    """Standard error."""
    return Console(stderr=True)


def print_results(cache: FeatureCache, num_frames: int = 25) -> None:
    """Print the table of all-frames results last, after the warnings about it."""
    table, warnings = results_table(cache, num_frames)
    for warning in warnings:
        progress_console().print(f"[yellow]warning:[/] {escape(warning)}")
    Console().print(table)


def print_written(path: Path) -> None:
    """Say what was written, with the results that matter, and how to see more."""
    cache = FeatureCache(path)
    print(f"{path}: {len(cache)} videos, {cache.start[-1]} frames")
    print_results(cache)
