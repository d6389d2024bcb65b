"""--track wandb: the same metrics as in TensorBoard; without wandb, a line that says what to do."""

import json
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.__main__ import main
from agents.commands.config_file import find_config
from agents.commands.train import parse
from agents.training import run_folder
from agents.training.tracking import RUN_ID

TINY = ["--agent", "soft-attention", "--epochs", "2", "--hidden-size", "4", "--num-frames", "6"]


def test_a_tracker_gets_what_tensorboard_gets(planted, tmp_path, monkeypatch):
    logged, closed = [], []
    tracker = SimpleNamespace(
        log=lambda metrics, step: logged.append((step, dict(metrics))),
        close=lambda: closed.append(True),
    )

    def make(name, folder, config):
        assert (name, config["agent"], (folder / "config.json").is_file()) == (
            *("wandb", "soft-attention"),
            True,
        )
        return tracker

    monkeypatch.setattr(run_folder, "make_tracker", make)
    monkeypatch.setattr("agents.commands.train.check_tracking", lambda name: None)
    out = tmp_path / "run"
    main(["train", "--data", str(planted), "--out", str(out), *TINY, "--track", "wandb"])
    events = EventAccumulator(str(out)).Reload()
    assert closed == [True] and len(logged) == 2
    assert set(logged[0][1]) == set(events.Tags()["scalars"])
    for name in ("train/loss", "validation/validation"):
        shown = [(one.step, one.value) for one in events.Scalars(name)]
        assert shown == [(step, pytest.approx(one[name])) for step, one in logged]


def test_wandb_offline_keeps_the_run_in_its_folder_or_says_what_to_install(
    planted, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("WANDB_MODE", "offline")
    out = tmp_path / "run"
    command = ["train", "--data", str(planted), "--out", str(out), *TINY, "--track", "wandb"]
    if find_spec("wandb") is None:
        with pytest.raises(SystemExit) as caught:
            main(command)
        assert caught.value.code == 2 and not out.exists()
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "wandb is not installed; run: pip install --editable" in line
        assert line.endswith('[agents,wandb]"')
        return
    main(command)
    name = (out / RUN_ID).read_text()
    (file,) = out.glob(f"wandb/offline-run-*-{name}/run-{name}.wandb")
    content = file.read_bytes()
    assert b"validation/validation" in content and b"soft-attention, planted.h5, seed 0" in content


def test_tracking_is_no_part_of_a_run(planted, tmp_path):
    """Its config.json is the same, so that it is resumed with or without."""
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"data": str(planted), "track": "wandb"}))
    arguments = ["--config", str(file), "--out", "x"]
    assert find_config(arguments).values["track"] == "wandb"
    _, options, _ = parse(arguments)
    assert options.track == "wandb" and "track" not in options.task_keywords()
