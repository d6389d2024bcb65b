"""Where the commands print: progress and warnings on standard error, results on standard output."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from data.summary import results_table
from frame_select_env.cache import FeatureCache


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
