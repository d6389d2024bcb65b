"""The unit of a reward: the standard deviation of what random selections of a video earn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from agents.registry import parse_reward, reward_text
from baselines.selections import SelectionPay, random_selections, valid_frames
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.rewards import RewardSpec
from frame_select_env.splits import labelled_rows

Weights = Mapping[str, Any]  # a reward as a weighted sum: name -> weight, or arguments and "weight"
MOST_VIDEOS = 512  # of which selections are drawn
DRAWS = 32  # selections of each of both kinds per video
DIGITS = 4  # of a factor, which is part of the name of a run


def weighted(reward: RewardSpec) -> dict[str, Any]:
    """A reward as a weighted sum."""
    if isinstance(reward, str):
        return {reward: 1.0}
    if isinstance(reward, list | tuple) and len(reward) == 2:
        return {str(reward[0]): reward[1]}
    if isinstance(reward, Mapping):
        return dict(reward)
    raise FrameSelectError(f"reward {reward!r} must be a name, {{name: weight}} or [name, {{...}}]")


def scaled(weights: Weights, factor: float) -> dict[str, Any]:
    """The weighted sum times a factor."""
    made: dict[str, Any] = {}
    for name, content in weights.items():
        if isinstance(content, Mapping):
            made[name] = {**content, "weight": factor * content.get("weight", 1.0)}
        else:
            made[name] = factor * content
    return made


def text_of(weights: Weights) -> str:
    """A weighted sum as a command line takes it: the name alone of one design of weight 1."""
    if len(weights) == 1 and list(weights.values()) == [1.0]:
        return next(iter(weights))
    return reward_text(parse_reward(reward_text(dict(weights))))


def deviation(
    cache: FeatureCache, data: str, weights: Weights, seed: int = 0, **settings: Any
) -> float:
    """The standard deviation of a reward over random selections of a training video.

    Selections are those of `random_selections`; the variance of each video's is averaged over at
    most 512 videos, drawn by the seed. Variance between videos does not count: learners compare
    selections of one video, so that `confidence` and `delta_prob`, which differ by a constant of
    the video, have the same unit.

    Args:
        cache: The cache at `data`.
        data: As the environments name it.
        weights: The reward.
        seed: Of the videos and selections.
        **settings: The environment's split, fold, stream, num_frames and target_frames.
    """
    rng, frames = np.random.default_rng(seed), settings["num_frames"]
    rows = labelled_rows(cache, settings["split"], settings["fold"])
    rows = rng.permutation(rows)[:MOST_VIDEOS]
    drawn = random_selections(valid_frames(cache, rows, frames), DRAWS, rng)
    pay = SelectionPay(data=data, reward=dict(weights), **settings)
    paid, _ = pay(np.tile(rows, len(drawn)), drawn.reshape(-1, frames))
    return float(np.sqrt(paid.reshape(len(drawn), -1).var(axis=0).mean()))


def unit_factor(reference: float, own: float) -> float:
    """What gives a reward of deviation `own` the deviation `reference`, to 4 digits."""
    return float(f"{reference / own:.{DIGITS}g}")
