"""The parts of cross-fitting: stratified, or of whole groups."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.head.crossfit import PARTS, group_parts, stratified_parts


@given(labels=st.lists(st.integers(0, 6), min_size=2, max_size=60), seed=st.integers(0, 99))
def test_stratified_parts_are_even_in_size_and_class(labels: list[int], seed: int) -> None:
    label = np.array(labels)
    part = stratified_parts(label, np.random.default_rng(seed))
    sizes = np.bincount(part, minlength=min(PARTS, len(label)))
    assert len(sizes) == min(PARTS, len(label))
    assert sizes.max() - sizes.min() <= 1
    for value in np.unique(label):
        mine = np.bincount(part[label == value], minlength=PARTS)
        assert mine.max() - mine.min() <= 1


def test_the_seed_draws_the_parts() -> None:
    labels = np.arange(40) % 4
    first, again, other = (
        stratified_parts(labels, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_targets_are_stratified_by_value() -> None:
    labels = np.random.default_rng(0).permutation(np.arange(100.0))[:, None]
    part = stratified_parts(labels, np.random.default_rng(1))
    means = [labels[part == number].mean() for number in range(PARTS)]
    assert max(means) - min(means) <= 4


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=60))
def test_groups_stay_whole_and_no_part_is_empty(groups: list[str]) -> None:
    group = np.array(groups)
    part = group_parts(group, np.random.default_rng(0))
    for name in np.unique(group):
        assert len(np.unique(part[group == name])) == 1
    assert set(part.tolist()) == set(range(min(PARTS, len(np.unique(group)))))


def test_large_groups_do_not_share_a_part_while_small_ones_could() -> None:
    group = np.repeat(list("abcdefg"), [10, 10, 10, 10, 4, 3, 3])
    part = group_parts(group, np.random.default_rng(0))
    assert sorted(np.bincount(part).tolist()) == [10, 10, 10, 10, 10]
