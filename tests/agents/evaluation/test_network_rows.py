"""What a network itself answers for whole videos is a row of every table, with a run per seed."""

import csv

import numpy as np
import pytest

from agents.__main__ import main
from agents.evaluation import evaluate
from agents.evaluation.run_scores import StoredAnswers, evaluate_runs, network_row
from agents.evaluation.scoring import video_answers
from agents.training.load import load_run
from frame_select_env import FrameSelectError, open_cache

FAST = ["--epochs", "1", "--hidden-size", "4", "--num-frames", "10", "--target-frames", "4"]
QUICK = {"frames": (2,), "references": False, "resamples": 20}


def train(out, data, *more):
    command = ["train", "--agent", "dfan", "--data", str(data), "--out", str(out), *FAST]
    main([*command, *map(str, more)])
    return out


@pytest.fixture(scope="module")
def folders(planted, tmp_path_factory):
    """Two runs of an agent whose network answers."""
    out = tmp_path_factory.mktemp("runs")
    return [train(out / str(seed), planted, "--seed", seed) for seed in range(2)]


def own_answers(folder, cache, rows, **of):
    clips = cache.read(rows, 10, **of)
    return load_run(folder, cache).agent.predict(clips)


def test_the_row_has_the_answers_of_every_run(folders, planted):
    cache = open_cache(planted)
    for _ in range(2):  # computed, and read from the runs' files
        made = evaluate_runs(cache, {"mine@x=1": folders}, **QUICK)
        found = made.results["mine-network@x=1", "all"]
        row = made.row("mine-network@x=1", "all")
        right = []
        for run, folder in enumerate(folders):
            answer = own_answers(folder, cache, made.rows).argmax(1)
            np.testing.assert_array_equal(found.predicted[run], answer)
            right.append((answer == made.label).mean())
        assert row.figures["accuracy"].value == pytest.approx(np.mean(right))
        assert row.runs == 2 and row.mean_frames == made.valid.sum(1).mean()
    assert not [name for name, _ in made.results if name.startswith("untrained mine-network")]


def test_answers_of_two_streams_are_averaged(viewed, tmp_path):
    cache = open_cache(viewed)
    pair = [train(tmp_path / name, viewed, "--stream", name) for name in ("rgb", "flow")]
    made = evaluate_runs(cache, {"both": [tuple(pair)]}, **QUICK)
    answers = [
        own_answers(folder, cache, made.rows, stream=name)
        for folder, name in zip(pair, ("rgb", "flow"), strict=True)
    ]
    mean = np.mean(answers, axis=0)
    found = made.results["both-network", "all"]
    np.testing.assert_array_equal(found.predicted[0], mean.argmax(1))
    np.testing.assert_allclose(found.true_probability[0], mean[np.arange(len(mean)), made.label])


def test_answers_about_single_views_are_averaged_over_a_videos_views(viewed, tmp_path):
    cache = open_cache(viewed)
    run = train(tmp_path / "run", viewed, "--stream", "rgb", "--view", "random")
    made = evaluate_runs(cache, {"dfan": [run]}, **QUICK)
    views = [
        own_answers(run, cache, made.rows, stream="rgb", view=np.full(len(made.rows), view))
        for view in range(cache.views("rgb"))
    ]
    own = np.mean(views, axis=0)[np.arange(len(made.rows)), made.label]
    np.testing.assert_allclose(made.results["dfan-network", "all"].true_probability[0], own)


def test_of_a_regression_the_answers_are_target_values(regression):
    cache = open_cache(regression)
    rows = cache.rows("test")
    answer = np.random.default_rng(0).normal(size=(len(rows), len(cache.classes)))
    stored = StoredAnswers("reaction-network", {"video": rows[::-1], "answer": answer[::-1]})
    options = {**QUICK, "stream": cache.streams[0], "num_frames": 4}
    made = evaluate(cache, {}, more_predictors=[[(stored,)]], **options)
    error = np.abs(answer - cache.labels[rows]).mean()
    assert made.row("reaction-network", "all").figures["mae"].value == pytest.approx(error)


def test_an_agent_without_answers_has_no_such_row(planted, tmp_path):
    out = tmp_path / "run"
    main(["train", "--data", str(planted), "--out", str(out), *FAST])
    made = evaluate_runs(open_cache(planted), {"reinforce": [out]}, **QUICK)
    assert {name for name, _ in made.results} == {"all", "reinforce", "untrained reinforce"}


@pytest.mark.parametrize(
    ("label", "row"),
    [
        ("dfan", "dfan-network"),
        ("dfan@pooling=max, margin, m=4", "dfan-network@pooling=max, margin, m=4"),
        ("two-stream dfan, margin", "two-stream dfan-network, margin"),
        ("mine:AGENT@a=1,b=2", "mine:AGENT-network@a=1,b=2"),
    ],
)
def test_the_row_is_named_after_the_agent(label, row):
    assert network_row(label) == row


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [(np.zeros((2, 3)), "predict gave the shape"), (np.full((2, 4), np.nan), "for video 0 is NaN")],
)
def test_answers_of_another_shape_or_nan_are_refused(planted, answer, wrong):
    class Silent:
        name = "silent"

        def predict(self, clips):
            return answer

    with pytest.raises(FrameSelectError, match=wrong):
        video_answers(Silent(), open_cache(planted).read(np.arange(2), 10))


@pytest.mark.usefixtures("no_pictures")
def test_compare_has_a_row_for_every_seed_and_names_the_streams(viewed, tmp_path):
    """Without --streams each agent sees its default, which for dfan is every stream."""
    out = tmp_path / "out"
    tiny = "dfan@hidden_size=4,epochs=1"
    command = ["compare", "--data", str(viewed), "--agents", tiny, "--out", str(out)]
    command += ["--num-frames", "6", "--target-frames", "2", "--frames", "2", "--resamples", "20"]
    main([*command, "--seeds", "2", "--jobs", "1"])
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    network = [row for row in rows if row["agent"] == "dfan-network@hidden_size=4,epochs=1"]
    assert [(row["seed"], row["frames"]) for row in network] == [("0", "all"), ("1", "all")]
    assert {row["stream"] for row in rows} == {"+".join(open_cache(viewed).streams)}
    assert {tiny, "all", "pooled", f"untrained {tiny}"} <= {row["agent"] for row in rows}
    assert "dfan-network" in (out / "summary.md").read_text()
