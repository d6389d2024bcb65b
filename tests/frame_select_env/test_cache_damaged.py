"""A damaged cache, or one that changes while open, gives a line that names what is wrong."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from frame_select_env import CacheError, FeatureCache, FrameSelectError, open_cache, write_cache
from frame_select_env.cache.files import CacheFile
from tests.shared.cache_arrays import video


@pytest.fixture
def good(tmp_path: Path) -> Path:
    videos = [video("v"), video("w", split="test")]
    return write_cache(tmp_path / "good.h5", videos, classes=["a", "b"])


def edit_attribute(name, value):
    def edit(h5):
        h5.attrs[name] = np.bytes_(value) if isinstance(value, str) else value

    return edit


def replace(name, value):
    def edit(h5):
        attributes = dict(h5[name].attrs)
        del h5[name]
        h5[name] = value
        h5[name].attrs.update(attributes)

    return edit


def soft_link(h5):
    del h5["streams/main/features"]
    h5["streams/main/features"] = h5py.SoftLink("/streams/main/predictions")


def external_link(h5):
    del h5["streams/main/features"]
    h5["streams/main/features"] = h5py.ExternalLink("other.h5", "/x")


def chunked(h5):
    values = h5["streams/main/features"][:]
    del h5["streams/main/features"]
    h5.create_dataset("streams/main/features", data=values, chunks=True, compression="gzip")


def objects(h5):
    del h5["classes"]
    h5.create_dataset("classes", data=["a", "b"], dtype=h5py.string_dtype())


def virtual(h5):
    del h5["streams/main/features"]
    layout = h5py.VirtualLayout((6, 2), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "x", (6, 2))
    h5.create_virtual_dataset("streams/main/features", layout)


def without(name):
    def edit(h5):
        del h5[name]

    return edit


BAD_FILES = {
    "the attribute format is not": edit_attribute("format", "other"),
    "version 9 is not supported, only 2": edit_attribute("version", 9),
    "version 0 is not supported, only 2": edit_attribute("version", 0),
    "frames/importance: is float64; expected float32": lambda h5: h5.create_dataset(
        "frames/importance", data=np.ones(6)
    ),
    "videos/id: must be at least 1 fixed-length strings": replace("videos/id", np.arange(2)),
    "videos/split: must be 2 fixed-length strings": replace("videos/split", np.array([b"train"])),
    "task is 'guess'; allowed: classification, regression": edit_attribute("task", "guess"),
    "videos/start: must rise from 0": replace("videos/start", np.array([0, 6, 3])),
    "videos/start implies 7 frames": replace("videos/start", np.array([0, 3, 7])),
    "videos/label: has shape (3,), expected (2,)": replace("videos/label", np.zeros(3, int)),
    "videos/label: must be integers from -1 to 1": replace("videos/label", np.array([0, 5])),
    "videos/split: has the unknown split 'dev'": replace(
        "videos/split", np.array([b"dev", b"train"])
    ),
    "streams/main/features: is an external or soft link": soft_link,
    "features: is an external or soft link": external_link,
    "streams/main/features: is a virtual or external dataset": virtual,
    "streams/main/features: is chunked or compressed": chunked,
    "classes: has an object type": objects,
    "extra: is chunked or compressed": lambda h5: h5.create_dataset("extra", data=1.0),
    "streams/main/predictions: is missing": without("streams/main/predictions"),
    "videos/start: is missing": without("videos/start"),
    "features: is int64; expected float16 or float32": replace(
        "streams/main/features", np.ones((6, 2), np.int64)
    ),
    "with 3 columns; expected float32 with 2": replace(
        "streams/main/predictions", np.ones((6, 3), np.float32)
    ),
    "with 1 columns; expected float32 with 2": replace(
        "streams/main/predictions", np.ones((6, 1), np.float32)
    ),
    "is float16 with 2 columns": replace("streams/main/predictions", np.ones((6, 2), np.float16)),
    "features: has shape (6,)": replace("streams/main/features", np.ones(6, np.float32)),
    "axes is 'time'; allowed": lambda h5: h5["streams/main/features"].attrs.__setitem__(
        "axes", np.bytes_("time")
    ),
    "version 1 is no longer supported; make it again with frame-select import": edit_attribute(
        "version", 1
    ),
    "/: the attribute task is not a number or a string of fixed length": lambda h5: (
        h5.attrs.__setitem__("task", "classification")
    ),
    "/: the attribute version is not a number or": lambda h5: h5.attrs.__setitem__(
        "version", [2, 2]
    ),
    "/: the attribute version is not a number": edit_attribute("version", "two"),
    "/: the attribute format is not text": edit_attribute("format", 3),
    "features: the attribute min is not a number": lambda h5: h5[
        "streams/main/features"
    ].attrs.__setitem__("min", h5py.Empty("f")),
    "classes: a name is empty or duplicated": replace("classes", np.array([b"a", b"a"])),
    "videos/id: 'v' is duplicated": replace("videos/id", np.array([b"v", b"v"])),
    "videos/start: is float64; expected int64": replace("videos/start", np.array([0.0, 3.0, 6.0])),
    "cannot be read, truncated or damaged: 'utf-8' codec": replace(
        "videos/id", np.array([b"\xff", b"v"])
    ),
    "streams/copy: is linked more than once": lambda h5: h5["streams"].__setitem__(
        "copy", h5["streams/main"]
    ),
    "streams: is linked more than once": lambda h5: h5["streams"].__setitem__(
        "loop", h5["streams"]
    ),
    "type: is neither a group nor a dataset": lambda h5: h5.__setitem__("type", np.dtype("f4")),
    "'streams/a\\nb': is not a printable name": lambda h5: h5.create_group("streams/a\nb"),
    "frames/importance: has shape (6, 2)": lambda h5: h5.create_dataset(
        "frames/importance", data=np.ones((6, 2), np.float32)
    ),
    # Structure and values may be right and yet not what was written.
    "videos/label: has a wrong checksum": lambda h5: h5["videos/label"].__setitem__(0, 0),
    "videos/split: has a wrong checksum": lambda h5: h5["videos/split"].__setitem__(0, b"test"),
    "/: has a wrong checksum": lambda h5: h5["streams/main/features"].attrs.__setitem__("max", 9.0),
    "good.h5: /: has a wrong checksum": lambda h5: h5.create_dataset(
        "frames/importance", data=np.ones(6, np.float32)
    ),
}


@pytest.mark.parametrize("message", BAD_FILES)
def test_a_bad_structure_is_reported_on_opening(good, message):
    with h5py.File(good, "r+") as h5:
        BAD_FILES[message](h5)
    with pytest.raises(CacheError) as caught:
        FeatureCache(good)
    assert message in str(caught.value) and str(good) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_text_and_truncated_files(tmp_path, good):
    with pytest.raises(CacheError, match="no such file"):
        FeatureCache(tmp_path / "absent.h5")
    with pytest.raises(CacheError, match="nor a bundled cache"):
        open_cache("absent")
    text = tmp_path / "text.h5"
    text.write_text("not a cache")
    with pytest.raises(CacheError, match="is not an HDF5 file"):
        FeatureCache(text)
    whole = good.read_bytes()
    for keep in (len(whole) - 8, len(whole) // 2, 200):
        good.write_bytes(whole[:keep])
        with pytest.raises(CacheError, match="truncated"):
            FeatureCache(good)


def test_wrong_values_are_reported_when_the_video_is_first_read(good):
    with h5py.File(good, "r+") as h5:
        h5["streams/main/features"][4, 1] = np.nan
        h5["streams/main/predictions"][1] = [3.0, -2.0]
    cache = FeatureCache(good)
    with pytest.raises(CacheError, match="features: video 'w': .* is nan at frame 1"):
        cache.read_features(np.array([1]), 3)
    with pytest.raises(CacheError, match="predictions/?.*video 'v': .*must be probabilities"):
        cache.read_predictions(np.array([0]), 3)
    with pytest.raises(CacheError, match="video 'v'"):
        list(cache.check_values())


def test_groups_are_nested_up_to_eight_deep(good):
    with h5py.File(good, "r+") as h5:
        h5.create_group("extra/b/c/d/e/f/g/h/i")  # eight slashes
    FeatureCache(good)
    with h5py.File(good, "r+") as h5:
        h5.create_group("extra/b/c/d/e/f/g/h/i/j")
    with pytest.raises(CacheError, match="i/j: is linked more than once, or nested too deeply"):
        FeatureCache(good)


@pytest.mark.parametrize("name", ["features", "predictions", "thumbnail"])
def test_the_full_check_finds_a_flipped_bit(tmp_path, name):
    path = tmp_path / "c.h5"
    thumbnails = np.ones((3, 4, 4), np.uint8)
    write_cache(path, [video("v", thumbnail=thumbnails)], classes=["a", "b"])
    where = "frames/thumbnail" if name == "thumbnail" else f"streams/main/{name}"
    assert list(FeatureCache(path).check_values()) == [0]
    with h5py.File(path, "r") as h5:
        offset = h5[where].id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset] ^= 1  # the lowest bit of the first value
    path.write_bytes(content)
    cache = FeatureCache(path)
    with pytest.raises(CacheError, match=f"{where}: has a wrong checksum: damaged"):
        list(cache.check_values())


@pytest.mark.parametrize("there", [28, 1, 0])
def test_a_dataset_that_extends_past_the_end_of_the_file_is_not_read(good, there):
    with h5py.File(good, "r") as h5:
        dataset = h5["streams/main/predictions"].id
        offset, size = dataset.get_offset(), dataset.get_storage_size()
    content = bytearray(good.read_bytes())
    layout = offset.to_bytes(8, "little") + size.to_bytes(8, "little")
    assert content.count(layout) == 1
    at = content.index(layout)
    content[at : at + 8] = (len(content) - there).to_bytes(8, "little")
    good.write_bytes(content)
    with pytest.raises(CacheError, match="truncated"):
        FeatureCache(good)


def test_a_table_larger_than_the_file_is_not_read(tmp_path, good):
    with h5py.File(good, "r+") as h5:
        del h5["classes"]
        h5.create_dataset("classes", (5 * 10**7,), "S100", compression="gzip", chunks=(10**6,))
    with pytest.raises(CacheError, match="classes: is chunked or compressed"):
        FeatureCache(good)


def test_a_file_written_to_while_it_is_open_is_refused(good):
    cache, reread = FeatureCache(good), FeatureCache(good)
    before = cache.read_features(np.array([0]), 3)
    content = good.read_bytes()
    good.write_bytes(content[: len(content) // 2])  # in place; reading on would be a SIGBUS
    for opened in (cache, reread):
        with pytest.raises(CacheError, match=r"good\.h5: was written to while it was open"):
            opened.read(np.array([1]), 3)
    with pytest.raises(CacheError, match="was written to while it was open"):
        cache.digest  # noqa: B018
    assert before.shape == (1, 3, 2)


def test_a_replaced_file_is_read_as_it_was_opened(good):
    cache = FeatureCache(good)
    pickled = pickle.dumps(cache)
    digest, old = cache.digest, cache.read_features(np.array([0]), 3)
    write_cache(good, [video("new", features=np.full((3, 2), 7.0))], classes=["a", "b"])
    assert np.array_equal(cache.read_features(np.array([0]), 3), old)  # mapped before
    assert cache.read_predictions(np.array([1]), 3).shape == (1, 3, 2)  # mapped only now
    assert cache.digest == digest != FeatureCache(good).digest
    with pytest.raises(CacheError, match="was rewritten in the meantime; start again"):
        pickle.loads(pickled)


def test_unknown_split_fold_and_stream_name_the_known_ones(good, regression):
    cache = FeatureCache(good)
    with pytest.raises(FrameSelectError, match="unknown split 'val'; known: test, train"):
        cache.rows("val")
    with pytest.raises(FrameSelectError, match="unknown fold 'b'; known: default"):
        cache.rows("train", "b")
    with pytest.raises(FrameSelectError, match="unknown stream 'flow'; known: main"):
        cache.read(np.array([0]), stream="flow")
    with pytest.raises(FrameSelectError, match="has the streams audio, video; choose one: stream="):
        FeatureCache(regression).read(np.array([0]))


@pytest.mark.parametrize("split", ["val", ""])
@pytest.mark.parametrize("row", [0, 1])
def test_a_wrong_split_is_found_whether_its_checksum_is_larger_or_smaller(good, row, split):
    with h5py.File(good, "r+") as h5:
        h5["videos/split"][row] = split.encode()
    with pytest.raises(CacheError, match="videos/split: has a wrong checksum"):
        FeatureCache(good)


def test_the_full_check_finds_labels_that_are_not_finite(regression):
    cache = FeatureCache(regression)
    cache.labels = cache.labels.copy()
    cache.labels[3, 1] = np.nan
    with pytest.raises(CacheError, match="videos/label: some values are not finite"):
        list(cache.check_values())


def test_a_file_that_may_not_be_read(good, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CacheError, match="good.h5: cannot be read: Permission denied"):
        CacheFile(good)
