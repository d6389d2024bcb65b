"""The digits videos: their recipe, and that the bundled cache is what the recipe makes."""

from pathlib import Path

import numpy as np
import pytest

from data.synthetic.digits import KEY_SHARE, LENGTHS, SHARES, _isolated, make_videos
from data.synthetic.scans import divide_images, shift
from frame_select_env import FeatureCache, open_cache
from frame_select_env.consensus import consensus, is_correct
from frame_select_env.ranking import top_frames


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    from data.__main__ import main

    path = tmp_path_factory.mktemp("digits") / "digits.h5"
    main(["digits", str(path)])
    return FeatureCache(path)


def test_the_bundled_cache_is_what_the_command_makes(remade: FeatureCache) -> None:
    bundled = open_cache("digits")
    np.testing.assert_array_equal(remade.ids, bundled.ids)
    np.testing.assert_array_equal(remade.labels, bundled.labels)
    np.testing.assert_array_equal(remade.splits(), bundled.splits())
    np.testing.assert_array_equal(remade.start, bundled.start)
    rows = np.arange(len(bundled))
    for dataset in ("importance", "time", "thumbnail"):
        np.testing.assert_array_equal(
            remade.read_frames(dataset, rows, LENGTHS[1]),
            bundled.read_frames(dataset, rows, LENGTHS[1]),
        )
    # The backbone's training amplifies rounding, which differs between CPUs: one CPU moved the
    # features by 3e-5 and the predictions by 5e-6 on average, another by 0.019 and 0.007. One epoch
    # more moves the features by 0.04, the next penalty the predictions by 0.02.
    assert remade.provenance["head"]["default"]["main"]["penalty"] == 0.03
    ours, theirs = remade.features(), bundled.features()
    assert ours.dtype == theirs.dtype == np.float16
    assert np.abs(ours.astype(np.float32) - theirs.astype(np.float32)).mean() < 0.03
    assert np.abs(remade.predictions() - bundled.predictions()).mean() < 0.015


def test_two_megabytes_and_the_frame_counts_of_padding_and_subsampling() -> None:
    cache = open_cache("digits")
    assert cache.path.stat().st_size < 2.5e6
    assert {s: len(cache.rows(s)) for s in ("train", "val", "test")} == {
        "train": 320,
        "val": 80,
        "test": 200,
    }
    assert (cache.lengths < 25).any() and (cache.lengths > 25).any()
    assert cache.frame_datasets == ("time", "importance", "thumbnail")
    # No unit of the backbone is dead.
    assert cache.features().astype(np.float32).std(axis=0).min() > 0.01


def test_selection_has_something_to_win() -> None:
    """Keeping all frames 84 to 87 %, the key frames 94 to 98 %, confidence well below them."""
    cache = open_cache("digits")
    rows = cache.rows("test")
    clips, label = cache.read(rows, 25), cache.labels[rows]
    key = cache.read_frames("importance", rows, 25) == 1

    def accuracy(selected: np.ndarray) -> float:
        return 100 * is_correct(consensus(clips.predictions, selected, clips.valid), label).mean()

    all_frames = accuracy(clips.valid)
    assert 84 <= all_frames <= 87
    assert 94 <= accuracy(key) <= 98
    for frames in (4, 8, 12):
        confident = top_frames(clips.predictions.max(axis=2), clips.valid, frames)
        assert accuracy(confident) <= accuracy(key) - 8


def test_images_are_shared_by_no_two_purposes() -> None:
    parts = divide_images(SHARES, np.random.default_rng(0))
    assert sum(len(part.digit) for part in parts.values()) == 1797
    seen = [image.tobytes() for part in parts.values() for image in part.pixels]
    # scikit-learn's own set has no duplicates, so this counts what the parts share.
    assert len(set(seen)) == 1797
    for part in parts.values():
        assert len(np.unique(part.digit)) == 10


@pytest.fixture(scope="module")
def videos() -> list:
    rng = np.random.default_rng(2)
    return make_videos(divide_images(SHARES, rng)["test"], 100, rng)


def test_key_frames_are_one_run_of_10_to_45_percent(videos: list) -> None:
    for video in videos:
        length = len(video.importance)
        assert LENGTHS[0] <= length <= LENGTHS[1]
        key = np.flatnonzero(video.importance)
        assert (np.diff(key) == 1).all()
        assert KEY_SHARE[0] - 1 / length <= len(key) / length <= KEY_SHARE[1] + 1 / length
        assert video.thumbnails.shape == (length, 8, 8)
        np.testing.assert_allclose(np.diff(video.time), 0.2, atol=1e-5)
    assert sorted(video.label for video in videos) == sorted([*range(10)] * 10)


def test_key_frames_are_clearer_than_most_others_but_not_than_all(videos: list) -> None:
    def contrast(keys: bool) -> np.ndarray:
        frames = np.concatenate([v.thumbnails[(v.importance == 1) == keys] for v in videos])
        return np.sort(frames.reshape(len(frames), -1), axis=1)[:, -8:].mean(axis=1)

    key, other = contrast(True), contrast(False)
    assert np.median(other) < key.min()
    assert (other > np.median(key)).mean() > 0.05


def test_clear_distractors_stand_alone() -> None:
    wanted = np.array([1, 1, 1, 0, 1, 0, 0, 1, 1], bool)
    key = np.array([0, 0, 0, 0, 0, 1, 1, 0, 0], bool)
    np.testing.assert_array_equal(np.flatnonzero(_isolated(wanted, key)), [0, 2, 8])


def test_a_shift_moves_and_never_wraps() -> None:
    image = np.zeros((8, 8))
    image[4, 4] = 1
    places = set()
    rng = np.random.default_rng(0)
    for _ in range(200):
        (down,), (right,) = np.nonzero(shift(image, rng))
        places.add((int(down) - 4, int(right) - 4))
    assert places == {(a, b) for a in (-2, -1, 1, 2) for b in (-2, -1, 1, 2)}
    assert shift(np.eye(8), rng).sum() < 8


def test_another_seed_makes_other_videos(remade: FeatureCache, tmp_path: Path) -> None:
    from data.synthetic.digits import digits_source

    other = digits_source(1)
    assert other.ids.tolist() == remade.ids.tolist()
    assert other.lengths.tolist() != remade.lengths.tolist()


def test_torch_is_left_as_it_was() -> None:
    import torch

    from data.synthetic.digits import one_thread

    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with one_thread():
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() == strict
