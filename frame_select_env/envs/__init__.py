"""The registered environments, single and vector."""

import gymnasium as gym

from frame_select_env.envs.one_shot import OneShotEnv, OneShotVectorEnv
from frame_select_env.envs.pick import PickEnv, PickVectorEnv
from frame_select_env.envs.sequential import SequentialEnv, SequentialVectorEnv

ENVIRONMENTS = {
    "FrameSelect/OneShot-v0": (OneShotEnv, OneShotVectorEnv),
    "FrameSelect/Pick-v0": (PickEnv, PickVectorEnv),
    "FrameSelect/Sequential-v0": (SequentialEnv, SequentialVectorEnv),
}


def register_environments() -> None:
    """Register every id with Gymnasium."""
    for name, (single, vector) in ENVIRONMENTS.items():
        gym.register(
            id=name,
            entry_point=f"{single.__module__}:{single.__name__}",
            vector_entry_point=f"{vector.__module__}:{vector.__name__}",
        )


__all__ = [
    "ENVIRONMENTS",
    "OneShotEnv",
    "OneShotVectorEnv",
    "PickEnv",
    "PickVectorEnv",
    "SequentialEnv",
    "SequentialVectorEnv",
    "register_environments",
]
