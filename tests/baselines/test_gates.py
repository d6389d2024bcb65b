"""Orders, gates and their front by hand; a gate reads only the frames that it looks at."""

import dataclasses

import numpy as np
import pytest

from baselines import make_ranking
from baselines.formulas import RandomFrames
from baselines.gates import (
    CoarseToFine,
    Gate,
    accuracy_and_looks,
    fit_threshold,
    fitted_gates,
    front,
    look,
    sureness,
)
from frame_select_env import Clips, FrameSelectError


def clips_of(probabilities, valid=None):
    """Clips of two classes from the probabilities [B, T] of class 1."""
    second = np.array(probabilities, np.float32)
    valid = np.ones(second.shape, bool) if valid is None else np.array(valid, bool)
    predictions = np.stack([1 - second, second], axis=2) * valid[..., None]
    rows = np.arange(len(second))
    return Clips(predictions, predictions, valid, valid * 0.0, rows)


def order_of(scores):
    """The frames from the highest score to the lowest finite one."""
    order = np.argsort(-scores, kind="stable")
    return order[np.isfinite(scores[order])].tolist()


def test_coarse_to_fine_by_hand():
    valid = np.arange(9) < np.array([[9], [5], [2], [1]])
    scores = CoarseToFine().scores(clips_of(np.zeros((4, 9)), valid))
    assert order_of(scores[0]) == [4, 0, 8, 2, 6, 1, 3, 5, 7]
    assert [order_of(row) for row in scores[1:]] == [[2, 0, 4, 1, 3], [0, 1], [0]]
    assert scores[0].max() == 9


# In the order 2, 0, 4, 1, 3 class 1 has the mean probabilities 1/2, 3/4, 3/4, 3/4, 3/5.
VIDEO = [1.0, 0.75, 0.5, 0.0, 0.75]


def test_a_gate_answers_at_the_first_look_that_is_sure_enough():
    clips = clips_of([VIDEO])
    frame, sure = sureness(clips, CoarseToFine().scores(clips))
    assert frame[0].tolist() == [2, 0, 4, 1, 3]
    np.testing.assert_allclose(sure[0], [0.5, 0.75, 0.75, 0.75, np.inf])
    for threshold, frames in ((0.5, [2]), (0.6, [0, 2]), (0.8, [0, 1, 2, 3, 4])):
        assert np.flatnonzero(look(frame, sure, threshold)[0]).tolist() == frames
        gate = Gate("g", CoarseToFine(), threshold)
        assert np.flatnonzero(gate.select(clips)[0]).tolist() == frames
        assert order_of(gate.scores(clips)[0]) == [2, 0, 4, 1, 3]
    assert Gate("g", CoarseToFine(), 0.8, picks=2).select(clips).sum() == 2
    # -0.69 nats of entropy at first, then 0.56.
    assert Gate("g", CoarseToFine(), -0.6, "entropy").select(clips).sum() == 2


def test_the_gate_of_a_short_video_answers_at_its_last_frame():
    clips = clips_of([VIDEO], [[1, 1, 0, 0, 0]])
    selected = Gate("g", CoarseToFine(), 2.0).select(clips)
    assert selected.tolist() == [[True, True, False, False, False]]


def test_the_front_and_the_threshold_that_pays_best():
    # The first video is right after one look; the second after two, and surer then.
    clips, label = clips_of([[0.7, 0.7, 0.7], [1.0, 0.45, 0.45]]), np.array([1, 1])
    order = CoarseToFine().scores(clips)  # 1, 0, 2
    points = front(clips, label, order)
    assert points[0][1:] == (0.5, 1.0) and points[-1][1:] == (1.0, 3.0)
    best = fit_threshold(clips, label, order, price=0.01)
    looked = look(*sureness(clips, order), best)
    assert looked.sum(axis=1).tolist() == [1, 2]
    assert accuracy_and_looks(clips, label, looked) == (1.0, 1.5)
    assert fit_threshold(clips, label, order, price=9.0) < 0.6  # too dear: one look each


def test_a_fitted_gate_for_each_order_and_measure():
    clips, label = clips_of([[0.7, 0.7, 0.7], [1.0, 0.45, 0.45]]), np.array([1, 1])
    gates = fitted_gates(clips, label, [CoarseToFine(), RandomFrames(0)], price=0.01)
    assert [gate.name for gate in gates] == [
        *("coarse-to-fine, confidence gate", "coarse-to-fine, entropy gate"),
        *("random, confidence gate", "random, entropy gate"),
    ]
    # As above: the first video needs one look, the second two.
    assert [gate.select(clips).sum(axis=1).tolist() for gate in gates[:2]] == [[1, 2], [1, 2]]
    (dear,) = fitted_gates(clips, label, [CoarseToFine()], price=9.0, measures=["entropy"])
    assert dear.select(clips).sum(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("name", ["frame-exit", "random-exit"])
def test_what_a_gate_did_not_look_at_changes_no_bit(planted, name):
    from frame_select_env import open_cache

    clips = open_cache(planted).read(np.arange(60), 14)
    gate = make_ranking(name, seed=3)
    selected = gate.select(clips)
    assert (selected.sum(axis=1) >= 1).all() and not selected[clips.valid.sum(1) > 12].all()
    rng = np.random.default_rng(0)
    other = clips.predictions.copy()
    hidden = clips.valid & ~selected
    assert hidden.any()
    other[hidden] = rng.dirichlet(np.ones(4), hidden.sum())
    perturbed = dataclasses.replace(
        clips, predictions=other, features=np.where(hidden[..., None], 9, clips.features)
    )
    assert np.array_equal(gate.select(perturbed), selected)
    assert np.array_equal(gate.scores(perturbed), gate.scores(clips))


def test_the_random_gate_follows_its_seed():
    clips = clips_of(np.full((2, 9), 0.6))
    assert order_of(make_ranking("random-exit", seed=5).scores(clips)[0]) == order_of(
        RandomFrames(5).scores(clips)[0]
    )


def test_bad_arguments():
    clips = clips_of([VIDEO])
    order = CoarseToFine().scores(clips)
    with pytest.raises(FrameSelectError, match="unknown measure 'hope'; known: confidence, ent"):
        sureness(clips, order, "hope")
    with pytest.raises(FrameSelectError, match="picks=0: must be at least 1"):
        sureness(clips, order, picks=0)
