"""The registered environments, single and vector.

A decision process is one file: its settings, its dynamics (a subclass of `Episodes`), and the two
environments, the single one with the specification. A new one is added to ENVIRONMENTS.
"""

import gymnasium as gym

from frame_select_env.envs.episodes import Episodes as Episodes
from frame_select_env.envs.glance import GlanceEnv, GlanceVectorEnv
from frame_select_env.envs.one_shot import OneShotEnv, OneShotVectorEnv
from frame_select_env.envs.pick import PickEnv, PickVectorEnv
from frame_select_env.envs.sequential import SequentialEnv, SequentialVectorEnv
from frame_select_env.envs.single_env import FrameSelectEnv
from frame_select_env.envs.vector_env import FrameSelectVectorEnv

ENVIRONMENTS: dict[str, tuple[type[FrameSelectEnv], type[FrameSelectVectorEnv]]] = {
    "FrameSelect/OneShot-v0": (OneShotEnv, OneShotVectorEnv),
    "FrameSelect/Pick-v0": (PickEnv, PickVectorEnv),
    "FrameSelect/Sequential-v0": (SequentialEnv, SequentialVectorEnv),
    "FrameSelect/Glance-v0": (GlanceEnv, GlanceVectorEnv),
}
#: By id: the mean return from which the default keywords count as solved. It is what an agent of
#: this project earns, rounded down; docs/environments/reference-returns.md has the figures.
REWARD_THRESHOLDS = {
    "FrameSelect/OneShot-v0": 5.9,
    "FrameSelect/Pick-v0": 5.9,
    "FrameSelect/Sequential-v0": 5.9,
    "FrameSelect/Glance-v0": 0.7,
}


def register_environments() -> None:
    """Register every id with Gymnasium."""
    for name, (single, vector) in ENVIRONMENTS.items():
        gym.register(
            id=name,
            entry_point=f"{single.__module__}:{single.__name__}",
            vector_entry_point=f"{vector.__module__}:{vector.__name__}",
            reward_threshold=REWARD_THRESHOLDS[name],
        )
