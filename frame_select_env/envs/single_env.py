"""The single environment: a batch of one."""

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.core import RenderFrame
from gymnasium.error import ResetNeeded

from frame_select_env.cache import FeatureCache
from frame_select_env.envs.draws import EXHAUSTED, check_options, first_entries, make_draws
from frame_select_env.envs.episodes import EVERY, Episodes, Facts
from frame_select_env.envs.flat import FlatLayout
from frame_select_env.envs.observations import layout_of, make_observation, take
from frame_select_env.envs.settings import check_keywords
from frame_select_env.errors import FrameSelectError
from frame_select_env.render import RENDER_METADATA, check_render_mode, render_episode


class FrameSelectEnv(gym.Env[Any, Any]):
    """One episode at a time of the decision process named by the subclass.

    Args:
        render_mode: "rgb_array", "ansi" or None. Rendering shows the label: it is for people, not
            for agents.
        **keywords: See the settings class of the decision process.

    Raises:
        FrameSelectError: naming the keyword and the allowed values; of an unknown keyword it is a
            TypeError, too.
    """

    metadata: dict[str, Any] = {**RENDER_METADATA}
    process: ClassVar[type[Episodes]]

    def __init__(self, render_mode: str | None = None, **keywords: Any) -> None:
        check_keywords(type(self), self.process.settings_class, keywords)
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self.episodes = self.process(keywords, 1)
        self._observe = make_observation(self.episodes)
        self._draws = make_draws(self.episodes, self._generator)
        self._started = self._running = False
        self.observation_space = self._observe.space
        self.action_space = self.episodes.action_space

    @property
    def cache(self) -> FeatureCache:
        """The feature cache."""
        return self.episodes.cache

    def flat_layout(self) -> FlatLayout:
        """Where the parts of a flat observation are.

        Raises:
            FrameSelectError: if observations are not flat.
        """
        return layout_of(self._observe)

    def _generator(self, slot: int) -> np.random.Generator:
        return self.np_random

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode: on a video drawn from the split, or on `options["video"]`.

        With view="random", `options["view"]` names the view. With order="once" it is the split's
        next video, after a seed the first, and after the last that one again, with
        `info["exhausted"]` True.

        Raises:
            FrameSelectError: for another option; if the row or the view does not exist, or the
                label is unknown.
        """
        options = options or {}
        check_options(options)
        super().reset(seed=seed)
        if seed is not None:
            self._draws.restart(0)
        episodes = self.episodes
        episodes.begin(EVERY, first_entries(episodes, options, self._draws, episodes.slots))
        self._started = self._running = True
        return take(self._observe(self.episodes), 0), self._info({})

    def _info(self, facts: Facts) -> dict[str, Any]:
        """Facts about the episode, and what every info holds."""
        return _first({**facts, **self.episodes.notes(EVERY), **self._draws.notes(EVERY)})

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One decision.

        Raises:
            FrameSelectError: for an action of the wrong shape, type or value; with order="once", if
                no video is left.
            ResetNeeded: if the episode is over.
        """
        if not self._running:
            raise ResetNeeded("the episode is over: call reset() before step()")
        if self._draws.exhausted is not None and self._draws.exhausted[0]:
            raise FrameSelectError(EXHAUSTED)
        actions = self.episodes.read_action(action)
        rewards, ended, facts = self.episodes.step(actions)
        self._running = not ended[0]
        observation = take(self._observe(self.episodes), 0)
        return observation, float(rewards[0]), bool(ended[0]), False, self._info(facts)

    def render(self) -> RenderFrame | None:
        """The episode as an image [H, W, 3] uint8 of constant size ("rgb_array"), or as text.

        Raises:
            ResetNeeded: before the first reset.
        """
        if not self._started:
            raise ResetNeeded("call reset() before render()")
        return render_episode(self.episodes, 0, not self._running, self.render_mode)


class MaskedEnv(FrameSelectEnv):
    """An environment some of whose actions are illegal at times."""

    def action_masks(self) -> np.ndarray:
        """Which actions are legal, bool [n]; sb3-contrib looks for a method of this name."""
        return self.episodes.action_masks()[0]  # type: ignore[index]


def _first(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts about the first episode: Python numbers, arrays of its own, dicts of these."""
    return {
        name: _first(value)
        if isinstance(value, dict)
        else (value[0].copy() if value.ndim > 1 else value[0].item())
        for name, value in facts.items()
    }
