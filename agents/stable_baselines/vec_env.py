"""The native vector environment as a Stable-Baselines3 VecEnv.

SB3 does not accept a Gymnasium VectorEnv, and its DummyVecEnv steps single environments one by one.
This adapter steps the batch and adds what SB3 expects: `terminal_observation`,
`TimeLimit.truncated`, episode statistics, and one action mask per environment.
"""

import time
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import (
    VecEnvIndices,
    VecEnvObs,
    VecEnvStepReturn,
)

from frame_select_env import FrameSelectError
from frame_select_env.cache.tables import entry_of
from frame_select_env.envs.draws import draw_views, observed_entries, reset_options
from frame_select_env.envs.observations import take
from frame_select_env.envs.vector_env import FrameSelectVectorEnv

# In every info; the rest is about episodes that terminated.
ALWAYS = ("action_mask", "_action_mask", "exhausted", "_exhausted")


class BatchVecEnv(VecEnv):
    """B environments in one batch, for SB3; with equal seeds, its rollouts equal DummyVecEnv's.

    Args:
        name: The environment's id.
        num_envs: B.
        rows: [n] int, the videos to draw, in shuffled passes over all of them; None leaves the
            choice to the environment.
        repeats: Number of consecutive episodes with each video of `rows`.
        reward_scale: Factor of the rewards; it does not apply to the episode statistics.
        flatten: Return index observations as one int32 vector [2 + T] (video, cursor, selected),
            because SB3's DQN takes no Dict observation with `n_steps` above 1. Where views are
            drawn, the first number is an entry, of a video and a view (`entry_of`).
        **keywords: The environment's.

    Attributes:
        episodes: Number of episodes that have ended. returns: The sum of their returns, which may
            be set to 0.

    Raises:
        FrameSelectError: for keywords the environment does not take, or `flatten` without index
            observations.
    """

    def __init__(
        self,
        name: str,
        num_envs: int,
        rows: np.ndarray | None = None,
        repeats: int = 1,
        reward_scale: float = 1.0,
        flatten: bool = False,
        **keywords: Any,
    ) -> None:
        if flatten and keywords.get("observation") != "index":
            raise FrameSelectError("flatten=True: requires observation='index'")
        made = gym.make_vec(name, num_envs=num_envs, autoreset_mode="Disabled", **keywords)
        assert isinstance(made, FrameSelectVectorEnv)
        self.env, self.flatten = made, flatten
        self._views = made.episodes.table.views
        self.metadata = made.metadata
        self.render_mode = made.render_mode
        space: spaces.Space = made.single_observation_space
        if flatten:
            frames = made.episodes.settings.num_frames
            last = max(len(made.cache) * self._views - 1, 1)
            high = np.concatenate([[last, frames], np.ones(frames)]).astype(np.int32)
            space = spaces.Box(np.zeros_like(high), high, dtype=np.int32)
        super().__init__(num_envs, space, made.single_action_space)
        self.episodes, self.returns = 0, 0.0
        self._rows, self._repeats, self._scale = rows, repeats, reward_scale
        self._draws, self._queue = np.random.default_rng(), np.zeros(0, np.int64)
        self._start = time.time()
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        self._actions: Any = None

    def reset(self) -> VecEnvObs:
        """Start an episode in every environment, with the seeds and options set before."""
        seeds = None if self._seeds[0] is None else self._seeds
        if seeds is not None:
            first = [seed or 0 for seed in seeds[:1]]
            self._draws, self._queue = np.random.default_rng(first), np.zeros(0, np.int64)
        options = self._merged_options()
        if options is None and self._rows is not None:
            options = reset_options(self._draw(self.num_envs), self._views)
        observations, infos = self.env.reset(seed=seeds, options=options)
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = _infos_of(infos, range(self.num_envs))
        self._returns[:] = 0
        self._lengths[:] = 0
        return self._observation(observations)

    def _merged_options(self) -> dict[str, Any] | None:
        """The options of all environments as one dict; SB3 keeps one for each."""
        names = list(dict.fromkeys(name for options in self._options for name in options))
        for name in names:
            if any(name not in options for options in self._options):
                raise FrameSelectError(
                    f"options[{name!r}]: set it for every environment or for none"
                )
        return {name: np.array([one[name] for one in self._options]) for name in names} or None

    def _draw(self, count: int) -> np.ndarray:
        """The next `count` entries: every one of `rows`, `repeats` times, before any is repeated.

        With views one of each video is drawn, the same for its consecutive episodes.
        """
        assert self._rows is not None
        while len(self._queue) < count:
            shuffled = self._draws.permutation(self._rows)
            shuffled = draw_views(shuffled, self._views, self._draws)
            self._queue = np.concatenate([self._queue, shuffled.repeat(self._repeats)])
        drawn, self._queue = self._queue[:count], self._queue[count:]
        return drawn

    def step_async(self, actions: np.ndarray) -> None:
        """Store the actions, [B, ...]."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Take the stored actions; a slot whose episode ends is reset at once."""
        observations, rewards, terminated, truncated, batch = self.env.step(self._actions)
        ended = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        limited = (truncated & ~terminated).tolist()
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": one} for one in limited]
        always = {name: batch.pop(name) for name in ALWAYS if name in batch}
        finished = terminated.nonzero()[0].tolist()
        for facts, about in ((always, range(self.num_envs)), (batch, finished)):
            if facts and about:
                for slot, info in zip(about, _infos_of(facts, about), strict=True):
                    infos[slot] |= info
        if slots := ended.nonzero()[0].tolist():
            last = self._observation(observations)
            elapsed = round(time.time() - self._start, 6)
            returns, lengths = self._returns.tolist(), self._lengths.tolist()
            for slot in slots:
                episode = {"r": round(returns[slot], 6), "l": lengths[slot], "t": elapsed}
                infos[slot] |= {"terminal_observation": take(last, slot), "episode": episode}
            self.episodes += len(slots)
            self.returns += float(self._returns[ended].sum())
            self._returns[ended] = 0
            self._lengths[ended] = 0
            options: dict[str, Any] = {"reset_mask": ended}
            if self._rows is not None:
                entries = np.full(self.num_envs, entry_of(self._rows[0], 0, self._views))
                entries[ended] = self._draw(len(slots))
                options |= reset_options(entries, self._views)
            observations, begun = self.env.reset(options=options)
            for slot, info in zip(slots, _infos_of(begun, slots), strict=True):
                self.reset_infos[slot] = info
        paid = (rewards * self._scale).astype(np.float32)
        return self._observation(observations), paid, ended, infos

    def _observation(self, observations: dict[str, np.ndarray]) -> Any:
        if not self.flatten:
            return observations
        about = observed_entries(observations, self._views)
        state = [observations[name] for name in ("cursor", "selected")]
        return np.concatenate([about, *state], axis=1, dtype=np.int32)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """One image [H, W, 3] per environment; None without render_mode="rgb_array"."""
        if self.render_mode != "rgb_array":
            return [None] * self.num_envs
        return list(self.env.render())  # type: ignore[arg-type]

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The batch's attribute, repeated for each of the environments."""
        return [getattr(self.env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the batch, which is shared by all environments.

        Raises:
            FrameSelectError: if `indices` are only some of them.
        """
        if len(list(self._get_indices(indices))) != self.num_envs:
            raise FrameSelectError(
                f"set_attr({attr_name!r}): is shared by all environments; set it for all of them"
            )
        setattr(self.env, attr_name, value)

    def env_method(
        self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """Call a method of the batch that returns a row per environment.

        Raises:
            AttributeError: if the environment has no such method.
        """
        rows = getattr(self.env, method_name)(*args, **kwargs)
        return [rows[index] for index in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None
    ) -> list[bool]:
        """True for Monitor, as episode statistics are there already; no other wrapper."""
        from stable_baselines3.common.monitor import Monitor

        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]


def _infos_of(batch: dict[str, Any], slots: Sequence[int]) -> list[dict[str, Any]]:
    """The infos of some environments, as the single environment returns them.

    Column by column, because a call per environment and value would cost more than the step. All
    of the `slots` have what the first of them has.
    """
    columns = {}
    for name, values in batch.items():
        if name.startswith("_") or not batch[f"_{name}"][slots[0]]:
            continue
        if isinstance(values, dict):
            columns[name] = _infos_of(values, slots)
        else:
            some = values[slots]  # a copy, whose rows share memory with nothing else
            columns[name] = list(some) if values.ndim > 1 else some.tolist()
    rows = zip(*columns.values(), strict=True) if columns else ((),) * len(slots)
    return [dict(zip(columns, row, strict=True)) for row in rows]
