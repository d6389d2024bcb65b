"""metrics.csv, where the figures of the epochs differ, and a run killed after its last epoch."""

import csv

import pytest
from torch import nn

from agents.training.checkpoint import CHECKPOINT
from agents.training.run_folder import Epoch, RunWriter
from agents.training.task import with_defaults
from frame_select_env import FrameSelectError

CONFIG = {"agent": "dqn", "data": "d.h5", "cache": {"digest": "1"}, "hyper": {}}
CONFIG["task"] = with_defaults({})


def epoch(number, **figures):
    return Epoch(number, 10 * number, 20 * number, number, 1.0, 1.0, (0.5, 0.5), 1, figures)


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return [(row["epoch"], row.get("reward"), row.get("loss")) for row in csv.DictReader(file)]


def test_a_figure_that_comes_later_gets_a_column(tmp_path):
    writer = RunWriter(tmp_path / "run", CONFIG)
    writer.epoch(epoch(1, reward=1.5))
    writer.epoch(epoch(2, reward=2.5, loss=0.5))
    writer.epoch(epoch(3, loss=0.25))
    writer.close()
    expected = [("1", "1.5", ""), ("2", "2.5", "0.5"), ("3", "", "0.25")]
    assert rows(tmp_path / "run") == expected
    again = RunWriter(tmp_path / "run", CONFIG)  # resumed after the second epoch
    again.epoch(epoch(3, reward=3.5))
    again.close()
    assert rows(tmp_path / "run") == [*expected[:2], ("3", "3.5", "")]


def test_what_a_run_killed_after_its_last_epoch_left_is_removed(tmp_path):
    folder = tmp_path / "run"
    RunWriter(folder, CONFIG).finish(nn.Linear(2, 1))
    before = sorted(folder.iterdir())
    (folder / CHECKPOINT).write_bytes(b"the state of the last epoch")
    (folder / ".model.safetensors.abc.part").mkdir()
    with pytest.raises(FrameSelectError, match="holds a finished run"):
        RunWriter(folder, CONFIG)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("cells", ["1,,20,1,1.0,1.0,0.5,0.5", "1,10,20,1,x,1.0,0.5,0.5", "1"])
def test_a_row_without_its_numbers_is_one_line(tmp_path, cells):
    folder = tmp_path / "run"
    writer = RunWriter(folder, CONFIG)
    writer.epoch(epoch(1))
    writer.close()
    header, *_ = (folder / "metrics.csv").read_text().splitlines()
    (folder / "metrics.csv").write_text(f"{header}\n{cells}\n")
    writer = RunWriter(folder, CONFIG)
    with pytest.raises(FrameSelectError, match=r"metrics\.csv: cannot be read"):
        writer.epoch(epoch(2))
    writer.close()
