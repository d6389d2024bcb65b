"""Sources with a middle axis, several streams and ready-made predictions of some of them."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scipy.special import softmax

from data.sources.importing import import_source
from data.sources.source import Source, check_videos
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.cache import schema

VIDEOS, LENGTH, VIEWS, OBJECTS = 20, 4, 3, 2
LABELS = np.arange(VIDEOS) % 2


def planted(stream: str) -> np.ndarray:
    """Features [N, L, ...] in which the class can be told."""
    rng = np.random.default_rng(len(stream))
    middle = {"rgb": (VIEWS,), "boxes": (OBJECTS,), "audio": ()}[stream]
    features = rng.normal(size=(VIDEOS, LENGTH, *middle, 5)).astype(np.float32)
    features[..., 0] += 3 * (LABELS * 2 - 1).reshape(-1, *[1] * (features.ndim - 2))
    return features


FEATURES = {stream: planted(stream) for stream in ("audio", "boxes", "rgb")}
SPLITS = np.where(np.arange(VIDEOS) < 14, "train", "test")


def source(streams: tuple[str, ...] = ("audio", "boxes", "rgb"), **changes: Any) -> Source:
    axes = {"rgb": "view", "boxes": "object"}
    fields: dict[str, Any] = {
        "path": Path("made-up"),
        "task": "classification",
        "outputs": ["x", "y"],
        "ids": np.array([f"v{row}" for row in range(VIDEOS)]),
        "labels": LABELS,
        "splits": {schema.DEFAULT_FOLD: SPLITS},
        "lengths": np.full(VIDEOS, LENGTH),
        "features": {stream: FEATURES[stream].__getitem__ for stream in streams},
        "axes": {stream: axes[stream] for stream in streams if stream in axes},
    }
    return check_videos(Source(**(fields | changes)))


def made(tmp_path: Path, of: Source, **options: Any) -> FeatureCache:
    return FeatureCache(import_source(of, tmp_path / "out.h5", **options))


def test_every_stream_keeps_its_axis_and_gets_a_head_of_its_own(tmp_path: Path) -> None:
    cache = made(tmp_path, source(), head_frames=6)
    frames = VIDEOS * LENGTH
    assert cache.predictions("rgb").shape == (frames, VIEWS, 2)
    assert cache.predictions("boxes").shape == (frames, 2)
    assert cache.predictions("audio").shape == (frames, 2)
    for stream, axis in (("rgb", "view"), ("boxes", "object"), ("audio", "")):
        assert cache.features_extent(stream).axes == axis
        np.testing.assert_array_equal(
            cache.features(stream), FEATURES[stream].reshape(frames, *FEATURES[stream].shape[2:])
        )
        test = cache.rows("test")
        clips = cache.read(test, LENGTH, stream=stream)
        assert (clips.predictions.mean(axis=1).argmax(axis=1) == LABELS[test]).all()
    assert cache.provenance["predictions"] == "linear head"
    assert set(cache.provenance["head"]["default"]) == {"audio", "boxes", "rgb"}
    assert list(cache.check_values()) == list(range(VIDEOS))


def test_a_view_is_predicted_by_itself(tmp_path: Path) -> None:
    """Views as frames of their own give the same head, and so the same predictions."""
    cache = made(tmp_path, source(("rgb",)), crossfit="none", head_frames=0)
    by_view = cache.predictions().copy()
    flat = FEATURES["rgb"].reshape(VIDEOS, LENGTH * VIEWS, 5)
    spread = source(
        ("audio",), features={"audio": flat.__getitem__}, lengths=np.full(VIDEOS, LENGTH * VIEWS)
    )
    as_frames = made(tmp_path, spread, crossfit="none", head_frames=0).predictions()
    np.testing.assert_allclose(by_view.reshape(-1, 2), as_frames, atol=1e-6)


@pytest.mark.parametrize("name", ["OneShot", "Sequential", "Pick"])
@pytest.mark.parametrize(("stream", "size"), [("rgb", VIEWS * 5), ("boxes", OBJECTS * 5)])
def test_environments_step_on_it(tmp_path: Path, name: str, stream: str, size: int) -> None:
    path = made(tmp_path, source()).path
    keywords = {"data": str(path), "split": "train", "stream": stream, "num_frames": LENGTH}
    env = gym.make(f"FrameSelect/{name}-v0", **keywords)
    observation, _ = env.reset(seed=0, options={"video": 1})
    assert observation["features"].shape == (LENGTH, size)
    np.testing.assert_array_equal(
        observation["features"], FEATURES[stream][1].reshape(LENGTH, size)
    )
    _, reward, *_ = env.step(env.action_space.sample())
    assert np.isfinite(reward)


@pytest.mark.parametrize("views", [False, True])
def test_ready_made_predictions_of_one_stream(tmp_path: Path, views: bool) -> None:
    logits = np.random.default_rng(3).normal(size=(VIDEOS, LENGTH, *((VIEWS,) * views), 2))
    given = softmax(logits, axis=-1).astype(np.float32)
    swapped = np.where(SPLITS == "train", "test", "train")
    of = source(
        predictions={"rgb": given.__getitem__},
        splits={schema.DEFAULT_FOLD: SPLITS, "swapped": np.where(LABELS < 2, swapped, "")},
    )
    cache = made(tmp_path, of)
    frames = (VIDEOS * LENGTH, *given.shape[2:])
    np.testing.assert_array_equal(cache.predictions("rgb"), given.reshape(frames))
    # Ready-made predictions do not depend on the fold; the heads' do.
    np.testing.assert_array_equal(cache.predictions("rgb", fold="swapped"), given.reshape(frames))
    assert (cache.predictions("audio", fold="swapped") != cache.predictions("audio")).any()
    assert cache.provenance["predictions"] == {
        "audio": "linear head",
        "boxes": "linear head",
        "rgb": "ready-made",
    }
    assert cache.provenance["crossfit"] == "video"
    assert set(cache.provenance["head"]["swapped"]) == {"audio", "boxes"}
    again = made(tmp_path, source(predictions={"rgb": logits.__getitem__}), logits=True)
    np.testing.assert_allclose(again.predictions("rgb"), given.reshape(frames), atol=1e-6)


def test_only_ready_made_predictions_train_nothing(tmp_path: Path) -> None:
    halves = np.full((LENGTH, 2), 0.5, np.float32)
    of = source(("audio", "rgb"), predictions=dict.fromkeys(("audio", "rgb"), lambda _: halves))
    cache = made(tmp_path, of, crossfit="group")
    assert cache.provenance["crossfit"] == "unknown"
    assert cache.provenance["predictions"] == "ready-made"
    assert "head" not in cache.provenance


def test_folds_that_part_the_videos_alike_share_their_predictions(tmp_path: Path) -> None:
    swapped = np.where(SPLITS == "train", "test", "train")
    splits = {schema.DEFAULT_FOLD: SPLITS, "a": swapped, "b": swapped.copy(), "c": SPLITS.copy()}
    cache = made(tmp_path, source(("audio",), splits=splits))
    np.testing.assert_array_equal(cache.predictions(fold="a"), cache.predictions(fold="b"))
    np.testing.assert_array_equal(cache.predictions(fold="c"), cache.predictions())
    assert (cache.predictions(fold="a") != cache.predictions()).any()


def reader(*shape: int) -> Any:
    return lambda _: np.full((LENGTH, *shape), 0.5, np.float32)


REFUSED = {
    "features without the middle axis": (
        {"features": {"rgb": reader(5)}},
        ["features.rgb", "'v0'", "(4, 5)", "[4, middle axis, columns]"],
    ),
    "views miscounted": (
        {"features": {"rgb": lambda row: np.zeros((LENGTH, 2 + row // 5, 5), np.float32)}},
        ["features.rgb", "'v5'", "3 x 5 columns, others have 2 x 5"],
    ),
    "views of predictions miscounted": (
        {"predictions": {"rgb": reader(2, 2)}},
        ["predictions.rgb", "'v0'", "2 views", "3"],
    ),
    "predictions too narrow": (
        {"predictions": {"rgb": reader(VIEWS, 1)}},
        ["predictions.rgb", "1 columns", "expected 2 (classes)"],
    ),
    "predictions of four axes": (
        {"predictions": {"rgb": reader(1, VIEWS, 2)}},
        ["predictions.rgb", "(4, 1, 3, 2)", "optional views"],
    ),
    "predictions of no stream": (
        {"predictions": {"b": reader(2)}},
        ["predictions.b", "no such features"],
    ),
    "axes of no stream": ({"axes": {"b": "view"}}, ["axes", "b", "'view'"]),
    "an unknown axis": ({"axes": {"rgb": "time"}}, ["axes", "rgb", "'time'"]),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(FrameSelectError) as error:
        made(tmp_path, source(("rgb",), **changes))
    for word in ["made-up", *words]:
        assert word in str(error.value)
    assert not list(tmp_path.iterdir())


def test_views_of_predictions_need_a_view_axis(tmp_path: Path) -> None:
    of = source(("boxes",), predictions={"boxes": reader(OBJECTS, 2)})
    with pytest.raises(
        FrameSelectError, match=r"predictions\.boxes.*expected numbers \[4, columns\]"
    ):
        made(tmp_path, of)
