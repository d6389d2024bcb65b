"""A progress bar over outcomes."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from data.engines.attempt import Outcome


def outcomes_bar(outcomes: Iterable[Outcome], unit: str, total: int) -> Iterator[Outcome]:
    """Pass outcomes on as they come, with a progress bar on standard error; none if total is 0."""
    if not total:
        yield from outcomes
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(unit, total=total, failed="")
        failed = 0
        for outcome in outcomes:
            failed += bool(outcome.error)
            progress.update(bar, advance=1, failed=f"{failed} failed" if failed else "")
            yield outcome
