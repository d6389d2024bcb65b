"""The action mask as part of the observation, in the form that each library expects."""

from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from frame_select_env.errors import FrameSelectError

Library = Literal["torchrl", "rllib", "tianshou"]


class MaskInObservation(gym.ObservationWrapper[Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Put the action mask of FrameSelect/Pick-v0 or Glance-v0 into the observation.

    Without this wrapper the mask is in `info["action_mask"]` (Gymnasium) and `action_masks()`
    (sb3-contrib).

    | library | observation | mask |
    |---|---|---|
    | "torchrl" | the Dict and `action_mask`, for the transform `ActionMask` | bool |
    | "rllib" | `{"observations": ..., "action_mask": ...}` | float32 |
    | "tianshou" | `{"obs": ..., "mask": ...}` | bool |

    A flat observation, which is no Dict, is called `observation` for "torchrl".

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
            raise FrameSelectError(f"{env} has no action mask; Pick and Glance have")
        if library not in ("torchrl", "rllib", "tianshou"):
            raise FrameSelectError(
                f"library={library!r}: must be one of 'torchrl', 'rllib', 'tianshou'"
            )
        self.library = library
        self._dtype: Any = np.float32 if library == "rllib" else np.bool_
        count = int(env.action_space.n)  # type: ignore[attr-defined]
        mask = spaces.Box(0, 1, (count,), self._dtype)
        self.observation_space = spaces.Dict(self._join(env.observation_space, mask))

    def _join(self, inner: Any, mask: Any) -> dict[str, Any]:
        """Two spaces, or two values, in the library's form."""
        if self.library == "torchrl":
            parts = inner if isinstance(inner, dict | spaces.Dict) else {"observation": inner}
            return {**parts, "action_mask": mask}
        if self.library == "rllib":
            return {"observations": inner, "action_mask": mask}
        return {"obs": inner, "mask": mask}

    def observation(self, observation: Any) -> dict[str, Any]:
        """Add the mask of the current state to the observation."""
        mask = self.unwrapped.action_masks()  # type: ignore[attr-defined]
        return self._join(observation, mask.astype(self._dtype))
