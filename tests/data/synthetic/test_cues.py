"""The cues videos: their recipe, and that the bundled cache is what the recipe makes."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from data.__main__ import main
from data.head.crossfit import fit_heads
from data.head.linear import TrainingVideos
from data.sources.importing import import_source
from data.synthetic.cues import (
    SHARES,
    CueVideo,
    Recipe,
    blended,
    cues_source,
    frequencies,
    make_videos,
    marker,
)
from data.synthetic.scans import divide_images
from frame_select_env import FeatureCache, FrameSelectError, open_cache
from frame_select_env.consensus import consensus, is_correct

RECIPE = Recipe()
BEFORE = 1 + RECIPE.distance  # from the first frame of a run back to its marker


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    path = tmp_path_factory.mktemp("cues") / "cues.h5"
    main(["cues", str(path)])
    return FeatureCache(path)


def quiet(**changes: float) -> list[CueVideo]:
    """Thirty videos without noise."""
    rng = np.random.default_rng(2)
    images = divide_images(SHARES, rng)["test"]
    return make_videos(images, 30, Recipe(noise=0.0, **changes), rng)


def markers(video: CueVideo, counts: bool) -> list[int]:
    """The frames that are exactly the marker."""
    stripes = np.rint(255 * marker(RECIPE.marker_contrast, counts))
    return np.flatnonzero((video.thumbnails == stripes).all(axis=(1, 2))).tolist()


def test_the_bundled_cache_is_what_the_command_makes(remade: FeatureCache) -> None:
    bundled = open_cache("cues")
    np.testing.assert_array_equal(remade.ids, bundled.ids)
    np.testing.assert_array_equal(remade.labels, bundled.labels)
    np.testing.assert_array_equal(remade.splits(), bundled.splits())
    np.testing.assert_array_equal(remade.start, bundled.start)
    rows = np.arange(len(bundled))
    for dataset in ("importance", "thumbnail"):
        np.testing.assert_array_equal(
            remade.read_frames(dataset, rows), bundled.read_frames(dataset, rows)
        )
    np.testing.assert_array_equal(remade.features(), bundled.features())
    # The head's fit depends on the CPU's rounding; another penalty moves predictions by 0.02.
    # The file is older than some of the options, which then had their defaults.
    recipe = remade.provenance["recipe"]
    assert recipe == {**recipe, **bundled.provenance["recipe"]}
    assert remade.provenance["head"]["default"]["main"]["penalty"] == 0.1
    assert np.abs(remade.predictions() - bundled.predictions()).mean() < 0.005


def test_four_megabytes_of_videos_that_need_no_subsampling() -> None:
    cache = open_cache("cues")
    assert cache.path.stat().st_size < 4e6
    assert Counter(cache.splits().tolist()) == {"train": 640, "val": 160, "test": 400}
    assert (cache.lengths.min(), cache.lengths.max()) == RECIPE.lengths and cache.lengths.max() < 25
    assert cache.frame_datasets == ("importance", "thumbnail")


def test_selection_has_much_to_win() -> None:
    cache = open_cache("cues")
    rows = cache.rows("test")
    clips, label = cache.read(rows, 25), cache.labels[rows]
    key = cache.read_frames("importance", rows, 25) == 1

    def accuracy(selected: np.ndarray) -> float:
        return 100 * is_correct(consensus(clips.predictions, selected, clips.valid), label).mean()

    assert 35 <= accuracy(clips.valid) <= 40
    assert 84 <= accuracy(key) <= 88


def test_a_video_has_one_true_marker_before_its_run_and_decoys_before_the_others() -> None:
    seen = Counter()
    for video in quiet():
        key = np.flatnonzero(video.importance)
        assert key.tolist() == list(range(key[0], key[0] + RECIPE.run_length))
        assert markers(video, counts=True) == [key[0] - BEFORE]
        starts = np.sort(markers(video, counts=True) + markers(video, counts=False))
        assert (np.diff(starts) >= BEFORE + RECIPE.run_length).all()
        assert starts[-1] + BEFORE + RECIPE.run_length <= len(video.importance)
        seen[len(starts)] += 1
    assert set(seen) == {2, 3, 4}


def test_runs_are_alike_in_contrast_and_scans() -> None:
    """Within a video every run is scaled alike: scans reach white, so the maximum tells."""
    for video in quiet(scans=2):
        brightest, different = set(), set()
        for start in markers(video, counts=True) + markers(video, counts=False):
            run = video.thumbnails[start + BEFORE : start + BEFORE + RECIPE.run_length]
            brightest.add(int(run.max()))
            different.add(len({frame.tobytes() for frame in run}))
        assert len(brightest) == 1 and 255 * 0.7 <= brightest.pop() <= 255
        assert different == {2}


def test_the_run_that_counts_is_at_any_place_among_the_runs() -> None:
    places = Counter()
    for video in quiet(runs=2):
        places[markers(video, counts=True)[0] < markers(video, counts=False)[0]] += 1
    assert min(places.values()) >= 9  # of 30


def test_a_transposed_frame_has_the_same_features_in_another_order() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    ours, theirs = frequencies(frames), frequencies(frames.transpose(0, 2, 1))
    assert ours.shape == (5, 21) and ours.dtype == np.float16
    assert not np.array_equal(ours, theirs)
    np.testing.assert_array_equal(np.sort(ours, axis=1), np.sort(theirs, axis=1))


def test_a_marker_is_the_mean_and_one_frequency() -> None:
    both = np.stack([marker(0.25, counts=True), marker(0.25, counts=False)])
    found = frequencies(np.rint(255 * both)).astype(np.float64)
    # The coefficient of a constant c is 8 c, that of stripes +-c as well: 4 and 2.
    np.testing.assert_allclose(np.sort(np.abs(found), axis=1)[:, -2:], [[2, 4]] * 2, atol=0.02)
    np.testing.assert_allclose(np.sort(np.abs(found), axis=1)[:, :-2], 0, atol=0.01)
    assert (
        np.abs(found).argsort(axis=1)[:, -2] != np.abs(found[::-1]).argsort(axis=1)[:, -2]
    ).all()


def test_videos_grow_with_what_their_runs_need() -> None:
    longest = max(len(video.importance) for video in quiet(run_length=6, distance=4))
    assert longest == 4 * (1 + 4 + 6)


def test_decoys_are_as_long_as_told_and_show_the_same_scans_again() -> None:
    for video in quiet(decoy_length=6):
        key = np.flatnonzero(video.importance)
        assert len(key) == RECIPE.run_length
        for start in markers(video, counts=False):
            run = video.thumbnails[start + BEFORE : start + BEFORE + 6]
            assert len({frame.tobytes() for frame in run}) == RECIPE.scans


def test_blends_are_of_equal_norm_and_only_on_the_run_that_counts() -> None:
    rng = np.random.default_rng(0)
    images = divide_images(SHARES, rng)["test"]
    scans = images.draw(3, 4, rng)
    mixed = blended(scans, 3, images, 0.4, rng)
    norms = [np.linalg.norm(one, axis=(1, 2)) for one in (scans, mixed)]
    np.testing.assert_allclose(*norms)
    assert not np.allclose(scans, mixed)
    assert blended(scans, 3, images, 0.0, rng) is scans


def test_a_share_of_the_training_labels_is_wrong_and_no_other() -> None:
    clean = cues_source(Recipe(videos=(40, 20, 30)))
    noisy = cues_source(Recipe(videos=(40, 20, 30), label_noise=0.25))
    wrong = np.flatnonzero(clean.labels != noisy.labels)
    assert len(wrong) == 10 and wrong.max() < 40
    assert np.array_equal(clean.splits["default"], noisy.splits["default"])
    assert Counter(noisy.splits["default"].tolist()) == {"train": 40, "val": 20, "test": 30}
    for row in (0, 89):  # the videos are the same
        np.testing.assert_array_equal(clean.features["main"](row), noisy.features["main"](row))


def test_a_trimmed_head_trains_on_the_runs_that_count_alone(tmp_path) -> None:
    """On all frames of these runs, though heads of whole videos train on 64 frames of each."""
    recipe = Recipe(runs=2, lengths=(80, 80), videos=(40, 10, 20), trimmed_head=True)
    import_source(cues_source(recipe), tmp_path / "made.h5")
    made = FeatureCache(tmp_path / "made.h5")
    source = cues_source(replace(recipe, trimmed_head=False))
    train = np.flatnonzero(source.splits["default"] == "train").tolist()
    shown = [source.features["main"](row)[source.frames["importance"](row) > 0] for row in train]
    lengths = np.array([len(frames) for frames in shown])
    trimmed = TrainingVideos(np.concatenate(shown), lengths, source.labels[train])
    head = fit_heads(trimmed, 10, seed=0).final
    for row in made.rows("test")[:3].tolist():
        expected = head.predict(source.features["main"](row))
        found = made.read(np.array([row]), 80).predictions[0]
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--runs", "1"], "runs=1: must be an integer of at least 2"),
        (["--runs", "11"], "runs=11: must be at most 10"),
        (["--noise", "nan"], "noise=nan: must be from 0 to 1"),
        (["--marker-contrast", "0"], "marker_contrast=0.0: must be above 0"),
        (["--seed", "-1"], "seed=-1: must be an integer of at least 0"),
        (["--blend", "1.5"], "blend=1.5: must be from 0 to 1"),
        (["--label-noise", "nan"], "label_noise=nan: must be from 0 to 1"),
        (["--lengths", "20", "10"], "lengths=(20, 10): must be the minimum and the maximum"),
        (["--videos", "400", "9", "200"], "videos=(400, 9, 200): must be numbers of"),
    ],
)
def test_bad_recipes_are_one_line(failure, tmp_path, flags, words) -> None:
    assert words in failure("cues", tmp_path / "out.h5", *flags)
    assert not list(tmp_path.iterdir())


def test_another_seed_makes_other_videos() -> None:
    first, second = (
        make_videos(divide_images(SHARES, rng)["val"], 10, RECIPE, rng)
        for rng in (np.random.default_rng(0), np.random.default_rng(1))
    )
    assert [v.thumbnails.tobytes() for v in first] != [v.thumbnails.tobytes() for v in second]
    with pytest.raises(FrameSelectError, match="run_length=0"):
        Recipe(run_length=0)
