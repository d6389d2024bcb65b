"""Rewards: functions from the facts about a selection to a number."""

from frame_select_env.rewards import designs as designs  # registers the built-in designs
from frame_select_env.rewards.outcome import Outcome
from frame_select_env.rewards.registry import (
    Reward,
    RewardSpec,
    register_reward,
    reward_design,
    reward_names,
)

__all__ = [
    "Outcome",
    "Reward",
    "RewardSpec",
    "register_reward",
    "reward_design",
    "reward_names",
]
