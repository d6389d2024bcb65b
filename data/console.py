"""How the commands read and print: progress and warnings on standard error, results on output."""

from pathlib import Path
from typing import TypeVar

import tyro
from rich.console import Console
from rich.markup import escape

from data.summary import results_table
from frame_select_env.cache import FeatureCache
from frame_select_env.command_line import program

Arguments = TypeVar("Arguments")
NAMES = 12  # of classes that are listed


def parse(kind: type[Arguments], command: str, arguments: list[str]) -> Arguments:
    """A command's arguments; exits with 2 if they do not parse, with 0 after --help."""
    return tyro.cli(
        kind,
        prog=program(command),
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
    """Say what was written, with the results that matter, after warnings of what it lacks."""
    cache = FeatureCache(path)
    kind = "classes" if cache.task == "classification" else "targets"
    names = ", ".join(cache.classes[:NAMES]) + (", ..." if len(cache.classes) > NAMES else "")
    print(f"{path}: {len(cache)} videos, {cache.start[-1]} frames")
    print(f"{len(cache.classes)} {kind}: {names}")
    warn = progress_console().print
    if kind == "classes" and len(cache.classes) == 1:
        warn("[yellow]warning:[/] there is a single class: are its folders one level deeper?")
    for split in ("train", "test"):
        if not any((cache.splits(fold) == split).any() for fold in cache.folds):
            warn(f"[yellow]warning:[/] no video is of the {split} split")
    print_results(cache)
