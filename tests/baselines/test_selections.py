"""Random selections, climbs, and how high a reward can be without a gain in accuracy."""

import itertools

import numpy as np
import pytest

from baselines.optimum import every_return
from baselines.selections import (
    Heights,
    SelectionPay,
    climb,
    heights,
    random_selections,
    valid_frames,
)
from frame_select_env import open_cache

FRAMES = 5


@pytest.fixture(scope="module")
def videos(planted):
    """Rows of the 4 shortest and the 4 longest test videos, and their valid frames."""
    cache = open_cache(planted)
    rows = cache.rows("test")
    rows = rows[cache.lengths[rows].argsort(kind="stable")][[0, 1, 2, 3, -4, -3, -2, -1]]
    return rows, valid_frames(cache, rows, FRAMES)


def test_valid_frames_are_those_the_cache_reads(planted, videos):
    np.testing.assert_array_equal(videos[1], open_cache(planted).read(videos[0], FRAMES).valid)
    assert not videos[1].all()


def test_random_selections_keep_half_or_have_a_uniform_size():
    valid = np.arange(6) < np.array([[6], [4]])
    drawn = random_selections(valid, 4000, np.random.default_rng(0))
    assert drawn.shape == (8000, 2, 6) and not drawn[:, 1, 4:].any()
    halves, sized = drawn[:4000], drawn[4000:]
    np.testing.assert_allclose(halves.mean(axis=0)[valid], 0.5, atol=0.03)
    for video, length in enumerate((6, 4)):
        counts = np.bincount(sized[:, video].sum(axis=1), minlength=7)
        np.testing.assert_allclose(counts[1 : length + 1] / 4000, 1 / length, atol=0.03)
        assert counts[0] == 0
    # A size says nothing about which frames: each is kept (1 + L) / 2 L of the time.
    np.testing.assert_allclose(sized[:, 0].mean(axis=0), 7 / 12, atol=0.03)


def test_more_selections_than_slots_are_paid_as_one_by_one(planted, videos):
    rows, valid = videos
    pay = SelectionPay(FRAMES, data=planted, split="test", reward="delta_prob")
    many = random_selections(valid, 40, np.random.default_rng(0))  # 640, slots are 512
    paid, right = pay(np.tile(rows, 80), many.reshape(-1, FRAMES))
    one = [pay(rows[:1], many[draw, :1]) for draw in (0, 79)]
    assert [paid[0], paid[79 * 8]] == [one[0][0][0], one[1][0][0]]
    assert [right[0], right[79 * 8]] == [one[0][1][0], one[1][1][0]]


def brute_force(planted, rows, valid, reward):
    """The heights, from all selections: by trying which videos are right."""
    paid = every_return(rows, FRAMES, data=planted, split="test", reward=reward)
    told = every_return(rows, FRAMES, data=planted, split="test", reward="correct")
    legal = [s.any() and not (s & ~v).any() for v in valid for s in paid.selections]
    legal = np.array(legal).reshape(len(rows), -1)
    best = [
        np.where(legal & (told.paid == right), paid.paid, -np.inf).max(axis=1) for right in (0, 1)
    ]
    most, unhelpful = np.maximum(*best).mean(), -np.inf
    before = told.of(valid).sum()
    for chosen in itertools.product((0, 1), repeat=len(rows)):
        if sum(chosen) <= before:
            value = np.mean([best[right][video] for video, right in enumerate(chosen)])
            unhelpful = max(unhelpful, value)
    return Heights(paid.of(valid).mean(), most, unhelpful)


@pytest.mark.parametrize("reward", ["delta_prob", "sign_omega", "spread", "correct"])
def test_heights_are_bounded_by_those_of_all_selections_and_reach_them(planted, videos, reward):
    rows, valid = videos
    pay = SelectionPay(FRAMES, data=planted, split="test", reward=reward)
    exact = brute_force(planted, rows, valid, reward)
    few = heights(pay, rows, valid, random_selections(valid, 2, np.random.default_rng(0)))
    every = np.array(list(itertools.product((False, True), repeat=FRAMES)))
    full = heights(pay, rows, valid, every[:, None] & valid)
    for name in ("everything", "most", "unhelpful"):
        assert getattr(full, name) == pytest.approx(getattr(exact, name), abs=1e-9), name
        assert getattr(few, name) <= getattr(exact, name) + 1e-9, name
    if reward == "correct":  # accuracy cannot rise without rising
        assert full.hackable == 0 and full.most > full.everything
    if reward == "spread":  # all frames are as even as any
        assert np.isnan(full.hackable) and full.most == full.everything


def test_what_nothing_beats_all_frames_at_cannot_be_told():
    assert np.isnan(Heights(0.0, 0.0, 0.0).hackable)
    assert Heights(1.0, 3.0, 1.5).hackable == 0.25


def test_a_climb_ends_where_no_flip_earns_more_and_stays_among_the_wrong(planted, videos):
    rows, valid = videos
    pay = SelectionPay(FRAMES, data=planted, split="test", reward="confidence")
    singles = np.eye(FRAMES, dtype=bool)[np.zeros(len(rows), int)]
    wrong = ~pay(rows, singles)[1]
    assert wrong.any()
    rows, valid, start = rows[wrong], valid[wrong], singles[wrong]
    selected, paid = climb(pay, rows, valid, start, right=False)
    again, right = pay(rows, selected)
    np.testing.assert_array_equal(again, paid)
    assert not right.any() and (paid >= pay(rows, start)[0]).all()
    for frame in range(FRAMES):
        flipped = selected.copy()
        flipped[:, frame] ^= True
        legal = valid[:, frame] & flipped.any(axis=1)
        value, good = pay(rows[legal], flipped[legal])
        assert (good | (value <= paid[legal] + 1e-9)).all()
