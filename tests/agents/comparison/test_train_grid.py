"""What of a grid a command trains."""

from pathlib import Path

import pytest

from agents.commands import train_grid
from agents.comparison.grid import RunSpec, parse_shard
from data.engine import Engine


def test_shards_train_no_run_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are scored in two ways have one folder; a shard each would train it twice."""
    specs = [
        RunSpec("digits", "default", "dqn", "margin", 4, seed, view="random", view_scheme=scheme)
        for scheme in ("region", "frame")
        for seed in (0, 1, 2)
    ]
    folders = {spec.folder(tmp_path) for spec in specs}
    assert len(folders) == 3
    trained: list[Path] = []

    def run_all(job: object, left: list[RunSpec], engine: object) -> list[object]:
        trained.extend(spec.folder(tmp_path) for spec in left)
        return []

    monkeypatch.setattr(train_grid, "run_all", run_all)
    monkeypatch.setattr(train_grid, "read_run", lambda *arguments: None)
    monkeypatch.setattr(train_grid, "changed_code", lambda *arguments: [])
    for part, count in (("1/2", 2), ("2/2", 3)):
        with train_grid.trained_grid(
            *(tmp_path, specs, (2,), Engine(), 60.0),
            part=parse_shard(part),
            shared=True,
        ):
            assert len(trained) == count
    assert set(trained) == folders
