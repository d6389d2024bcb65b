"""Select, then pool: what is read, what is chosen on, and what cannot be asked for."""

import csv

import numpy as np
import pytest

from agents.__main__ import main
from agents.evaluation.run_scores import evaluate_runs
from agents.evaluation.selected_pooled import BOTH, POOLED, SELECTED, answers, select_then_pool
from agents.training.load import load_run
from baselines import Pooled
from baselines.predictors import mean_prediction, pool
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.cache import Clips

FAST = ["--epochs", 1, "--hidden-size", 4, "--num-frames", 10, "--target-frames", 4]


def train(out, data, *more):
    main([str(one) for one in ("train", "--data", data, "--out", out, *FAST, *more)])
    return out


@pytest.fixture(scope="module")
def folders(planted, tmp_path_factory):
    """Two runs of an agent."""
    out = tmp_path_factory.mktemp("runs")
    return [train(out / str(seed), planted, "--seed", seed) for seed in range(2)]


def test_only_the_kept_frames_are_read():
    features = np.array([[[1.0], [5.0], [3.0], [9.0]]], np.float16)
    told = np.array([[[1.0, 0.0], [0.5, 0.5], [0.2, 0.8], [0.0, 0.0]]], np.float32)
    valid = np.array([[True, True, True, False]])
    clips = Clips(features, told, valid, np.zeros((1, 4)), np.array([0]))
    kept = np.array([[True, False, True, False]])
    np.testing.assert_allclose(pool(clips, kept), [[2.0, 1.0]])
    np.testing.assert_allclose(pool(clips), [[3.0, np.sqrt(8 / 3)]], rtol=1e-6)
    np.testing.assert_allclose(mean_prediction(clips, kept), [[0.6, 0.4]], atol=1e-6)


def test_both_is_the_mean_of_the_two_answers(planted):
    cache = open_cache(planted)
    model = Pooled.fit(cache, num_frames=10)
    clips = cache.read(cache.rows("test"), 10)
    kept = clips.valid & (np.arange(10) < 2)
    told = answers(model, clips, kept)
    np.testing.assert_allclose(told[BOTH], (told[SELECTED] + told[POOLED]) / 2)
    np.testing.assert_array_equal(told[POOLED], model.predict(clips, kept))


def test_m_and_the_kind_are_chosen_on_videos_the_model_was_not_fitted_on(
    folders, planted, monkeypatch
):
    cache = open_cache(planted)
    run, fitted = load_run(folders[0], cache), []
    refitted = Pooled.refitted

    def spy(self, rows, pooled, label):
        fitted.append(set(rows.tolist()))
        return refitted(self, rows, pooled, label)

    monkeypatch.setattr(Pooled, "refitted", spy)
    pooled = Pooled.fit(cache, num_frames=10)
    made = select_then_pool(cache, run, pooled, "mine", (2, 4))
    assert list(made) == ["mine, then pooled", "mine, best of four"]
    assert made["mine, then pooled"].kind == POOLED
    assert made["mine, then pooled"].frames in (2, 4)
    fit, held = set(run.task.fit_rows.tolist()), set(run.task.validation_rows.tolist())
    assert fitted == [fit] * 3 + [fit | held] * 2


def test_the_command_adds_two_rows(folders, planted, tmp_path):
    command = ["evaluate", *map(str, folders), "--data", str(planted), "--frames", "2", "4"]
    main([*command, "--pool", "--ensemble", "--choose", "one-se", "--out", str(tmp_path)])
    with open(tmp_path / "evaluation.csv", newline="") as file:
        rows = {row["ranking"]: row for row in csv.DictReader(file) if row["frames"] == "all"}
    assert rows["reinforce, then pooled"]["runs"] == rows["reinforce, best of four"]["runs"] == "2"
    assert float(rows["reinforce, then pooled"]["mean_frames"]) <= 4
    text = (tmp_path / "evaluation.md").read_text()
    assert "reinforce ensemble" in text and "within one standard error" in text


def test_it_can_be_asked_for_by_the_agents_name(folders, planted):
    agents = {"mine": folders[:1], "other": folders[1:]}
    options = {"frames": (2,), "references": False, "resamples": 10}
    made = evaluate_runs(open_cache(planted), agents, pool={"other"}, **options)
    names = {row.ranking for row in made.table}
    assert "other, then pooled" in names and "mine, then pooled" not in names


def test_where_it_has_no_meaning_is_said_in_a_line(planted, regression, viewed, tmp_path):
    audio = train(tmp_path / "audio", regression, "--stream", "audio", "--reward", "delta_error")
    options = {"frames": (2,), "pool": True}
    with pytest.raises(FrameSelectError, match="--pool: only for a classification"):
        evaluate_runs(open_cache(regression), {"mine": [audio]}, **options)
    views = train(tmp_path / "views", viewed, "--stream", "rgb", "--view", "random")
    made = evaluate_runs(open_cache(viewed), {"mine": [views]}, references=False, **options)
    assert any("one stream without single views" in note for note in made.notes)
    assert {row.ranking for row in made.table} == {"all", "mine", "untrained mine"}


@pytest.mark.parametrize("other", [["--alpha", 0.5], ["--aggregator", "max"]])
def test_it_is_left_out_where_p1_is_not_the_mean_of_the_selected_frames(planted, tmp_path, other):
    run = train(tmp_path / "run", planted, *other)
    options = {"frames": (2,), "references": False, "resamples": 10, "pool": True}
    made = evaluate_runs(open_cache(planted), {"mine": [run]}, **options)
    assert {row.ranking for row in made.table} == {"all", "mine", "untrained mine"}
    (note,) = [note for note in made.notes if "then pooled" in note]
    assert note.endswith("they are for the mean prediction of the selected frames")
