"""What values hyper-parameters may have; one table for all agents."""

import math
from dataclasses import fields
from typing import Any

from frame_select_env import FrameSelectError

# Name -> the least value.
LEAST: dict[str, float] = {
    **dict.fromkeys(("layers", "epochs", "batch_size", "episodes", "memory", "num_envs"), 1),
    **dict.fromkeys(("repeats", "waves", "passes", "n_steps", "stretch", "train_every"), 1),
    **dict.fromkeys(("gradient_steps", "target_every", "buffer_size", "chunk"), 1),
    **dict.fromkeys(("patience", "learning_starts", "clip", "weight_decay", "entropy"), 0),
    **dict.fromkeys(("beta", "value_weight"), 0),
    "hidden": 2,  # some networks have half of them in each direction
}
SHARES = ("dropout", "average", "momentum")  # in [0, 1)
PARTS = ("explore", "explore_first", "explore_last", "epsilon", "gae_lambda")  # in [0, 1]
ABOVE_0 = ("learning_rate", "reward_scale", "clip_range")


def check_ranges(config: Any) -> None:
    """Refuse hyper-parameters that make no sense by themselves.

    Raises:
        FrameSelectError: naming the hyper-parameter and what is allowed.
    """
    for field in fields(config):
        name, value = field.name, getattr(config, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise FrameSelectError(f"{name}={value}: must be a finite number")
        if name in LEAST and value < LEAST[name]:
            raise FrameSelectError(f"{name}={value}: must be at least {LEAST[name]}")
        if name in SHARES and not 0 <= value < 1:
            raise FrameSelectError(f"{name}={value}: must be in [0, 1)")
        if name in PARTS and not 0 <= value <= 1:
            raise FrameSelectError(f"{name}={value}: must be in [0, 1]")
        if name in ABOVE_0 and value <= 0:
            raise FrameSelectError(f"{name}={value}: must be above 0")
