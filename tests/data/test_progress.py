"""What a log shows of long work."""

import io

import pytest
from rich.console import Console

from data import progress
from data.progress import LoggedProgress


def shown(monkeypatch, seconds, **options):
    monkeypatch.setattr(progress, "LINE_SECONDS", seconds)
    file = io.StringIO()
    console = Console(file=file, width=100, **options)
    with LoggedProgress("{task.description}", console=console, transient=True) as made:
        bar = made.add_task("runs", total=20, failed="")
        made.update(bar, advance=1, failed="1 failed")
        list(made.track([1, 2], task_id=bar))
    return file.getvalue()


def test_without_a_terminal_there_are_lines(monkeypatch):
    lines = shown(monkeypatch, 0.0).splitlines()
    assert lines[0] == "runs: 1 of 20, 0 s, 1 failed"
    assert any(line.startswith("runs: 2 of 2, 0 s") for line in lines)


@pytest.mark.parametrize(("seconds", "options"), [(60.0, {}), (0.0, {"force_terminal": True})])
def test_there_is_no_line_within_a_minute_or_on_a_terminal(monkeypatch, seconds, options):
    assert "runs: 1" not in shown(monkeypatch, seconds, **options)
