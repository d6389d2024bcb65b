"""Rewards: functions from the facts about a selection to a number.

Each design's docstring opens with what it pays, in one sentence, and has a paragraph `Formula:` and
a paragraph `Source:`. Importing this package registers the built-in designs.
"""

from frame_select_env.rewards import attention_aware as attention_aware
from frame_select_env.rewards import frames as frames
from frame_select_env.rewards import predictions as predictions
from frame_select_env.rewards import regression as regression
from frame_select_env.rewards.outcome import Outcome, Statistics
from frame_select_env.rewards.registry import (
    Reward,
    RewardSpec,
    default_reward,
    register_reward,
    reward_design,
    reward_names,
)

__all__ = [
    "Outcome",
    "Reward",
    "RewardSpec",
    "Statistics",
    "default_reward",
    "register_reward",
    "reward_design",
    "reward_names",
]
