"""The action mask as part of the observation, in the form that each library expects."""

from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from frame_select_env.errors import FrameSelectError

Library = Literal["torchrl", "rllib", "tianshou"]


class MaskInObservation(gym.ObservationWrapper[Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Put the action mask of FrameSelect/Pick-v0 into the observation.

    Without this wrapper the mask is in `info["action_mask"]` (Gymnasium) and `action_masks()`
    (sb3-contrib).

    | library | observation | mask |
    |---|---|---|
    | "torchrl" | the Dict and `action_mask`, for the transform `ActionMask` | bool |
    | "rllib" | `{"observations": ..., "action_mask": ...}` | float32 |
    | "tianshou" | `{"obs": ..., "mask": ...}` | bool |

    Args:
        env: An environment with `action_masks()`.
        library: The library that the observation is for.

    Raises:
        FrameSelectError: if the environment has no mask, or for another library.
    """

    def __init__(self, env: gym.Env[Any, Any], library: Library) -> None:
        gym.utils.RecordConstructorArgs.__init__(self, library=library)
        gym.ObservationWrapper.__init__(self, env)
        if not hasattr(env.unwrapped, "action_masks"):
            raise FrameSelectError(f"{env} has no action mask; only FrameSelect/Pick-v0 has")
        if library not in ("torchrl", "rllib", "tianshou"):
            raise FrameSelectError(
                f"library={library!r}: must be one of 'torchrl', 'rllib', 'tianshou'"
            )
        self.library = library
        inner = env.observation_space
        assert isinstance(inner, spaces.Dict)
        count = int(env.action_space.n)  # type: ignore[attr-defined]
        dtype: Any = np.float32 if library == "rllib" else np.bool_
        mask = spaces.Box(0, 1, (count,), dtype)
        if library == "torchrl":
            self.observation_space = spaces.Dict({**inner.spaces, "action_mask": mask})
        elif library == "rllib":
            self.observation_space = spaces.Dict({"observations": inner, "action_mask": mask})
        else:
            self.observation_space = spaces.Dict({"obs": inner, "mask": mask})

    def observation(self, observation: dict[str, np.ndarray]) -> dict[str, Any]:
        """Add the mask of the current state to the observation."""
        mask = self.unwrapped.action_masks()  # type: ignore[attr-defined]
        if self.library == "torchrl":
            return {**observation, "action_mask": mask}
        if self.library == "rllib":
            return {"observations": observation, "action_mask": mask.astype(np.float32)}
        return {"obs": observation, "mask": mask}
