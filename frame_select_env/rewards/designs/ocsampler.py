"""The frame-wise rewards of OCSampler.

The paper calls them confidence-based and compares several; the formulas here are those of the
authors' code (github.com/MCG-NJU/OCSampler, `reward_kind` 2 and 3). They read the selected frames'
own predictions, not the consensus, so neither `alpha` nor `empty` matters to them.
"""

import numpy as np

from frame_select_env.probability import of_class
from frame_select_env.ranking import evenly_spaced_frames
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import CLASSIFICATION, register_reward


@register_reward("oc_frame", needs=("label", "predictions"), tasks=CLASSIFICATION)
def oc_frame(outcome: Outcome, compare: bool = True) -> np.ndarray:
    """How well the selected frames recognise the true class one by one, against uniform ones.

    A frame whose most probable class is the true one scores its probability, another one scores how
    far the true class falls short of the most probable one. The selected frames' mean score is
    compared with that of as many evenly spaced frames (the code draws one from each of as many
    equal parts of the video; the parts' middles leave out that noise). An empty selection scores
    -1, the least a frame can, and is compared with the one middle frame.

    Formula: mean_{t in S} s_t - mean_{t in U} s_t with s_t = p_t,c if c = argmax p_t, else
    p_t,c - max_k p_t,k; U are |S| evenly spaced frames.

    Source: Lin, Duan, Chen, Lin and Wang, "OCSampler: Compressing Videos to One Clip with
    Single-step Sampling", CVPR 2022, the authors' code, `reward_kind=2`.

    Args:
        outcome: The facts.
        compare: Whether the uniform frames' score is taken off.
    """
    predictions = outcome.predictions.astype(np.float64)
    own = of_class(predictions, np.broadcast_to(outcome.label[:, None], predictions.shape[:2]))
    score = np.where(
        predictions.argmax(axis=2) == outcome.label[:, None], own, own - predictions.max(axis=2)
    )
    kept = outcome.selected & outcome.valid
    count = kept.sum(axis=1)
    reward = np.where(count > 0, _mean(score, kept), -1.0)
    if compare:
        reward -= _mean(score, evenly_spaced_frames(outcome.valid, np.maximum(count, 1)))
    return reward


@register_reward("oc_best", needs=("label", "predictions"), tasks=CLASSIFICATION)
def oc_best(outcome: Outcome, compare: bool = False) -> np.ndarray:
    """The true class's probability in the selected frame that is surest of it.

    It pays for one good frame and nothing for leaving the bad ones out. An empty selection has 0.

    Formula: max_{t in S} p_t,c, with `compare` minus max_t p_t,c over all frames.

    Source: Lin, Duan, Chen, Lin and Wang, "OCSampler: Compressing Videos to One Clip with
    Single-step Sampling", CVPR 2022, the authors' code, `reward_kind=3`.

    Args:
        outcome: The facts.
        compare: Whether the best single frame of the video is taken off; then 0 is the most, earned
            by every selection that holds that frame.
    """
    predictions = outcome.predictions.astype(np.float64)
    own = of_class(predictions, np.broadcast_to(outcome.label[:, None], predictions.shape[:2]))
    best = np.where(outcome.selected & outcome.valid, own, 0.0).max(axis=1)
    return best - np.where(outcome.valid, own, 0.0).max(axis=1) if compare else best


def _mean(values: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The mean of values [B, T] over the frames [B, T] bool; 0 where there is none."""
    return np.where(frames, values, 0.0).sum(axis=1) / np.maximum(frames.sum(axis=1), 1)
