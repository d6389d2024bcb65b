"""What is written is what is read; frames are sampled by the rule; opening is lazy and safe."""

import multiprocessing
import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from frame_select_env import FeatureCache, FrameSelectError, open_cache, write_cache
from frame_select_env.cache import files, frame_index, schema, write
from frame_select_env.cache.files import file_digest
from frame_select_env.cache.structure import Extent


def video(name: str = "v", length: int = 3, **changes: object) -> dict:
    features = np.arange(length * 2, dtype=np.float16).reshape(length, 2)
    content = {
        "id": name,
        "label": 1,
        "split": "train",
        "features": features,
        "predictions": np.tile(np.float32([0.25, 0.75]), (length, 1)),
    }
    return {**content, **changes}


def test_frames_of_a_longer_video_are_spread_by_the_rule():
    # floor((t + 1/2) L / T) with L = 10, T = 4: 1.25, 3.75, 6.25, 8.75.
    index, valid = frame_index(np.array([10]), 4)
    assert index.tolist() == [[1, 3, 6, 8]] and valid.all()


def test_a_shorter_video_is_padded_at_the_end():
    index, valid = frame_index(np.array([2, 3]), 3)
    assert valid.tolist() == [[True, True, False], [True, True, True]]
    assert index[0, :2].tolist() == [0, 1] and index[1].tolist() == [0, 1, 2]


def test_round_trip_of_everything(tmp_path):
    rng = np.random.default_rng(0)
    written = []
    for row, length in enumerate((3, 5, 1)):
        probabilities = rng.dirichlet(np.ones(3), (length, 2)).astype(np.float32)
        written.append(
            {
                "id": f"väldig {row}",
                "label": (2, -1, 0)[row],
                "split": ("train", "", "test")[row],
                "group": f"g{row}",
                "features": {
                    "crops": rng.normal(size=(length, 2, 4)).astype(np.float32),
                    "faces": rng.normal(size=(length, 3)).astype(np.float16),
                },
                "predictions": {"crops": probabilities, "faces": probabilities[:, 0]},
                "time": np.arange(length) * 0.04,
                "number": np.arange(length) * 3,
                "importance": rng.random(length),
                "thumbnail": rng.integers(0, 255, (length, 2, 2, 3)).astype(np.uint8),
                "folds": {
                    "b": {"split": "test", "predictions": {"faces": probabilities[:, 1]}},
                    "a": {"split": "train"},
                },
            }
        )
    path = write_cache(
        tmp_path / "all.h5",
        iter(written),
        classes=["x", "y", "z"],
        axes={"crops": "view"},
        provenance={"made": "here"},
    )
    cache = FeatureCache(path)
    assert cache.task == "classification" and cache.classes == ("x", "y", "z")
    assert cache.ids.tolist() == [item["id"] for item in written]
    assert cache.labels.tolist() == [2, -1, 0] and cache.lengths.tolist() == [3, 5, 1]
    assert cache.groups.tolist() == ["g0", "g1", "g2"]
    assert cache.streams == ("crops", "faces") and cache.folds == ("default", "a", "b")
    assert cache.splits("b").tolist() == ["test"] * 3
    assert cache.provenance == {"made": "here"}
    assert set(cache.frame_datasets) == {"time", "number", "importance", "thumbnail"}
    for row, item in enumerate(written):
        length = len(item["time"])
        clips = cache.read(np.array([row]), length, stream="crops")
        assert (clips.features[0] == item["features"]["crops"].reshape(length, 8)).all()
        mean = item["predictions"]["crops"].mean(axis=1)
        np.testing.assert_allclose(clips.predictions[0], mean, rtol=1e-6)
        np.testing.assert_allclose(clips.time[0], item["time"], rtol=1e-6)
        assert cache.read_frames("number", [row], length)[0].tolist() == item["number"].tolist()
        faces = cache.read(np.array([row]), length, stream="faces")
        assert faces.features.dtype == np.float16
        assert (faces.features[0] == item["features"]["faces"]).all()
        folded = cache.read(np.array([row]), length, fold="b", stream="faces")
        assert (folded.predictions[0] == item["folds"]["b"]["predictions"]["faces"]).all()
        plain = cache.read(np.array([row]), length, fold="a", stream="faces")
        assert (plain.predictions[0] == item["predictions"]["faces"]).all()
        assert (cache.read_frames("thumbnail", [row], length)[0] == item["thumbnail"]).all()
    assert list(cache.check_values()) == [0, 1, 2]


def test_clips_cover_a_split_once_and_pad_with_zeros(planted):
    cache = FeatureCache(planted)
    seen = []
    for clips in cache.clips("train", num_frames=8, batch_size=7):
        assert clips.features.shape == (len(clips), 8, 6)
        assert not clips.features[~clips.valid].any()
        assert not clips.predictions[~clips.valid].any() and not clips.time[~clips.valid].any()
        assert (clips.valid.sum(1) == np.minimum(cache.lengths[clips.video], 8)).all()
        seen += clips.video.tolist()
    assert seen == cache.rows("train").tolist()


def test_time_is_the_place_of_the_frame_where_the_file_has_none(tmp_path):
    cache = FeatureCache(write_cache(tmp_path / "c.h5", [video(length=4)], classes=["a", "b"]))
    assert cache.read(np.array([0]), 2).time.tolist() == [[1.0, 3.0]]
    with pytest.raises(FrameSelectError, match="has no frames/importance"):
        cache.read_frames("importance", np.array([0]))


def test_what_is_read_shares_no_memory_with_the_file(planted):
    cache = FeatureCache(planted)
    clips = cache.read(np.array([0, 1]), 5)
    for values in (clips.features, clips.predictions):
        assert values.flags.writeable and not np.shares_memory(values, cache.features())


def test_pickles_as_its_path(planted):
    cache = FeatureCache(planted)
    cache.read(np.array([0]), 5)
    data = pickle.dumps(cache)
    assert len(data) < 500
    again = pickle.loads(data)
    assert (again.read(np.array([3])).features == cache.read(np.array([3])).features).all()


def _mean_in_child(cache: FeatureCache, queue: multiprocessing.Queue) -> None:
    queue.put(float(cache.read(np.array([5])).features.astype(np.float64).mean()))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_works_in_other_processes(planted, method):
    cache = FeatureCache(planted)
    here = float(cache.read(np.array([5])).features.astype(np.float64).mean())
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_mean_in_child, args=(cache, queue))
    child.start()
    assert queue.get(timeout=60) == here
    child.join()
    assert child.exitcode == 0


def test_the_same_file_is_opened_once_and_anew_when_it_changed(tmp_path):
    path = write_cache(tmp_path / "c.h5", [video()], classes=["a", "b"])
    first = open_cache(path)
    assert open_cache(str(path)) is first
    write_cache(path, [video(), video("w")], classes=["a", "b"])
    assert len(open_cache(path)) == 2


def test_the_extent_is_the_smallest_and_the_largest_value_of_all_videos(tmp_path):
    rows = ([[1.0, -2.0]], [[0.5, 7.0]], [[3.0, 3.0]])
    videos = [
        video(f"v{row}", length=1, features=np.float32(value), predictions=np.float32([[p, 1 - p]]))
        for (row, value), p in zip(enumerate(rows), (0.5, 0.25, 0.4), strict=True)
    ]
    cache = FeatureCache(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))
    extent = cache.features_extent()
    assert (extent.min, extent.max, extent.shape, extent.dtype) == (-2, 7, (3, 2), np.float32)
    assert (extent.largest, cache.predictions_extent().largest) == (7, 1)
    assert (cache.predictions_extent().min, cache.predictions_extent().max) == (0.25, 0.75)
    assert extent_of(-9.0, 3.0).largest == 9 and extent_of(-0.5, 0.25).largest == 1


def extent_of(low, high):
    return Extent(0, (1, 1), np.dtype("float32"), 0, "", low, high)


@pytest.mark.parametrize("size", [1, 40, 100, 10**9])
def test_a_file_is_the_same_in_whatever_blocks_it_is_copied(tmp_path, monkeypatch, size):
    videos = [video("v", 5, importance=np.arange(5)), video("w", 4, importance=np.ones(4))]
    whole = write_cache(tmp_path / "whole.h5", videos, classes=["a", "b"])
    monkeypatch.setattr(write, "COPY_BYTES", size)
    blocks = write_cache(tmp_path / "blocks.h5", videos, classes=["a", "b"])
    assert blocks.read_bytes() == whole.read_bytes()
    assert list(FeatureCache(blocks).check_values()) == [0, 1]


@pytest.mark.parametrize(
    ("limit", "size", "expected"),
    [(None, 2**20, [16, 4]), (64, 10, [6, 6, 6, 2]), (5, 10, [1] * 20)],
)
def test_at_most_16_mib_are_copied_at_once(tmp_path, monkeypatch, limit, size, expected):
    """Or as many frames as fit into the limit; 20 frames of `size` bytes are copied."""
    if limit:
        monkeypatch.setattr(write, "COPY_BYTES", limit)
    copied, checksum = [], schema.checksum

    def listen(values, before=0):
        if isinstance(values, np.memmap) and values.dtype == np.float16:
            copied.append(len(values))
        return checksum(values, before)

    monkeypatch.setattr(write.schema, "checksum", listen)
    videos = [video(length=20, features=np.ones((20, size // 2), np.float16))]
    write_cache(tmp_path / "c.h5", videos, classes=["a", "b"])
    assert copied == expected


def test_an_extent_says_nothing_of_values_that_have_none():
    extent = Extent(0, (1,), np.dtype("float32"), 0)
    assert (extent.axes, extent.min, extent.max, extent.largest) == ("", 0, 0, 1)


def test_a_bundled_cache_by_its_name():
    assert open_cache("digits").path == (files.BUNDLED / "digits.h5").resolve()


def test_a_folds_predictions_have_the_views_of_their_stream(tmp_path):
    views = np.float32([[[0.5, 0.5], [1.0, 0.0]]] * 3)
    one = video(
        features={"crops": np.ones((3, 2, 4), np.float32)},
        predictions={"crops": views},
        folds={"b": {"split": "test", "predictions": {"crops": 1 - views}}},
    )
    path = write_cache(tmp_path / "c.h5", [one], classes=["a", "b"], axes={"crops": "view"})
    cache = FeatureCache(path)
    assert cache.read_predictions([0], 1).tolist() == [[[0.75, 0.25]]]
    assert cache.read_predictions([0], 1, "b").tolist() == [[[0.25, 0.75]]]
    assert cache.predictions_extent(fold="b").axes == cache.features_extent().axes == "view"


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_thumbnails_are_grey_or_in_colour(tmp_path, shape):
    images = np.arange(3 * np.prod(shape)).reshape(3, *shape).astype(np.uint8)
    made = write_cache(tmp_path / "c.h5", [video(thumbnail=images)], classes=["a", "b"])
    found = FeatureCache(made).read_frames("thumbnail", np.array([0]), 4)
    assert found.dtype == np.uint8 and np.array_equal(found[0, :3], images)
    assert not found[0, 3].any()


def test_one_frame_of_each_video(tmp_path):
    one = video("v", 6, features=np.arange(12.0).reshape(6, 2))
    two = video("w", 2, features=100 + np.arange(4.0).reshape(2, 2))
    cache = FeatureCache(write_cache(tmp_path / "c.h5", [one, two], classes=["a", "b"]))
    # Of the six frames 1, 3 and 5 are read, of the two both.
    rows, index = np.array([1, 0, 0]), np.array([1, 0, 2])
    features, predictions = cache.read_one(rows, index, 3, "default", "main")
    assert features.tolist() == [[102, 103], [2, 3], [10, 11]]
    assert predictions.tolist() == [[0.25, 0.75]] * 3


@pytest.mark.parametrize(
    ("given", "found"),
    [
        *(("", {}), ("by hand", {"note": "by hand"}), ("3", {"note": 3})),
        *(({"made": [1, "a"]}, {"made": [1, "a"]}), ({}, {})),
    ],
)
def test_provenance_is_a_mapping_or_a_note(tmp_path, given, found):
    path = write_cache(tmp_path / "c.h5", [video()], classes=["a", "b"], provenance=given)
    assert FeatureCache(path).provenance == found


def test_probabilities_may_be_off_by_two_thousandths(tmp_path):
    for row, (first, second) in enumerate([(0.501, 0.5), (0.499, 0.5), (-0.001, 1.001)]):
        content = video(length=1, predictions=np.float32([[first, second]]))
        write_cache(tmp_path / f"{row}.h5", [content], classes=["a", "b"])
    for first, second in ((0.503, 0.5), (0.497, 0.5), (-0.003, 1.0), (0.0, 1.003), (-0.01, 1.01)):
        content = video(length=1, predictions=np.float32([[first, second]]))
        with pytest.raises(FrameSelectError, match="apply the softmax"):
            write_cache(tmp_path / "bad.h5", [content], classes=["a", "b"])


def test_the_digest_of_a_file_is_the_same_in_every_version(tmp_path):
    """The folders of runs hold it."""
    (tmp_path / "a").write_bytes(b"frames" * 1000)
    assert file_digest(tmp_path / "a") == "8d7017547455c4fde7b9e9c947f05b0a"
    (tmp_path / "empty").write_bytes(b"")
    assert len(file_digest(tmp_path / "empty")) == 32
    assert (files.WHOLE, files.BLOCK) == (256 * 2**20, 64 * 2**10)


def test_a_cache_has_the_digest_of_its_file(planted):
    assert FeatureCache(planted).digest == file_digest(planted)


def test_clips_come_64_at_a_time(tmp_path):
    videos = [video(f"v{row}", 1) for row in range(66)]
    cache = FeatureCache(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))
    assert [len(clips) for clips in cache.clips("train")] == [64, 2]
    assert next(cache.clips("train")).valid.shape == (64, 25)


def test_the_digest_of_a_file_covers_every_byte_and_not_its_name(tmp_path):
    def digest(name, content):
        (tmp_path / name).write_bytes(content)
        return file_digest(tmp_path / name)

    content = bytes(range(100))
    found = digest("a", content)
    assert digest("b", content) == found
    for place in range(100):
        changed = bytearray(content)
        changed[place] ^= 1
        assert digest(f"changed{place}", bytes(changed)) != found
    assert digest("longer", content + b"\0") != found


def test_the_digest_of_a_large_file_covers_its_size_and_blocks_from_the_first_to_the_last(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(files, "WHOLE", 40)  # bytes, in blocks of 10
    monkeypatch.setattr(files, "BLOCK", 10)

    def digest(size, *changed):
        path = tmp_path / "-".join(map(str, (size, *changed)))
        content = bytearray(size)
        for place in changed:
            content[place] = 1
        path.write_bytes(content)
        return file_digest(path)

    found = digest(130)
    noticed = [place for place in range(130) if digest(130, place) != found]
    # Four blocks, which begin at 0, 40, 80 and 120.
    assert noticed == [*range(10), *range(40, 50), *range(80, 90), *range(120, 130)]
    # Holes, as in a file that was copied in part: all are zeros, and only the size differs.
    assert len({digest(size) for size in (39, 40, 41, 129, 130, 131, 1000)}) == 7
    assert all(digest(41, place) != digest(41) for place in (0, 9, 31, 40))


def test_a_sparse_file_of_10_gb_opens_without_reading_it(tmp_path):
    frames, size = 1_250_000, 2048
    path = tmp_path / "large.h5"
    with h5py.File(path, "w", alignment_threshold=4096, alignment_interval=4096) as h5:
        root = {"format": schema.FORMAT, "version": schema.VERSION, "task": "classification"}
        h5.attrs.update({name: _fixed(value) for name, value in root.items()})
        text = h5py.string_dtype("utf-8", 8)
        h5.create_dataset("classes", data=[b"a", b"b"], dtype=text)
        count = frames // 25
        h5.create_dataset("videos/id", data=[b"%d" % i for i in range(count)], dtype=text)
        h5["videos/label"] = np.zeros(count, np.int64)
        h5.create_dataset("videos/split", data=[b"train"] * count, dtype=text)
        h5["videos/start"] = np.arange(count + 1) * 25
        for name, width, dtype in (("features", size, "float32"), ("predictions", 2, "float32")):
            dataset = h5.create_dataset(f"streams/main/{name}", (frames, width), dtype)
            dataset[-1] = np.full(width, 0.5)  # the rest is a hole: it takes no space on the disk
            dataset.attrs.update(axes=_fixed(""), min=0.0, max=1.0)
        described = {}
        for name in ("classes", *(f"videos/{part}" for part in h5["videos"])):
            h5[name].attrs["crc32"] = schema.checksum(h5[name][:])
        for name in ("streams/main/features", "streams/main/predictions"):
            h5[name].attrs["crc32"] = 0  # checked by `check_values` alone

        def describe(name, item):
            if isinstance(item, h5py.Dataset):
                low, high = item.attrs.get("min", 0.0), item.attrs.get("max", 0.0)
                crc32 = int(item.attrs["crc32"])
                described[name] = schema.describe(item.shape, item.dtype, crc32, "", low, high)

        h5.visititems(describe)
        root["provenance"] = ""
        h5.attrs["crc32"] = schema.root_checksum(root, described)
    assert path.stat().st_size > 10**10 and path.stat().st_blocks * 512 < 10**8
    before = _read_bytes()
    cache = FeatureCache(path)
    # The table of 50 000 videos, not the ten gigabytes; reading is counted, not timed.
    assert _read_bytes() - before < 50 * 2**20
    assert cache.features()[-1, 0] == 0.5


def _fixed(value: object) -> object:
    """An attribute's value with a fixed length."""
    return np.bytes_(value or "\0") if isinstance(value, str) else value


def _read_bytes() -> int:
    """Bytes this process has asked the system for by read calls so far."""
    for line in Path(f"/proc/{os.getpid()}/io").read_text().splitlines():
        if line.startswith("rchar"):
            return int(line.split()[1])
    raise AssertionError("no rchar")


def test_clips_have_25_frames_unless_told(planted):
    cache, rows = open_cache(planted), np.array([0, 3])
    assert cache.read(rows).features.shape[1] == 25
    assert cache.read_features(rows).shape[1] == cache.read_predictions(rows).shape[1] == 25
    assert cache.read_frames("time", rows).shape == (2, 25)
