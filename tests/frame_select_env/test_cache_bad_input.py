"""Videos that make no cache are refused in a single line, and leave nothing behind."""

import gc
import warnings

import numpy as np
import pytest

from frame_select_env import CacheError, FeatureCache, write_cache
from frame_select_env.cache.schema import check_label
from tests.shared.cache_arrays import video


def with_value(shape: tuple[int, ...], value: float) -> np.ndarray:
    array = np.full(shape, 0.5, np.float32)
    array[1, 0] = value
    return array


BAD_VIDEOS = {
    "label 2 is out of range; allowed: 0 to 1": [video(label=2)],
    "label -2 is out of range": [video(label=-2)],
    "'a/\\udcff' is not valid UTF-8": [video("a/\udcff")],
    "must be one integer": [video(label=0.5)],
    "split 'dev' is unknown; allowed: train, val, test": [video(split="dev")],
    "video 'v': the id is duplicated": [video(), video()],
    "features is nan at frame 1": [video(features=with_value((3, 2), np.nan))],
    "streams/main/features is inf at frame 1": [
        video(features=np.ones((3, 2), np.float16)),
        video("w", features=with_value((3, 2), 1e6)),  # stored with the dtype of the first video
    ],
    "predictions is inf at frame 1": [video(predictions=with_value((3, 2), np.inf))],
    "must be probabilities; apply the softmax": [video(predictions=with_value((3, 2), 7.0))],
    "sum to 0.6, not 1": [video(predictions=np.full((3, 2), 0.3))],
    "sum to 1.5, not 1": [video(predictions=[[0.5, 0.5], [0.75, 0.75], [0.25, 0.5]])],
    "sum to 0.25, not 1": [video(predictions=[[0.5, 0.5], [0.75, 0.75], [0.0, 0.25]])],
    "range from 0 to 1.5, but must be probabilities": [
        video(predictions=[[1.5, 0.0], [1.0, 0.0], [0.0, 1.0]])
    ],
    "features is inf at frame 0": [video(features=[[1, np.inf], [np.nan, 1], [1, -np.inf]])],
    "label 7 is out of range; allowed: 0 to 1, or -1": [video(label=7)],
    "label [1] must be one integer": [video(label=[1])],
    "folds/b/predictions/main is missing for some videos": [
        video(folds={"b": {"split": "test", "predictions": [[0.5, 0.5]] * 3}}),
        video("w", folds={"b": {"split": "test"}}),
    ],
    "frames/number must be whole numbers from 0": [video(number=[0, 1, -1])],
    "frames/number must be whole numbers from 0, of frames in": [video(number=[0.0, 1.0, 2.0])],
    "frames/number must be whole numbers from 0, of": [video(number=[0, 1, 2**31])],
    "has no features": [{"id": "v", "label": 0, "split": "", "predictions": [[1, 0]]}],
    "predictions has 0 frames; features have 3": [video(predictions=0.5)],
    "predictions has 2 frames; features have 3": [video(predictions=[[0.5, 0.5]] * 2)],
    "has 3 columns; expected 2": [video(predictions=[[0.5, 0.25, 0.25]] * 3)],
    "has no frames": [video(features=np.ones((0, 2)), predictions=np.ones((0, 2)))],
    "must have the same keys": [video(), video("w", importance=np.ones(3))],
    "the first video has (2,)": [video(), video("w", features=np.ones((3, 5)))],
    "name the middle axis with axes=": [video(features=np.ones((3, 2, 2)))],
    "fold 'b' has predictions for the unknown stream 'x'": [
        video(folds={"b": {"split": "test", "predictions": {"x": [[0.5, 0.5]] * 3}}})
    ],
    "there are no videos": [],
}


@pytest.mark.parametrize("message", BAD_VIDEOS)
def test_bad_videos_are_refused_and_leave_nothing_behind(tmp_path, message):
    with pytest.raises(CacheError) as caught:
        write_cache(tmp_path / "c.h5", BAD_VIDEOS[message], classes=["a", "b"])
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({}, "give either classes or targets, not both"),
        ({"classes": ["a"], "targets": ["b"]}, "give either classes or targets, not both"),
        ({"classes": []}, "must be distinct names, at least one"),
        ({"classes": ["a", ""]}, "must be distinct names, at least one"),
        ({"classes": ["a", "a"]}, "must be distinct names, at least one"),
        ({"classes": ["a", "b"], "axes": {"other": "view"}}, "axes has the unknown name {'other'}"),
        ({"classes": ["a", "b"], "axes": {"main": "time"}}, "axes has the unknown name {'time'}"),
        ({"targets": ["x", "y"]}, "label 1 must be 2 finite numbers"),
    ],
)
def test_bad_arguments_are_refused_and_leave_nothing_behind(tmp_path, keywords, message):
    with pytest.raises(CacheError) as caught:
        write_cache(tmp_path / "c.h5", [video()], **keywords)
    assert message in str(caught.value) and list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(CacheError, match="the folder .*nowhere does not exist"):
        write_cache(tmp_path / "nowhere" / "c.h5", [video()], classes=["a", "b"])


@pytest.mark.parametrize("label", [[1.0], [1.0, 2.0, 3.0], [1.0, np.nan], 1.0])
def test_labels_of_a_regression_are_as_many_finite_numbers_as_targets(tmp_path, label):
    with pytest.raises(CacheError, match="must be 2 finite numbers"):
        write_cache(tmp_path / "c.h5", [video(label=label)], targets=["x", "y"])
    path = write_cache(tmp_path / "c.h5", [video(label=[1.0, -2.0])], targets=["x", "y"])
    assert FeatureCache(path).labels.tolist() == [[1.0, -2.0]]


def test_views_are_predicted_in_streams_with_a_view_axis_alone(tmp_path):
    views, flat = np.full((3, 2, 2), 0.5), np.full((3, 2), 0.5)
    wrong = video(features={"a": views, "b": flat}, predictions={"a": views, "b": views})
    with pytest.raises(CacheError, match="streams/b/predictions has shape.*expected 2 axes"):
        write_cache(tmp_path / "c.h5", [wrong], classes=["a", "b"], axes={"a": "view"})
    folds = {"f": {"split": "test", "predictions": {"b": views}}}
    wrong |= {"predictions": {"a": views, "b": flat}, "folds": folds}
    with pytest.raises(CacheError, match="folds/f/predictions/b has shape"):
        write_cache(tmp_path / "c.h5", [wrong], classes=["a", "b"], axes={"a": "view"})


def test_no_file_is_left_open_where_videos_are_refused(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(CacheError):
            write_cache(tmp_path / "c.h5", [video(), video()], classes=["a", "b"])
        gc.collect()
    assert not [str(w.message) for w in caught if str(tmp_path) in str(w.message)]


def test_a_failing_iterator_keeps_the_file_that_was_there(tmp_path):
    path = write_cache(tmp_path / "c.h5", [video()], classes=["a", "b"])

    def broken():
        yield video("w")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cache(path, broken(), classes=["a", "b"])
    assert FeatureCache(path).ids.tolist() == ["v"] and list(tmp_path.iterdir()) == [path]


def test_only_a_cache_is_replaced(tmp_path):
    mine = tmp_path / "notes.txt"
    mine.write_text("keep me")
    for path in (mine, tmp_path):
        with pytest.raises(CacheError, match="already exists and is not a cache"):
            write_cache(path, [video()], classes=["a", "b"])
    assert mine.read_text() == "keep me"
    path = write_cache(tmp_path / "c.h5", [video()], classes=["a", "b"])
    write_cache(path, [video("w")], classes=["a", "b"])
    assert FeatureCache(path).ids.tolist() == ["w"]


def test_provenance_that_hdf5_cannot_hold_is_refused(tmp_path):
    with pytest.raises(CacheError, match="provenance has 70000 bytes; at most 60000"):
        write_cache(tmp_path / "c.h5", [video()], classes=["a", "b"], provenance="x" * 70_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a/b", "", "a\nb", ".."])
def test_names_of_streams_and_folds_fit_into_names_of_datasets(tmp_path, name):
    one = video()
    stream = one | {key: {name: one[key]} for key in ("features", "predictions")}
    fold = one | {"folds": {name: {"split": "test"}}}
    for wrong, kind in ((stream, "stream"), (fold, "fold")):
        with pytest.raises(CacheError, match=f"the {kind} name .* must be printable text"):
            write_cache(tmp_path / "c.h5", [wrong], classes=["a", "b"])


def test_every_video_has_what_the_first_one_has(tmp_path):
    first = {
        "id": "a",
        "label": 0,
        "split": "train",
        "features": np.ones((2, 3), np.float32),
        "predictions": np.full((2, 2), 0.5, np.float32),
    }
    more = {**first, "importance": np.ones(2, np.float32)}
    for videos in ([more, {**first, "id": "b"}], [first, {**more, "id": "b"}]):
        with pytest.raises(CacheError, match="video 'b'.* must have the same keys, streams and"):
            write_cache(tmp_path / "mixed.h5", videos, classes=["x", "y"])
    assert not list(tmp_path.iterdir())


def test_a_label_is_told_with_what_is_allowed():
    assert check_label(np.int64(4), "classification", 5) is None
    assert check_label(-1, "classification", 5) is None
    told = "label 5 is out of range; allowed: 0 to 4, or -1 (unknown)"
    assert check_label(5, "classification", 5) == told
