"""Views and streams, each ranked by itself, their predictions averaged: worked by hand."""

import csv
import shutil

import numpy as np
import pytest

from agents.__main__ import main
from agents.evaluation import evaluate
from agents.evaluation.combined import Fused
from agents.evaluation.run_groups import fuse_runs
from agents.evaluation.run_scores import evaluate_runs, run_scores
from agents.evaluation.scoring import EvaluationSettings, VideoBatch
from frame_select_env import FeatureCache, FrameSelectError, open_cache, write_cache

# The probability of class 0, the label, by view and frame; and the feature, by which is ranked.
TOLD = {
    "rgb": [[0.9, 0.2, 0.1], [0.3, 0.8, 0.1]],
    "flow": [[0.1, 0.6, 0.5], [0.7, 0.1, 0.2]],
}
FEATURE = {"rgb": [[3, 1, 2], [1, 4, 2]], "flow": [[1, 2, 3], [3, 1, 2]]}


class ByFeature:
    """Ranks by the feature, or against it; freely keeps the frames where it is 3 or more."""

    name = "by-feature"

    def __init__(self, sign=1):
        self.sign = sign

    def scores(self, clips):
        return self.sign * clips.features[:, :, 0].astype(float)

    def select(self, clips):
        return clips.features[:, :, 0] >= 3


@pytest.fixture
def two_streams(tmp_path):
    """A test video of three frames with two streams of two views."""
    told = {name: np.array(one, np.float32).T for name, one in TOLD.items()}
    video = {
        "id": "v",
        "label": 0,
        "split": "test",
        "features": {name: np.array(one, np.float32).T[..., None] for name, one in FEATURE.items()},
        "predictions": {name: np.stack([one, 1 - one], axis=2) for name, one in told.items()},
    }
    path = write_cache(
        tmp_path / "two.h5", [video], classes=["yes", "no"], axes={"rgb": "view", "flow": "view"}
    )
    return FeatureCache(path)


def found(cache, ranking, frames, **options):
    """The probability of the label at `frames`."""
    options = {"num_frames": 3, "frames": (1,), "view": "random", **options}
    made = evaluate(cache, {"mine": [ranking]}, references=["uniform", "oracle"], **options)
    name = "mine" if frames in ("1", "free") else frames
    frames = frames if frames in ("1", "free", "all") else "1"
    return float(made.results[name, frames].true_probability[0, 0]), made


@pytest.mark.parametrize(
    ("stream", "scheme", "frames", "expected"),
    [
        (["rgb", "flow"], "region", "1", (0.9 + 0.8 + 0.5 + 0.7) / 4),
        # Averaged over views, the scores are (2, 2.5, 2) and (2, 1.5, 2.5).
        (["rgb", "flow"], "frame", "1", (0.2 + 0.8 + 0.5 + 0.2) / 4),
        ("rgb", "region", "1", 0.85),
        ("rgb", "frame", "1", 0.5),
        (["rgb", "flow"], "region", "all", (0.4 + 0.4 + 0.4 + 1 / 3) / 4),
        (["rgb", "flow"], "region", "uniform", (0.2 + 0.8 + 0.6 + 0.1) / 4),
        (["rgb", "flow"], "region", "oracle", (0.9 + 0.8 + 0.6 + 0.7) / 4),
        # The oracle's scores follow from each view alone, and are averaged like any others.
        (["rgb", "flow"], "region", "free", (0.9 + 0.8 + 0.5 + 0.7) / 4),
        # Frames 0 and 1 of rgb, 0 and 2 of flow, are chosen in half of the views.
        (["rgb", "flow"], "frame", "free", (0.55 + 0.55 + 0.3 + 0.45) / 4),
    ],
)
def test_units_are_ranked_by_themselves_and_averaged(two_streams, stream, scheme, frames, expected):
    got, _ = found(two_streams, ByFeature(), frames, stream=stream, view_scheme=scheme)
    assert got == pytest.approx(expected, abs=1e-6)


def test_a_ranking_for_each_stream(two_streams):
    both = Fused("both", (ByFeature(), ByFeature(-1)))
    got, made = found(two_streams, both, "1", stream=["rgb", "flow"])
    assert got == pytest.approx((0.9 + 0.8 + 0.1 + 0.1) / 4, abs=1e-6)
    selected = made.results["mine", "1"].selected
    assert selected.shape == (1, 1, 4, 3)  # runs, videos, units, frames
    assert selected[0, 0].argmax(axis=1).tolist() == [0, 1, 0, 1]
    assert made.results["mine", "1"].frames.tolist() == [[1.0]]
    assert made.scores["mine"].shape == (1, 1, 4, 3)


def test_one_view_by_its_number(two_streams):
    got, made = found(two_streams, ByFeature(), "1", stream="rgb", view=1)
    assert got == pytest.approx(0.8, abs=1e-6)
    assert made.results["all", "all"].true_probability[0, 0] == pytest.approx(0.4, abs=1e-6)


def test_views_together_are_one_unit(two_streams):
    batch = VideoBatch(
        EvaluationSettings(two_streams, num_frames=3, streams=("rgb",)), np.array([0])
    )
    assert batch.everything.shape == (1, 1, 3)
    assert batch.average(batch.everything).true_probability[0] == pytest.approx(0.4, abs=1e-6)


def test_alpha_weighs_the_frames_left_out_of_each_unit(two_streams):
    got, _ = found(two_streams, ByFeature(), "1", stream="rgb", alpha=0.5)
    first = (0.9 + 0.5 * 0.3) / 2
    second = (0.8 + 0.5 * 0.4) / 2
    assert got == pytest.approx((first + second) / 2, abs=1e-6)


def test_what_cannot_be_fused_is_refused(two_streams, planted):
    with pytest.raises(FrameSelectError, match="view scheme 'regions'"):
        found(two_streams, ByFeature(), "1", stream="rgb", view_scheme="regions")
    with pytest.raises(FrameSelectError, match="has no axis of views"):
        evaluate(open_cache(planted), {"mine": [ByFeature()]}, view="random")


FAST = ["--epochs", 1, "--hidden-size", 4, "--num-frames", 6, "--target-frames", 2]


def train(out, viewed, *more):
    main([str(one) for one in ("train", "--data", viewed, "--out", out, *FAST, *more)])
    return out


@pytest.fixture(scope="module")
def folders(viewed, tmp_path_factory):
    """Runs on rgb and flow with seeds 0 and 1, each trained on a random view a visit."""
    out = tmp_path_factory.mktemp("runs")
    return [
        train(out / f"{stream}{seed}", viewed, "--stream", stream, "--view", "random", *more)
        for stream in ("rgb", "flow")
        for seed in range(2)
        for more in [("--seed", seed)]
    ]


def test_the_command_writes_a_row_of_both_streams(folders, viewed, tmp_path, capsys):
    files = list(map(str, folders))
    main(
        [
            "evaluate",
            *files,
            "--data",
            str(viewed),
            "--fuse",
            "--frames",
            "2",
            "--out",
            str(tmp_path),
        ]
    )
    assert "two-stream" in capsys.readouterr().out
    with open(tmp_path / "evaluation.csv", newline="") as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    assert rows["two-stream", "2"]["runs"] == "2"
    assert {"untrained two-stream", "uniform", "oracle", "pooled"} <= {name for name, _ in rows}

    cache = open_cache(viewed)
    test = cache.rows("test")
    told = []  # the mean over streams and views of the mean over frames
    for stream in ("rgb", "flow"):
        clips = [
            cache.read(test, 6, stream=stream, view=np.full(len(test), view)) for view in range(3)
        ]
        told += [one.predictions.sum(1) / one.valid.sum(1)[:, None] for one in clips]
    right = (np.mean(told, axis=0).argmax(1) == cache.labels[test]).mean()
    assert float(rows["all", "all"]["accuracy"]) == pytest.approx(right, abs=1e-6)

    with open(tmp_path / "predictions.csv", newline="") as file:
        selected = [row["selected"] for row in csv.DictReader(file)]
    assert selected and all(one.count("|") == 5 for one in selected)  # six units


def test_two_streams_are_the_two_runs_at_their_own_frames(folders, viewed):
    cache, pair = open_cache(viewed), (folders[0], folders[2])
    fused = evaluate_runs(cache, {"both": [pair]}, frames=(2,), references=False, resamples=1)
    alone = [
        evaluate_runs(cache, {"one": [folder]}, frames=(2,), references=False, resamples=1)
        for folder in pair
    ]
    own = np.concatenate([one.results["one", "2"].selected for one in alone], axis=2)
    assert np.array_equal(fused.results["both", "2"].selected, own)
    p_c = np.mean([one.results["one", "2"].true_probability for one in alone], axis=0)
    np.testing.assert_allclose(fused.results["both", "2"].true_probability, p_c, atol=1e-12)


def test_runs_that_do_not_belong_together_are_refused(folders, viewed, tmp_path):
    with pytest.raises(
        FrameSelectError, match="all runs are on the stream 'rgb'; name runs on two"
    ):
        fuse_runs(folders[:2])
    with pytest.raises(
        FrameSelectError, match="reinforce with seed 1 was not trained on both 'rgb"
    ):
        fuse_runs(folders[:3])
    cache, few = open_cache(viewed), {"frames": (2,)}
    with pytest.raises(FrameSelectError, match="differ in stream: 'rgb' and 'flow'; .* --fuse"):
        evaluate_runs(cache, {"one": [folders[0], folders[2]]}, **few)
    mean = train(tmp_path / "mean", viewed, "--stream", "flow")
    with pytest.raises(FrameSelectError, match="differ in view: 'random' and None"):
        evaluate_runs(cache, {"one": [(folders[0], mean)]}, **few)
    # A fifth of the split is held out, drawn by the seed.
    first, second = (
        train(tmp_path / stream, viewed, "--stream", stream, "--split", "val", "--seed", seed)
        for seed, stream in enumerate(("rgb", "flow"))
    )
    with pytest.raises(FrameSelectError, match="held out different validation videos"):
        evaluate_runs(cache, {"one": [(first, second)]}, **few)


def test_only_runs_for_the_same_reward_and_m_are_fused(folders, viewed, tmp_path):
    plain = folders[0], folders[2]  # for sign_omega and m = 2, like all of `folders`
    views = ["--view", "random"]
    margin = tuple(
        train(tmp_path / one, viewed, "--stream", one, *views, "--reward", "margin")
        for one in ("rgb", "flow")
    )
    wide = train(tmp_path / "wide", viewed, "--stream", "flow", *views, "--target-frames", 3)
    assert fuse_runs([*plain, *margin]) == {
        "two-stream reinforce, sign_omega": [plain],
        "two-stream reinforce, margin": [margin],
    }
    for runs, name in (
        ([plain[0], margin[1]], "reinforce, (margin|sign_omega)"),
        ([plain[0], wide], "reinforce, m=(2|3)"),
    ):
        with pytest.raises(FrameSelectError, match=f"{name} with seed 0 was not trained on both"):
            fuse_runs(runs)
    copy = shutil.copytree(folders[0], tmp_path / "copy")
    with pytest.raises(FrameSelectError, match="copy are both runs of reinforce with seed 0; name"):
        fuse_runs([*folders, copy])
    with pytest.raises(FrameSelectError, match="flow0: is named twice"):
        fuse_runs([*folders, folders[2]])


def test_stored_scores_have_a_row_for_every_view(folders, viewed):
    cache = open_cache(viewed)
    stored = run_scores(folders[0], cache)
    rows = cache.rows("test")
    video, view = cache.clips_of(rows, "rgb", "random")
    clips = cache.read(video, 6, stream="rgb", view=view)
    scores = stored.trained.scores(clips)
    assert scores.shape == (3 * len(rows), 6)
    back = cache.read(video[::-1], 6, stream="rgb", view=view[::-1])
    assert np.array_equal(stored.trained.scores(back), scores[::-1])
    assert len(np.unique(scores[:3, 0])) == 3  # the views differ


def test_an_ensemble_of_seeds_is_fused_like_its_members(folders, viewed):
    cache = open_cache(viewed)
    runs = [(folders[0], folders[2]), (folders[1], folders[3])]
    options = {"frames": (2,), "references": False, "resamples": 1}
    made = evaluate_runs(cache, {"both": runs}, ensemble=True, **options)
    assert made.results["both ensemble", "2"].selected.shape[1:] == (len(made.rows), 6, 6)
    alone = evaluate_runs(cache, {"both": runs[:1]}, ensemble=True, **options)
    assert not any("ensemble" in name for name, _ in alone.results)


def test_streams_side_by_side_are_one_agent(viewed, tmp_path):
    folder = train(tmp_path / "run", viewed, "--stream", "rgb+flow")
    cache = open_cache(viewed)
    made = evaluate_runs(cache, {"one": [folder]}, frames=(2,), references=["pooled"], resamples=1)
    assert made.results["one", "2"].selected.shape[2] == 1  # a single unit
    told = [cache.read(made.rows, 6, stream=one) for one in ("rgb", "flow")]
    p0 = np.mean([one.predictions.sum(1) / one.valid.sum(1)[:, None] for one in told], axis=0)
    right = p0.argmax(1) == made.label
    assert (1 - made.results["all", "all"].error[0]).tolist() == right.tolist()
