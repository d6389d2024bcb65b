"""The single environment: a batch of one."""

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.core import RenderFrame
from gymnasium.error import ResetNeeded

from frame_select_env.cache import FeatureCache
from frame_select_env.dynamics import EVERY, Draws, Episodes, make_settings
from frame_select_env.envs.observations import make_observation, take
from frame_select_env.render import RENDER_METADATA, Viewer


class FrameSelectEnv(gym.Env[Any, Any]):
    """One episode at a time of the decision process named by the subclass.

    Args:
        render_mode: "rgb_array", "ansi" or None. What is rendered shows the label: it is for
            people, not for agents.
        **keywords: See the settings class of the id.

    Raises:
        FrameSelectError: naming the keyword and what is allowed.
    """

    metadata: dict[str, Any] = {**RENDER_METADATA}
    process: ClassVar[type[Episodes]]
    multi_step: ClassVar[bool]

    def __init__(self, render_mode: str | None = None, **keywords: Any) -> None:
        self.render_mode = render_mode
        settings = make_settings(self.process.settings_class, keywords)
        self.episodes = self.process(settings, 1)
        self._viewer = Viewer(self.episodes, render_mode)
        self._observation = make_observation(self.episodes, self.multi_step)
        self._draws = Draws(self.episodes.rows, 1, self._generator)
        self._running = False
        self.observation_space = self._observation.space
        self.action_space = self.episodes.action_space

    @property
    def cache(self) -> FeatureCache:
        """The feature cache."""
        return self.episodes.cache

    def _generator(self, slot: int) -> np.random.Generator:
        return self.np_random

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode: on a video drawn from the split, or on `options["video"]`.

        Raises:
            FrameSelectError: if the row does not exist or its label is unknown.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._draws.restart(0)
        if options is not None and "video" in options:
            videos = self.episodes.check_videos(options["video"], 1)
        else:
            videos = self._draws.take(self.episodes.slots)
        self.episodes.begin(EVERY, videos)
        self._viewer.begin(EVERY)
        self._running = True
        return take(self._observation(self.episodes), 0), _first(self.episodes.notes(EVERY))

    def step(self, action: Any) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """One decision.

        Raises:
            FrameSelectError: for an action of the wrong shape, type or value.
            ResetNeeded: if the episode is over.
        """
        if not self._running:
            raise ResetNeeded("the episode is over: call reset() before step()")
        actions = self.episodes.read_actions(np.asarray(action)[None], 1)
        rewards, ended, facts = self.episodes.step(actions)
        self._viewer.add(rewards)
        self._running = not ended[0]
        observation = take(self._observation(self.episodes), 0)
        info = _first({**facts, **self.episodes.notes(EVERY)})
        return observation, float(rewards[0]), bool(ended[0]), False, info

    def render(self) -> RenderFrame | None:
        """The episode as an image [H, W, 3] uint8 of constant size ("rgb_array"), or as text.

        Raises:
            ResetNeeded: before the first reset.
        """
        return self._viewer.render(0, over=not self._running)


def _first(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts about the first episode: Python numbers, arrays of its own, dicts of these."""
    return {
        name: _first(value)
        if isinstance(value, dict)
        else (value[0].copy() if value.ndim > 1 else value[0].item())
        for name, value in facts.items()
    }
