"""--folds group:K through the real entry point: whole groups, every video tested once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.__main__ import main
from frame_select_env import FeatureCache
from frame_select_env.splits import divide_videos


def imported(source: Path, *options: object) -> FeatureCache:
    out = source.parent / "out.h5"
    main(["import", str(source), str(out), "--overwrite", *map(str, options)])
    return FeatureCache(out)


def times_tested(cache: FeatureCache) -> np.ndarray:
    """In how many folds of groups each video is tested, [N]."""
    folds = [fold for fold in cache.folds if fold.startswith("group")]
    return np.sum([cache.splits(fold) == "test" for fold in folds], axis=0)


def test_every_fold_tests_whole_groups_and_every_video_is_tested_once(npz) -> None:
    path = npz()
    given = imported(path)
    splits, predictions = given.splits().tolist(), given.predictions().copy()
    cache = imported(path, "--folds", "group:3")
    assert cache.folds == ("default", "group1", "group2", "group3")
    assert cache.groups is not None
    for fold in cache.folds[1:]:
        split = cache.splits(fold)
        assert set(split) == {"train", "test"}  # val videos too are in one of the two
        assert not set(cache.groups[split == "train"]) & set(cache.groups[split == "test"])
    assert (times_tested(cache) == 1).all()
    assert cache.provenance["folds"] == "group:3"
    # The source's own split and its predictions stay as they are.
    assert cache.splits().tolist() == splits
    np.testing.assert_array_equal(cache.predictions(), predictions)


def test_a_fold_has_its_own_heads_as_a_fold_of_the_npz_has(npz) -> None:
    cache = imported(npz(), "--folds", "group:2")
    first, predictions = cache.splits("group1"), cache.predictions(fold="group1").copy()
    assert set(cache.provenance["head"]) == {"default", "group1", "group2"}
    alone = imported(npz(splits=first))
    np.testing.assert_array_equal(predictions, alone.predictions(), strict=True)


def test_as_many_folds_as_groups_leave_one_out_each(npz) -> None:
    cache = imported(npz(), "--folds", "group:4")
    assert cache.groups is not None
    left = [set(cache.groups[cache.splits(fold) == "test"]) for fold in cache.folds[1:]]
    assert sorted(map(tuple, left)) == [("g0",), ("g1",), ("g2",), ("g3",)]


def test_folds_are_stratified_and_drawn_by_the_seed(npz) -> None:
    rng = np.random.default_rng(0)
    # Each of ten groups has two classes: random parts would rarely hold all three alike.
    groups = np.array([f"g{row // 3}" for row in range(30)])
    labels = np.concatenate([rng.permutation([g % 3, g % 3, (g + 1) % 3]) for g in range(10)])
    path = npz(groups=groups, labels=labels)
    found = {}
    for seed in (0, 0, 1):
        cache = imported(path, "--folds", "group:3", "--seed", seed)
        folds = [cache.splits(fold) == "test" for fold in ("group1", "group2", "group3")]
        expected = [inside for _, inside in divide_videos(labels, groups, 3, seed)]
        for fold, rows in zip(folds, expected, strict=True):
            np.testing.assert_array_equal(np.flatnonzero(fold), rows)
        counts = np.array([np.bincount(labels[fold], minlength=3) for fold in folds])
        assert np.ptp(counts, axis=0).max() <= 3
        again = found.setdefault(seed, np.stack(folds))
        np.testing.assert_array_equal(np.stack(folds), again)
    assert (found[0] != found[1]).any()


def test_videos_without_a_label_or_in_no_split_are_unused(npz) -> None:
    labels, splits = np.arange(30) % 3, np.repeat(["train", "test"], [20, 10])
    labels[4], splits[7] = -1, ""
    cache = imported(npz(labels=labels, splits=splits), "--folds", "group:2")
    expected = np.ones(30)
    expected[[4, 7]] = 0
    np.testing.assert_array_equal(times_tested(cache), expected)
    assert cache.splits("group1")[[4, 7]].tolist() == ["", ""]
    assert cache.splits()[[4, 7]].tolist() == ["train", ""]


def test_regression(npz) -> None:
    labels = np.random.default_rng(0).normal(size=(30, 2))
    cache = imported(npz(classes=None, labels=labels), "--folds", "group:2")
    assert (times_tested(cache) == 1).all()


def test_a_folder_with_groups_in_its_csv(tree, tmp_path: Path) -> None:
    videos = [f"{name}/{number}" for name in ("run", "sit") for number in range(6)]
    lines = [f"{video},train,p{int(video[-1]) // 2}" for video in videos]
    csv = tmp_path / "splits.csv"
    csv.write_text("\n".join(["video,split,group", *lines]))
    folder = tree(dict.fromkeys(videos, 3))
    cache = imported(folder, "--split-file", csv, "--folds", "group:3", "--crossfit", "group")
    assert (times_tested(cache) == 1).all()
    assert [int((cache.splits(f"group{k}") == "test").sum()) for k in (1, 2, 3)] == [4, 4, 4]


GROUPS = np.array([f"g{row % 4}" for row in range(30)])


@pytest.mark.parametrize(
    ("changes", "folds", "words"),
    [
        ({"groups": None}, "group:5", "groups: --folds group:5 needs groups; add them"),
        ({}, "group:5", "needs 5 groups, but the labelled videos are in 4; use fewer folds"),
        # The fourth group has no label.
        (
            {"labels": np.where(GROUPS == "g3", -1, np.arange(30) % 3)},
            "group:4",
            "needs 4 groups, but the labelled videos are in 3; use fewer folds",
        ),
        ({"splits__group2": np.full(30, "train")}, "group:2", "splits.group2: --folds group:2"),
        ({}, "group:1", "--folds group:1: must be group:K with K of at least 2"),
        ({}, "video:5", "--folds video:5: must be group:K"),
        ({}, "group:x", "--folds group:x: must be group:K"),
        # Of groups so unequal the division by class leaves one of six parts empty.
        (
            {"labels": np.arange(30) % 3, "groups": np.array([*"566656666461556664640666636665"])},
            "group:6",
            "groups: --folds group:6: only 5 parts have balanced classes; use fewer folds or",
        ),
        # A class of one group alone cannot be trained where that group is tested.
        (
            {"groups": np.array(["ant", "bee", "cat"] * 10)},
            "group:3",
            "has no training video",
        ),
    ],
)
def test_folds_that_cannot_be_made(
    npz, failure, tmp_path: Path, changes: dict[str, Any], folds: str, words: str
) -> None:
    line = failure("import", npz(**changes), tmp_path / "out.h5", "--folds", folds)
    assert words in line
    assert not (tmp_path / "out.h5").exists()


def test_a_negative_seed(npz, failure, tmp_path: Path) -> None:
    options = ["--folds", "group:2", "--seed", "-1"]
    assert "--seed: -1 is negative" in failure("import", npz(), tmp_path / "out.h5", *options)
