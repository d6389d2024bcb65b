"""predict-cache: every frame predicted once, folds, cross-fitting, and what is refused."""

import json

import numpy as np
import pytest

from agents.__main__ import main
from agents.training.load import load_run
from agents.training.predicted_cache import interleaved, predict_video
from agents.training.task import make_task
from frame_select_env import FrameSelectError, open_cache, write_cache

FAST = ["--hidden-size", "4", "--epochs", "1", "--num-frames", "6", "--target-frames", "2"]


class Told:
    """Predicts the first features of each frame."""

    name = "told"

    def predict_frames(self, clips):
        assert not clips.features[~clips.valid].any()
        assert (clips.valid.sum(1) > 0).all()
        return clips.features[..., : clips.predictions.shape[2]]


def folded():
    """40 videos of 4 to 13 frames, in groups; in fold b other videos are tested."""
    rng = np.random.default_rng(0)
    for row in range(40):
        length = 4 + row % 10
        yield {
            "id": f"v{row}",
            "label": row % 2 if row else -1,
            "split": ("train", "train", "test", "")[row // 2 % 4],
            "group": f"g{row % 5}",
            "features": {
                "a": rng.normal(size=(length, 3)).astype(np.float32),
                "b": rng.normal(size=(length, 2, 2)).astype(np.float16),
            },
            "predictions": {name: np.full((length, 2), 0.5) for name in "ab"},
            "time": np.arange(length) / 2,
            "importance": rng.random(length),
            "thumbnail": rng.integers(0, 255, (length, 2, 2)).astype(np.uint8),
            "folds": {
                "b": {
                    "split": ("test", "train", "train", "train")[row // 2 % 4],
                    "predictions": {name: np.tile([0.25, 0.75], (length, 1)) for name in "ab"},
                }
            },
        }


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    path = tmp_path_factory.mktemp("folded") / "folded.h5"
    return write_cache(path, folded(), classes=["x", "y"], axes={"b": "object"})


@pytest.fixture(scope="module")
def run(cache, tmp_path_factory):
    """A run of dfan on both streams."""
    out = tmp_path_factory.mktemp("run") / "run"
    main(["train", "--agent", "dfan", "--data", str(cache), "--out", str(out), *FAST])
    return out


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "made.h5"
    main(["predict-cache", str(run), str(out)])
    return open_cache(out)


@pytest.mark.parametrize(("length", "most"), [(1, 6), (6, 6), (7, 6), (13, 6), (100, 25)])
def test_every_frame_is_in_one_part_of_at_most_t_frames(length, most):
    index = interleaved(length, most)
    valid = index < length
    assert sorted(index[valid].tolist()) == list(range(length))
    assert index.shape[1] <= most and valid.any(1).all()
    assert all(np.array_equal(np.sort(row), row) for row in valid[:, ::-1])  # padding at the end


def test_each_frame_gets_its_own_answer(cache):
    opened = open_cache(cache)
    task = make_task(opened, cache, stream="a+b", num_frames=6, target_frames=2)
    for row in (0, 3, 9):
        frames = slice(opened.start[row], opened.start[row + 1])
        np.testing.assert_array_equal(
            predict_video(opened, row, Told(), task), opened.features("a")[frames, :2]
        )


def test_of_random_views_the_answers_are_averaged(viewed):
    opened = open_cache(viewed)
    task = make_task(opened, viewed, stream="rgb", view="random", num_frames=5, target_frames=2)
    seen = opened.features("rgb")[opened.start[4] : opened.start[5], :, :4].astype(float)
    told = predict_video(opened, 4, Told(), task)
    np.testing.assert_allclose(told, seen.mean(1), atol=1e-6)


def test_all_but_the_predictions_is_the_same(cache, made):
    old = open_cache(cache)
    assert (made.streams, made.folds, made.classes) == (old.streams, old.folds, old.classes)
    for name in ("ids", "labels", "groups", "start"):
        np.testing.assert_array_equal(getattr(made, name), getattr(old, name))
    for fold in old.folds:
        np.testing.assert_array_equal(made.splits(fold), old.splits(fold))
    rows = np.arange(len(old))
    for name in ("time", "importance", "thumbnail"):
        np.testing.assert_array_equal(*(one.read_frames(name, rows, 13) for one in (made, old)))
    for stream in old.streams:
        assert made.features_extent(stream).axes == old.features_extent(stream).axes
        np.testing.assert_array_equal(made.features(stream), old.features(stream))
    assert list(made.check_values()) == rows.tolist()


def test_the_predictions_are_the_networks_and_another_fold_keeps_its_own(cache, made, run):
    assert made.provenance["crossfit"] == "none" and made.provenance["kept folds"] == ["b"]
    loaded = load_run(run, open_cache(cache))
    for row in (0, 5, 31):
        frames = slice(made.start[row], made.start[row + 1])
        told = predict_video(open_cache(cache), row, loaded.agent, loaded.task)
        for stream in made.streams:
            np.testing.assert_array_equal(made.predictions(stream)[frames], told)
            kept = made.predictions(stream, "b")[frames]
            np.testing.assert_array_equal(kept, np.tile([0.25, 0.75], (len(told), 1)))
    short = open_cache(cache).read(np.array([0]), 4, "default", loaded.task.stream)
    np.testing.assert_allclose(
        loaded.agent.predict_frames(short)[0], made.predictions("a")[:4], atol=1e-6
    )


def test_an_agent_is_trained_on_it(made, tmp_path):
    main(["train", "--data", str(made.path), "--stream", "a", "--out", str(tmp_path / "r"), *FAST])
    assert (tmp_path / "r" / "model.safetensors").is_file()


def test_a_run_of_each_fold_predicts_its_fold(cache, run, tmp_path, capsys):
    other, out = tmp_path / "other", tmp_path / "both.h5"
    command = ["train", "--agent", "dfan", "--data", str(cache), "--out", str(other), *FAST]
    main([*command, "--fold", "b"])
    main(["predict-cache", str(run), str(out), "--runs", str(other)])
    both = open_cache(out)
    assert set(both.provenance["predictions"]) == {"default", "b"}
    assert not np.allclose(both.predictions("a"), both.predictions("a", "b"))
    with pytest.raises(SystemExit):
        main(["predict-cache", str(run), str(tmp_path / "no.h5"), "--runs", str(run)])
    assert "two runs were trained on the same fold" in capsys.readouterr().err
    assert not (tmp_path / "no.h5").exists()


@pytest.mark.parametrize("crossfit", ["video", "group"])
def test_crossfitted_videos_are_predicted_by_networks_without_them(
    cache, made, run, tmp_path, monkeypatch, crossfit
):
    import agents.training.predicted_cache as module

    fitted = []

    def spy(design, opened, task, config):
        fitted.append(np.concatenate([task.fit_rows, task.validation_rows]))
        return real(design, opened, task, config)

    real = module.train
    monkeypatch.setattr(module, "train", spy)
    out = tmp_path / "crossfit.h5"
    main(["predict-cache", str(run), str(out), "--crossfit", crossfit])
    found, old = open_cache(out), open_cache(cache)
    assert found.provenance["crossfit"] == crossfit
    rows = np.flatnonzero((old.splits() == "train") & (old.labels >= 0))
    left_out = [np.setdiff1d(rows, one) for one in fitted]
    np.testing.assert_array_equal(np.sort(np.concatenate(left_out)), rows)
    if crossfit == "group":
        groups = [set(old.groups[one]) for one in left_out]
        assert all(not a & set(old.groups[b]) for a, b in zip(groups, fitted, strict=True))
    same = [
        np.array_equal(
            found.predictions("a")[slice(*old.start[row : row + 2])],
            made.predictions("a")[slice(*old.start[row : row + 2])],
        )
        for row in range(len(old))
    ]
    assert not any(np.array(same)[rows]) and all(np.delete(same, rows))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--crossfit", "group"], "planted.h5 are not of several groups; use --crossfit video"),
        ([], "agent 'reinforce' does not predict frames (it has no predict_frames)"),
    ],
)
def test_what_it_cannot_do_is_one_line(planted, tmp_path, capsys, more, message):
    alone = tmp_path / "planted.h5"
    videos = [
        {"id": str(row), "label": row % 2, "split": "train", "features": np.eye(3), **half()}
        for row in range(8)
    ]
    write_cache(alone, videos, classes=["x", "y"])
    out, run = tmp_path / "out.h5", tmp_path / "run"
    agent = "dfan" if more else "reinforce"
    main(["train", "--agent", agent, "--data", str(alone), "--out", str(run), *FAST])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(["predict-cache", str(run), str(out), *more])
    assert stopped.value.code == 2 and not out.exists()
    assert message in capsys.readouterr().err.splitlines()[-1]


def half():
    return {"predictions": np.full((3, 2), 0.5)}


def test_answers_of_another_shape_and_the_cache_itself_are_refused(cache, run, capsys):
    class Short(Told):
        def predict_frames(self, clips):
            return clips.features[:, :1, :2]

    opened = open_cache(cache)
    task = make_task(opened, cache, stream="a", num_frames=6, target_frames=2)
    with pytest.raises(FrameSelectError, match="predict_frames gave the shape"):
        predict_video(opened, 3, Short(), task)
    with pytest.raises(SystemExit):
        main(["predict-cache", str(run), str(cache)])
    assert "is the cache that is read" in capsys.readouterr().err
    assert json.loads((run / "config.json").read_text())["data"] == str(cache)
