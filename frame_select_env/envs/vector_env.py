"""The native vector environment: a batch of B, equal to SyncVectorEnv bit for bit."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.core import RenderFrame
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from frame_select_env.cache import FeatureCache
from frame_select_env.envs.draws import EXHAUSTED, check_options, first_entries, make_draws
from frame_select_env.envs.episodes import EVERY, Episodes, Facts, Slots
from frame_select_env.envs.flat import FlatLayout
from frame_select_env.envs.observations import layout_of, make_observation, take
from frame_select_env.envs.settings import check_keywords
from frame_select_env.errors import FrameSelectError
from frame_select_env.render import RENDER_METADATA, check_render_mode, render_episode


class FrameSelectVectorEnv(VectorEnv[Any, Any, np.ndarray]):
    """B episodes at a time of the decision process named by the subclass.

    Args:
        num_envs: B.
        autoreset_mode: What happens at the end of an episode: an AutoresetMode or its value,
            "NextStep", "SameStep" or "Disabled". Only the string keeps `spec` JSON-able.
        max_episode_steps: Truncate episodes after so many steps, as the TimeLimit wrapper does;
            None or -1: never, as for `gym.make`.
        render_mode: "rgb_array", "ansi" or None, as for the single environment.
        **keywords: See the settings class of the decision process.

    Raises:
        FrameSelectError: naming the keyword and the allowed values; of an unknown keyword it is a
            TypeError, too.
    """

    metadata: dict[str, Any] = {**RENDER_METADATA}
    process: ClassVar[type[Episodes]]

    def __init__(
        self,
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **keywords: Any,
    ) -> None:
        check_keywords(type(self), self.process.settings_class, keywords)
        if type(num_envs) is not int or num_envs < 1:
            raise FrameSelectError(f"num_envs={num_envs!r}: must be an integer of at least 1")
        limit = None if max_episode_steps == -1 else max_episode_steps
        if limit is not None and (type(limit) is not int or limit < 1):
            raise FrameSelectError(
                f"max_episode_steps={limit!r}: must be an integer of at least 1, or None"
            )
        check_render_mode(render_mode)
        try:
            self.autoreset_mode = AutoresetMode(autoreset_mode)
        except ValueError:
            allowed = ", ".join(repr(mode.value) for mode in AutoresetMode)
            raise FrameSelectError(
                f"autoreset_mode={autoreset_mode!r}: must be one of {allowed}"
            ) from None
        self.num_envs, self.render_mode = num_envs, render_mode
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.episodes = self.process(keywords, num_envs)
        self._observe = make_observation(self.episodes)
        self._draws = make_draws(self.episodes, self._generator)
        self._max_steps = limit
        self._steps = np.zeros(num_envs, np.int64)  # of the episodes so far, if there is a limit
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._seeds: dict[int, int] = {}
        self._begun = np.zeros(num_envs, bool)  # slots that were ever reset
        self._over = np.ones(num_envs, bool)
        self._started = False  # whether all of them were
        self.single_observation_space = self._observe.space
        self.single_action_space = self.episodes.action_space
        self.action_space = batch_space(self.single_action_space, num_envs)

    @cached_property
    def observation_space(self) -> spaces.Space:  # type: ignore[override]
        """The batched space, made on first use: its bounds can take hundreds of MiB."""
        return batch_space(self.single_observation_space, self.num_envs)

    def __getstate__(self) -> dict[str, Any]:
        """The state without the batched space, which is large and can be made again."""
        return {name: value for name, value in vars(self).items() if name != "observation_space"}

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

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The generators of the B slots."""
        return tuple(self._generator(slot) for slot in range(self.num_envs))

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seeds of the B slots."""
        self.np_random  # noqa: B018 - slots that were never seeded get a seed now
        return tuple(self._seeds[slot] for slot in range(self.num_envs))

    def _generator(self, slot: int) -> np.random.Generator:
        generator = self._generators[slot]
        if generator is None:
            generator, self._seeds[slot] = seeding.np_random(None)
            self._generators[slot] = generator
        return generator

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes in all slots, or in those of `options["reset_mask"]` [B] bool.

        `seed` is an int (slot i gets seed + i) or one per slot; `options["video"]` is a row of the
        cache or one per slot, as is `options["view"]` with view="random". With order="once" slot i
        has the videos B - 1 - i, 2 B - 1 - i, ... of the split.

        Raises:
            FrameSelectError: naming the option and the allowed values.
        """
        options = options or {}
        check_options(options, "reset_mask")
        slots: Slots = EVERY
        if "reset_mask" in options:
            mask = options["reset_mask"]
            valid = isinstance(mask, np.ndarray) and mask.dtype == np.bool_
            if not valid or mask.shape != (self.num_envs,) or not mask.any():
                raise FrameSelectError(
                    f"options['reset_mask'] must be a bool array of shape ({self.num_envs},) "
                    "with at least one True"
                )
            slots = np.flatnonzero(mask)
        numbers = self.episodes.slots[slots]
        self._seed(seed, numbers)
        self._begin(slots, first_entries(self.episodes, options, self._draws, numbers))
        self._over[slots] = False
        self._begun[slots] = True
        self._started = bool(self._begun.all())
        return self._observe(self.episodes), self._infos(self._notes(slots), numbers)

    def _seed(self, seed: int | Sequence[int | None] | None, numbers: np.ndarray) -> None:
        if seed is None:
            return
        if isinstance(seed, int | np.integer):
            seed = range(int(seed), int(seed) + self.num_envs)
        if len(seed) != self.num_envs:
            raise FrameSelectError(f"seed: got {len(seed)} seeds for num_envs={self.num_envs}")
        for slot in numbers.tolist():
            if (value := seed[slot]) is not None:
                self._generators[slot], self._seeds[slot] = seeding.np_random(int(value))
                self._draws.restart(slot)

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One decision in every slot; in mode NextStep, finished slots start a new episode instead.

        With order="once", slots that have no video left stay as they are and are paid nothing.

        Raises:
            FrameSelectError: for actions of the wrong shape, type or value; with order="once", if
                no slot has a video left.
            ResetNeeded: before the first reset; in mode Disabled, if an episode is over.
        """
        if not self._started:
            raise ResetNeeded("call reset() before step()")
        going, resetting = None, np.count_nonzero(self._over)
        if resetting and self.autoreset_mode == AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"{resetting} episodes are over: reset them with options['reset_mask']"
            )
        exhausted = self._draws.exhausted
        if exhausted is not None and exhausted.any():
            if exhausted.all():
                raise FrameSelectError(EXHAUSTED)
            going = ~exhausted
        facts: Facts = {}
        if resetting == self.num_envs:  # as in SyncVectorEnv, nobody reads the actions then
            self._restart(self.episodes.slots)
            rewards, ended = np.zeros(self.num_envs), np.zeros(self.num_envs, bool)
            truncated = ended.copy()
        else:
            checked = self.episodes.read_actions(actions)
            if resetting:
                going = ~self._over if going is None else going & ~self._over
                self._restart(self._over.nonzero()[0])
            rewards, ended, facts = self.episodes.step(checked, going)
            truncated = self._truncated(going)
        self._over = ended if self._max_steps is None else ended | truncated
        infos = self._infos(facts, ended.nonzero()[0]) if facts else {}
        same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
        if same_step and (facts or np.count_nonzero(truncated)):
            infos = self._finish(infos, self._over.nonzero()[0])
        if notes := self._notes(EVERY):
            infos |= self._infos(notes, self.episodes.slots)
        return self._observe(self.episodes), rewards, ended.copy(), truncated, infos

    def _truncated(self, going: np.ndarray | None) -> np.ndarray:
        """Count a step of the episodes that are `going` [B]; which of them reach the limit, [B]."""
        if self._max_steps is None:
            return np.zeros(self.num_envs, bool)
        self._steps += 1 if going is None else going
        reached = self._steps >= self._max_steps
        return reached if going is None else reached & going

    def _notes(self, slots: Slots) -> Facts:
        """What every info holds of `slots`."""
        return self.episodes.notes(slots) | self._draws.notes(slots)

    def _begin(self, slots: Slots, entries: np.ndarray) -> None:
        """Start episodes on `entries` [k] in `slots` [k]."""
        self.episodes.begin(slots, entries)
        self._steps[slots] = 0

    def _restart(self, slots: np.ndarray) -> None:
        """Start new episodes in `slots` [k]."""
        self._begin(slots if len(slots) < self.num_envs else EVERY, self._draws.take(slots))

    def _finish(self, infos: dict[str, Any], slots: np.ndarray) -> dict[str, Any]:
        """Mode SameStep: keep the last observation and info, and start the next episodes."""
        last = self._observe(self.episodes)
        infos |= self._infos(self._notes(slots), slots)
        final = np.full(self.num_envs, None, dtype=object)
        for slot in slots.tolist():
            final[slot] = take(last, slot)
        given = self._over.copy()
        self._restart(slots)
        self._over = np.zeros(self.num_envs, bool)
        finals = {"final_obs": final, "_final_obs": given}
        return {**finals, "final_info": infos, "_final_info": given.copy()}

    def _infos(self, facts: Facts, slots: np.ndarray) -> dict[str, Any]:
        """Facts about `slots` [k] as SyncVectorEnv returns them: arrays [B] and their masks."""
        every = len(slots) == self.num_envs
        given = np.full(self.num_envs, every)
        given[slots] = True

        def spread(facts: Facts) -> dict[str, Any]:
            infos: dict[str, Any] = {}
            for name, value in facts.items():
                array: Any = value
                if isinstance(value, dict):
                    array = spread(value)
                elif not every:
                    array = np.zeros((self.num_envs, *value.shape[1:]), value.dtype)
                    array[slots] = value
                infos[name], infos[f"_{name}"] = array, given
            return infos

        return spread(facts)

    def render(self) -> tuple[RenderFrame | None, ...]:  # type: ignore[override]
        """What the single environment renders, for every slot.

        Raises:
            ResetNeeded: if a slot was never reset.
        """
        if not self._started:
            raise ResetNeeded("call reset() before render()")
        return tuple(
            render_episode(self.episodes, slot, bool(self._over[slot]), self.render_mode)
            for slot in range(self.num_envs)
        )


class MaskedVectorEnv(FrameSelectVectorEnv):
    """A vector environment some of whose actions are illegal at times."""

    def action_masks(self) -> np.ndarray:
        """Which actions are legal, bool [B, n]."""
        return self.episodes.action_masks()  # type: ignore[return-value]
