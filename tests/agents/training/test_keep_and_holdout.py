"""Which weights are kept, and runs that hold out no validation videos, from training to tables."""

import contextlib
import csv
import dataclasses
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.__main__ import main
from agents.registry import parse_agent
from agents.reinforce import DESIGN
from agents.search.study import TrialStudy, make_runs, train_trial_run
from agents.training.checkpoint import load_checkpoint
from agents.training.load import load_run
from agents.training.task import make_task
from agents.training.trainer import Run, train, train_run
from agents.training.validation import Validation
from frame_select_env import FrameSelectError, open_cache, write_cache

SMALL = dataclasses.replace(
    DESIGN.presets["tuned"], hidden_size=8, epochs=6, patience=0, learning_rate=0.1
)
PAPER = "reinforce@preset=paper,hidden_size=8,epochs=2,batch_size=8,learning_rate=0.01"
WHOLE = dataclasses.replace(SMALL, keep="last", holdout=False, epochs=2)
NUMBERS = ["--num-frames", "10"]


@pytest.fixture(scope="module")
def no_val(tmp_path_factory) -> Path:
    """A cache of 40 training and 20 test videos, one of them in each split without a label."""
    rng = np.random.default_rng(2)

    def videos():
        for row in range(60):
            length = int(rng.integers(4, 12))
            yield {
                "id": f"v{row}",
                "label": -1 if row in (5, 50) else row % 3,
                "split": "train" if row < 40 else "test",
                "features": rng.normal(size=(length, 5)).astype(np.float32),
                "predictions": rng.dirichlet(np.ones(3), length).astype(np.float32),
                "thumbnail": np.zeros((length, 4, 4), np.uint8),
            }

    path = tmp_path_factory.mktemp("no_val") / "no_val.h5"
    provenance = {"crossfit": "video"}
    return write_cache(path, videos(), classes=["a", "b", "c"], provenance=provenance)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fails(capsys, *arguments: object) -> str:
    """The one line on standard error that a command ends with on bad input."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def weights(trained) -> list[torch.Tensor]:
    return [value.clone() for value in trained.network.state_dict().values()]


def same(one, other) -> bool:
    return all(map(torch.equal, weights(one), weights(other)))


def test_the_best_weights_or_the_last_ones(no_val):
    cache = open_cache(no_val)
    task = make_task(cache, no_val, num_frames=10, target_frames=3, seed=2)
    epochs = []
    best = train(DESIGN, cache, task, SMALL, epochs.append)
    top = max(epochs, key=lambda epoch: epoch.validation)
    assert best.kept_epoch == top.number < 6, "the test needs a best epoch before the last"
    validation = Validation(cache, task)
    assert validation(best.agent) == top.validation

    last = train(DESIGN, cache, task, dataclasses.replace(SMALL, keep="last"))
    assert last.kept_epoch == last.last.number == 6
    assert last.last.best_epoch == top.number  # it is still told
    assert validation(last.agent) == epochs[-1].validation != top.validation
    assert not same(best, last)
    # The best weights are those after the best epoch.
    stopped = dataclasses.replace(SMALL, keep="last", epochs=top.number)
    assert same(best, train(DESIGN, cache, task, stopped))


def test_a_search_scores_the_weights_that_are_kept(no_val, tmp_path):
    scores = {}
    for keep in ("best", "last"):
        text = f"reinforce@hidden_size=8,epochs=6,patience=0,learning_rate=0.1,keep={keep}"
        (trial,) = TrialStudy(text).trials(1)
        keywords = {"num_frames": 10, "target_frames": 3}
        (work,) = make_runs(text, trial, [str(no_val)], keywords, 1, tmp_path, 20.0)
        score = train_trial_run(work)
        cache = open_cache(no_val)
        run = load_run(work.folder, cache)
        assert (score.validation, score.validation_p_c) == Validation(cache, run.task)(run.agent)
        scores[keep] = score.validation, score.validation_p_c
    assert scores["best"] > scores["last"]


def test_without_holdout_all_labelled_videos_are_trained_on(no_val):
    cache = open_cache(no_val)
    task = make_task(cache, no_val, num_frames=10, holdout=False)
    assert task.fit_rows.tolist() == [row for row in range(40) if row != 5]
    epochs = []
    trained = train(DESIGN, cache, task, WHOLE, epochs.append)
    assert trained.validation is None and trained.kept_epoch == 2
    for epoch in epochs:
        assert epoch.validation is None
        assert not {"validation", "validation_p_c"} & set(epoch.row())


def test_a_val_split_stays_the_validation_set(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=10, target_frames=3, holdout=False)
    held_out = make_task(cache, planted, num_frames=10, target_frames=3)
    assert task.validation_rows.tolist() == cache.rows("val").tolist()
    # Hence the best weights can be kept, and are those that holding out gives.
    config = dataclasses.replace(SMALL, epochs=2, holdout=False)
    whole = train(DESIGN, cache, task, config)
    assert same(whole, train(DESIGN, cache, held_out, dataclasses.replace(config, holdout=True)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep": "best"}, "keep=best: needs validation videos, .* use keep=last and patience=0"),
        ({"patience": 3}, "patience=3: needs validation videos, .* or holdout=True"),
        ({"holdout": True}, "holdout=True: the task was made with holdout=False; use make_task"),
    ],
)
def test_what_needs_validation_videos_is_refused_without(no_val, changes, message):
    cache = open_cache(no_val)
    task = make_task(cache, no_val, num_frames=10, holdout=False)
    with pytest.raises(FrameSelectError, match=message):
        train(DESIGN, cache, task, dataclasses.replace(WHOLE, **changes))


def test_commands_refuse_it_before_anything_is_written(no_val, tmp_path, capsys):
    out = tmp_path / "out"
    line = fails(capsys, "train", "--data", no_val, "--out", out, "--no-holdout")
    assert "keep=best: needs validation videos" in line
    agents = ["--agents", "reinforce@holdout=false,keep=last"]
    line = fails(capsys, "compare", "--data", no_val, "--out", out, *agents)
    assert "patience=15: needs validation videos" in line
    search = ["search", "--data", no_val, "--out", out, "--agent"]
    line = fails(capsys, *search, "reinforce@preset=paper")
    assert "holdout=False: a search scores on validation videos, but" in line
    assert not list(tmp_path.iterdir())


class StoppedError(Exception):
    """Raised in the second epoch, as if the process had been killed there."""


def test_a_run_without_validation_videos_is_resumed_exactly(no_val, tmp_path):
    choice = dataclasses.replace(parse_agent("reinforce"), config=WHOLE)
    run = Run(str(no_val), choice, {"num_frames": 10})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_run(whole, run)

    def interrupt(epoch):
        if epoch.number == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_run(parts, run, interrupt, checkpoint_seconds=0)
    saved = load_checkpoint(parts)
    assert saved["epoch"]["number"] == 1 and saved["epoch"]["validation"] is None
    assert train_run(parts, run).kept_epoch == 2
    first, second = ((folder / "model.safetensors").read_bytes() for folder in (whole, parts))
    assert first == second
    timed = ("seconds", "cpu_seconds")
    one, two = (
        [{name: row[name] for name in row if name not in timed} for row in rows(folder)]
        for folder in (whole / "metrics.csv", parts / "metrics.csv")
    )
    assert one == two and len(one) == 2


@pytest.fixture(scope="module")
def paper(no_val, tmp_path_factory) -> tuple[Path, str]:
    """A small run of the preset paper, and what the command printed."""
    folder, printed = tmp_path_factory.mktemp("paper") / "run", io.StringIO()
    small = ["--hidden-size", "8", "--epochs", "2", "--batch-size", "8"]
    with contextlib.redirect_stdout(printed):
        main(
            ["train", "--data", str(no_val), "--out", str(folder), "--preset", "paper"]
            + [*small, *NUMBERS]
        )
    return folder, printed.getvalue()


def test_train_says_so_and_writes_no_score(paper, no_val):
    folder, printed = paper
    assert "no validation videos were held out (holdout=False)" in printed
    assert "kept epoch 2" in printed and "nan" not in printed
    found = rows(folder / "metrics.csv")
    assert [row["epoch"] for row in found] == ["1", "2"]
    assert not [name for name in found[0] if name.startswith("validation")]
    assert "nan" not in (folder / "metrics.csv").read_text()
    events = EventAccumulator(str(folder)).Reload()
    tags = events.Tags()["scalars"]
    assert "train/reward" in tags and not [tag for tag in tags if "validation" in tag]
    assert all(math.isfinite(one.value) for tag in tags for one in events.Scalars(tag))
    hyper = json.loads((folder / "config.json").read_text())["hyper"]
    assert (hyper["keep"], hyper["holdout"]) == ("last", False)
    task = load_run(folder, open_cache(no_val)).task
    assert len(task.fit_rows) == 39 and not len(task.validation_rows)


def test_evaluate_has_no_row_chosen_and_looks_at_the_m_that_was_trained_for(
    paper, no_val, tmp_path, capsys
):
    folder, _ = paper
    command = ["evaluate", str(folder), "--data", str(no_val), "--out", str(tmp_path)]
    main([*command, "--frames", "4", "8", "10", "--resamples", "20"])
    printed = capsys.readouterr().out
    assert "no rows chosen" in printed and "the first figures are at 10 frames" in printed
    table = rows(tmp_path / "evaluation.csv")
    assert "chosen" not in {row["frames"] for row in table}
    own = {row["frames"]: row for row in table if row["ranking"] == "reinforce"}
    assert set(own) == {"free", "4", "8", "10"}
    line = next(line for line in printed.splitlines() if line.startswith(" reinforce "))
    assert line.split()[1] == f"{100 * float(own['10']['accuracy']):.1f}"
    assert {row["frames"] for row in rows(tmp_path / "predictions.csv")} == {"10", "free"}
    for name in ("accuracy.png", "strips.png"):
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"


def test_compare_sets_it_beside_agents_that_choose(no_val, tmp_path, capsys):
    tiny = "reinforce@hidden_size=8,epochs=2"
    out = tmp_path / "out"
    main(
        ["compare", "--data", str(no_val), "--out", str(out), "--agents", tiny, PAPER]
        + ["--seeds", "2", *NUMBERS, "--frames", "4", "8", "--resamples", "20", "--jobs", "1"]
    )
    printed = capsys.readouterr().out
    assert printed.count("note: the paper trains on in-sample predictions") == 1
    found = {(row["agent"], row["frames"]): row for row in rows(out / "results.csv")}
    assert (tiny, "chosen") in found and (PAPER, "chosen") not in found
    assert ("uniform", "chosen") in found and (f"untrained {PAPER}", "chosen") not in found
    # Each agent was trained for the m of its preset: 8, and 12 of ten frames.
    assert found[tiny, "8"]["target_frames"] == "8"
    assert found[PAPER, "8"]["target_frames"] == "10"
    page = (out / "report.html").read_text()
    assert "at 8 frames" in page and PAPER in page and "nan" not in page.casefold().split()
    names = {path.name.partition("-")[0] for path in (out / "pictures").iterdir()}
    assert {"gains.png", "pairs.png", "frames", "learning", "videos"} <= names


def test_compare_of_the_preset_paper_alone(no_val, tmp_path, capsys):
    out = tmp_path / "out"
    main(
        ["compare", "--data", str(no_val), "--out", str(out), "--agents", PAPER, "--seeds", "1"]
        + [*NUMBERS, "--frames", "4", "10", "--resamples", "20", "--jobs", "1"]
    )
    assert "the first figures are at 10 frames" in capsys.readouterr().out
    assert "at 10 frames" in (out / "report.html").read_text()
    names = {path.name.partition("-")[0] for path in (out / "pictures").iterdir()}
    assert "frames" in names and "learning" not in names  # there is no score to draw


@pytest.mark.parametrize(
    ("provenance", "preset", "told"),
    [
        ({"crossfit": "video"}, "paper", True),
        ({"crossfit": "group"}, "paper", True),
        ({"crossfit": "none"}, "paper", False),
        ({}, "paper", False),
        ({"crossfit": "video"}, "tuned", False),
    ],
)
def test_the_paper_and_cross_fitted_predictions(tmp_path, capsys, provenance, preset, told):
    rng = np.random.default_rng(0)
    videos = [
        {
            "id": f"v{row}",
            "label": row % 2,
            "split": "train",
            "features": rng.normal(size=(4, 3)).astype(np.float32),
            "predictions": rng.dirichlet(np.ones(2), 4).astype(np.float32),
        }
        for row in range(12)
    ]
    path = write_cache(tmp_path / "c.h5", videos, classes=["a", "b"], provenance=provenance)
    main(
        ["train", "--data", str(path), "--out", str(tmp_path / "run"), "--preset", preset]
        + ["--epochs", "1", "--hidden-size", "4", "--num-frames", "4", "--target-frames", "2"]
    )
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note:")]
    assert len(lines) == told
    if told:
        assert "frame-select import SOURCE OUT.h5 --crossfit none" in lines[0]
        assert f"cross-fitted by {provenance['crossfit']}" in lines[0]
