"""Which videos choices are made on."""

import numpy as np
import pytest

from frame_select_env import FrameSelectError
from frame_select_env.validation import holdout


def test_a_validation_split_is_used_where_there_is_one(plant):
    split = ["train"] * 10 + ["val"] * 5 + ["test"] * 5
    label = np.arange(20) % 3
    label[[2, 11]] = -1
    cache = plant(split=split, label=label)
    for seed in (0, 1):
        fit, validation = holdout(cache, seed=seed)
        assert fit.tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9]
        assert validation.tolist() == [10, 12, 13, 14]


def test_a_validation_split_without_labels_is_none(plant):
    label = np.arange(24) % 3
    label[20:] = -1
    cache = plant(split=["train"] * 20 + ["val"] * 4, label=label)
    fit, validation = holdout(cache)
    assert len(fit) == 16 and len(validation) == 4
    assert max(*fit, *validation) < 20


@pytest.mark.parametrize("seed", range(4))
def test_a_fifth_of_the_training_split_balanced_by_label(plant, seed):
    label = np.repeat([0, 1, 2], [60, 30, 10])
    label[::25] = -1  # four of them
    cache = plant(split=["train"] * 100, label=label)
    fit, validation = holdout(cache, seed=seed)
    assert not set(fit) & set(validation)
    assert sorted([*fit, *validation]) == np.flatnonzero(label >= 0).tolist()
    share = np.bincount(label[validation]) / np.bincount(label[label >= 0])
    np.testing.assert_allclose(share, 0.2, atol=0.1)
    again = holdout(cache, seed=seed)
    np.testing.assert_array_equal(again[0], fit)
    np.testing.assert_array_equal(again[1], validation)


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("count", [2, 3, 9])
def test_groups_stay_whole_with_one_on_each_side(plant, count, regression):
    group = [f"speaker {i % count}" for i in range(60)]
    cache = plant(split=["train"] * 60, group=group, regression=regression)
    seen = set()
    for seed in range(12):
        fit, validation = holdout(cache, seed=seed)
        groups = cache.groups[fit], cache.groups[validation]
        assert len(fit) and len(validation)
        assert not set(groups[0]) & set(groups[1])
        assert len(fit) + len(validation) == 60
        seen.add(tuple(sorted(set(groups[1]))))
    assert len(seen) > 1, "the seed draws the groups"


def test_without_division_all_videos_are_fitted_on_unless_there_is_a_validation_split(plant):
    label = np.arange(30) % 3
    label[3] = -1
    cache = plant(split=["train"] * 20 + ["test"] * 10, label=label)
    fit, validation = holdout(cache, divide=False)
    assert fit.tolist() == [row for row in range(20) if row != 3]
    assert validation.shape == (0,) and validation.dtype == np.int64
    with_val = plant(split=["train"] * 10 + ["val"] * 5 + ["test"] * 5)
    for one, other in zip(holdout(with_val, divide=False), holdout(with_val), strict=True):
        np.testing.assert_array_equal(one, other)
    # A single video, which cannot be divided.
    alone = plant(split=["train"] + ["test"] * 3)
    assert holdout(alone, divide=False)[0].tolist() == [0]


def test_a_single_group_is_divided_by_video(plant):
    cache = plant(split=["train"] * 30, group=["one"] * 30)
    fit, validation = holdout(cache)
    assert (len(fit), len(validation)) == (24, 6)


def test_bad_splits(plant):
    cache = plant(split=["train"] + ["test"] * 3)
    with pytest.raises(FrameSelectError, match="at least 2"):
        holdout(cache)
    with pytest.raises(FrameSelectError, match="unknown split 'dev'"):
        holdout(cache, split="dev")
    unlabelled = plant(split=["train"] * 3, label=np.full(3, -1))
    with pytest.raises(FrameSelectError, match="split 'train' has no labelled video"):
        holdout(unlabelled)


def test_the_seed_draws_among_groups_of_distinct_sizes_too(plant):
    # The divider alone puts groups of such sizes into the same parts whatever its seed.
    group = np.repeat(["a", "b", "c", "d"], [30, 14, 9, 7]).tolist()
    cache = plant(split=["train"] * 60, group=group)
    assert len({cache.groups[holdout(cache, seed=seed)[1][0]] for seed in range(20)}) == 4
