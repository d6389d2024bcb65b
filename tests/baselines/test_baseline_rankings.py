"""The rankings: hand-worked scores, and what must hold for every one of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import (
    ON_REQUEST,
    RANKINGS,
    Oracle,
    RandomFrames,
    Uniform,
    make_ranking,
    ranking_names,
)
from frame_select_env import Clips, FrameSelectError
from frame_select_env.ranking import Ranking, top_frames


def clips_of(predictions, lengths=None, video=None, pad=0):
    """Clips from predictions [B, T, C]; everything from `lengths` on is padding."""
    predictions = np.asarray(predictions, np.float32)
    predictions = np.pad(predictions, ((0, 0), (0, pad), (0, 0)))
    batch, frames, _ = predictions.shape
    lengths = np.full(batch, frames - pad) if lengths is None else np.asarray(lengths)
    valid = np.arange(frames)[None] < lengths[:, None]
    predictions = np.where(valid[..., None], predictions, 0)
    features = np.where(valid[..., None], predictions * 2, 0).astype(np.float32)
    time = np.where(valid, np.arange(frames, dtype=np.float32), 0)
    rows = np.arange(batch) if video is None else np.asarray(video)
    return Clips(features, predictions, valid, time, rows)


def random_clips(seed, batch=5, frames=7, classes=3, pad=0):
    rng = np.random.default_rng(seed)
    # Coarse values, so that ties happen.
    logits = rng.integers(0, 3, (batch, frames, classes))
    predictions = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    lengths = rng.integers(1, frames + 1, batch)
    label = rng.integers(0, classes, batch)
    return clips_of(predictions, lengths, pad=pad), label


def arguments(ranking, label, frames=3):
    given = {}
    if getattr(ranking, "needs_label", False):
        given["label"] = label
    if getattr(ranking, "needs_frames", False):
        given["frames"] = frames
    return given


def take(clips, rows):
    fields = (clips.features, clips.predictions, clips.valid, clips.time, clips.video)
    return Clips(*(field[rows] for field in fields))


every = pytest.mark.parametrize("name", [*RANKINGS, *ON_REQUEST])


@every
@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_every_ranking_ignores_batch_order_and_company(name, seed):
    clips, label = random_clips(seed)
    ranking = make_ranking(name, seed=3)
    scores = ranking.scores(clips, **arguments(ranking, label))
    order = np.random.default_rng(seed).permutation(len(clips))
    permuted = ranking.scores(take(clips, order), **arguments(ranking, label[order]))
    np.testing.assert_array_equal(permuted, scores[order])
    alone = ranking.scores(take(clips, [2]), **arguments(ranking, label[[2]]))
    np.testing.assert_array_equal(alone, scores[[2]])


@every
@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 9))
def test_padding_changes_no_selection(name, seed, m):
    ranking = make_ranking(name)
    chosen = []
    for pad in (0, 4):
        clips, label = random_clips(seed, pad=pad)
        scores = ranking.scores(clips, **arguments(ranking, label, m))
        assert scores.shape == clips.valid.shape
        assert np.isneginf(scores[~clips.valid]).all()
        assert np.isfinite(scores[clips.valid]).all()
        chosen.append(top_frames(scores, clips.valid, m))
    np.testing.assert_array_equal(chosen[1][:, :7], chosen[0])
    assert not chosen[1][:, 7:].any()


@every
def test_every_ranking_is_one_and_carries_its_name(name):
    ranking = make_ranking(name)
    assert isinstance(ranking, Ranking)
    assert ranking.name == name


def test_confidence_is_the_largest_probability():
    clips = clips_of([[[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]]], lengths=[2])
    scores = make_ranking("confidence").scores(clips)
    np.testing.assert_allclose(scores, [[0.8, 0.5, -np.inf]])


def test_window_confidence_averages_five_valid_frames():
    top = np.array([0.6, 0.7, 0.8, 0.9, 1.0, 0.5, 0.6])
    clips = clips_of([np.stack([top, 1 - top], axis=1)], lengths=[6])
    scores = make_ranking("window-confidence").scores(clips)
    expected = [(0.6 + 0.7 + 0.8) / 3, (0.6 + 0.7 + 0.8 + 0.9) / 4, 4.0 / 5, 3.9 / 5]
    np.testing.assert_allclose(scores[0, :4], expected, rtol=1e-6)
    np.testing.assert_allclose(scores[0, 4:6], [(0.8 + 0.9 + 1.0 + 0.5) / 4, (0.9 + 1 + 0.5) / 3])
    assert np.isneginf(scores[0, 6])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_window_confidence_of_clips_shorter_than_its_window(frames):
    clips = clips_of(np.tile([[[0.75, 0.25]]], (1, frames, 1)))
    np.testing.assert_array_equal(
        make_ranking("window-confidence").scores(clips), np.full((1, frames), 0.75)
    )


def test_uniform_takes_the_evenly_spaced_frames():
    clips = clips_of(np.full((2, 25, 2), 0.5), lengths=[25, 10])
    chosen = top_frames(Uniform().scores(clips, frames=4), clips.valid, 4)
    # floor((t + 1/2) L / 4): 25 -> 3.125, 9.375, 15.6, 21.9; 10 -> 1.25, 3.75, 6.25, 8.75
    assert np.flatnonzero(chosen[0]).tolist() == [3, 9, 15, 21]
    assert np.flatnonzero(chosen[1]).tolist() == [1, 3, 6, 8]


def test_uniform_with_a_number_of_frames_for_each_video():
    clips = clips_of(np.full((3, 8, 2), 0.5), lengths=[8, 8, 3])
    wanted = np.array([1, 4, 6])
    scores = Uniform().scores(clips, frames=wanted)
    chosen = top_frames(scores, clips.valid, wanted)
    assert [np.flatnonzero(row).tolist() for row in chosen] == [[4], [1, 3, 5, 7], [0, 1, 2]]
    np.testing.assert_array_equal((scores == 1).sum(1), [1, 4, 3])


@pytest.mark.parametrize("frames", [None, 0])
def test_uniform_wants_to_know_how_many(frames):
    with pytest.raises(FrameSelectError, match="uniform: frames is"):
        Uniform().scores(clips_of(np.full((1, 3, 2), 0.5)), frames=frames)


def test_random_depends_on_seed_and_row():
    clips = clips_of(np.full((3, 9, 2), 0.5), video=[4, 7, 4])
    scores = RandomFrames(1).scores(clips)
    np.testing.assert_array_equal(scores[0], scores[2])
    assert (scores[0] != scores[1]).all()
    assert (scores[0] != RandomFrames(2).scores(clips)[0]).all()
    with pytest.raises(FrameSelectError, match="seed is -1"):
        RandomFrames(-1)


def test_random_frames_are_all_equally_likely():
    clips = clips_of(np.full((4000, 5, 2), 0.5))
    share = top_frames(RandomFrames(0).scores(clips), clips.valid, 2).mean(axis=0)
    # Standard error of each share: sqrt(0.4 * 0.6 / 4000) = 0.0077; four of them.
    np.testing.assert_allclose(share, 0.4, atol=0.031)


def test_oracle_on_hand_worked_margins():
    # Label 0. First the frame of largest margin: frame 2 (0.5 - 0.3 = 0.2). Then, with it,
    # frame 0 gives (0.9 - 1.2) / 2, frame 1 (0.9 - 0.5) / 2: 0.2 against -0.15. Last frame 0.
    clips = clips_of([[[0.4, 0.6, 0.0], [0.4, 0.2, 0.4], [0.5, 0.3, 0.2]]])
    scores = Oracle().scores(clips, label=np.array([0]))
    np.testing.assert_array_equal(scores, [[1, 2, 3]])


def test_oracle_takes_the_earlier_of_equal_frames():
    clips = clips_of(np.full((1, 6, 2), 0.5))
    scores = Oracle().scores(clips, label=np.array([1]))
    np.testing.assert_array_equal(scores, [[6, 5, 4, 3, 2, 1]])


def test_oracle_of_a_regression_minimises_the_error():
    # Label 1: frame 1 alone errs by 0.5; then {1, 0} averages to (1.5 + 0) / 2 = 0.75 and
    # {1, 2} to (1.5 + 3) / 2 = 2.25.
    clips = clips_of([[[0.0], [1.5], [3.0]]])
    scores = Oracle().scores(clips, label=np.array([[1.0]], np.float32))
    np.testing.assert_array_equal(scores, [[2, 3, 1]])


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_oracle_against_the_search_written_out(seed):
    clips, label = random_clips(seed)
    scores = Oracle().scores(clips, label=label)
    for video, length in enumerate(clips.valid.sum(axis=1)):
        exact = np.rint(clips.predictions[video].astype(np.float64) * 2**40)
        picked: list[int] = []
        while len(picked) < length:
            margins = {}
            for frame in set(range(length)) - set(picked):
                total = exact[[*picked, frame]].sum(axis=0)
                margins[frame] = total[label[video]] - np.delete(total, label[video]).max()
            best = max(margins.values())
            picked.append(min(frame for frame, margin in margins.items() if margin == best))
        assert np.argsort(-scores[video])[:length].tolist() == picked


def test_oracle_refuses_to_work_without_labels():
    clips = clips_of(np.full((1, 3, 2), 0.5))
    with pytest.raises(FrameSelectError, match="needs the label"):
        Oracle().scores(clips)
    with pytest.raises(FrameSelectError, match="label is -1"):
        Oracle().scores(clips, label=np.array([-1]))


def test_unknown_and_unsuitable_names():
    with pytest.raises(FrameSelectError, match=r"'centr'; did you mean 'centre'\? known: .*unif"):
        make_ranking("centr")
    with pytest.raises(FrameSelectError, match="'confidence' does not apply to a regression"):
        make_ranking("confidence", task="regression")
    kept = ["uniform", "centre", "random", "motion", "cumulative-motion", "oracle"]
    assert ranking_names("regression") == kept
    asked = ["coarse-to-fine", "diversity", "diversity-dpp", "hill-climb", "exact-oracle"]
    assert ranking_names("regression", on_request=True) == [*kept, *asked]
    assert ranking_names("classification") == list(RANKINGS)
    assert not set(RANKINGS) & set(ON_REQUEST)
