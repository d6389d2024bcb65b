"""The dynamics, written once: B concurrent episodes of one decision process, and their videos."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

import numpy as np
from gymnasium import spaces

from frame_select_env.aggregators import make_judge
from frame_select_env.cache import open_cache
from frame_select_env.cache.tables import entry_of
from frame_select_env.consensus import is_correct, weighted_mean
from frame_select_env.consensus_table import consensus_table
from frame_select_env.envs.settings import Settings
from frame_select_env.errors import FrameSelectError
from frame_select_env.rewards import Outcome, Reward, RewardSpec, Statistics, default_reward

# Which episodes an operation is about; slice(None), all of them, is the fast path.
Slots: TypeAlias = np.ndarray | slice
EVERY = slice(None)
Facts: TypeAlias = dict[str, Any]


class Episodes(ABC):
    """The state of B episodes, and the rules that every decision process shares.

    A decision process is a subclass: its settings, its action space, and `apply`, what actions do
    to the selection. It may override `looked`, `reward_spec`, `action_masks`, `frames_at_cursor`
    and `status`.

    Sums of predictions are exact, so it does not matter when they are made: at the end of an
    episode, or frame by frame where every step needs them (`dense`, observations with p1).
    """

    settings_class: ClassVar[type[Settings]]
    action_dtype: ClassVar[type] = bool  # of the actions that `apply` gets
    multi_step: ClassVar[bool] = True  # whether an episode may last for more than one step

    def __init__(self, keywords: dict[str, Any], num_slots: int) -> None:
        self.settings = settings = self.settings_class(**keywords)
        self.num_slots = num_slots
        self.action_space = space = self.make_action_space()
        self._action_shape: tuple[int, ...] = space.shape or ()
        # Actions are 0 to n - 1; those of one number per frame 0 and 1.
        self._choices = 2 if space.shape else int(space.n)  # type: ignore[attr-defined]
        self.cache = cache = open_cache(settings.data)
        self.stream = cache.stream(settings.stream)
        self.rows = cache.rows(settings.split, settings.fold)  # [n] int64, that may be drawn
        self.reward = Reward(self.reward_spec(), cache)
        if not self.reward.label_free:
            self.rows = cache.labelled(self.rows)
            if not len(self.rows):
                raise FrameSelectError(
                    f"{cache.path}: split={settings.split!r} has no video with a known label; use "
                    "a reward that needs none, such as diversity_representativeness"
                )
        # Settings that not every process has.
        self.dense: bool | str = getattr(settings, "dense", False)
        self.chunk: int = getattr(settings, "chunk", 1)
        cache.check_view(settings.view, self.stream)
        frames, outputs = settings.num_frames, len(cache.classes)
        where = settings.fold, self.stream
        judge = make_judge(settings.aggregator, cache, *where, settings.view)
        self.table = consensus_table(cache, *where, frames, self.chunk, settings.view, judge)
        # p1 of an empty selection: zeros, which are wrong; for a regression the training mean.
        self._empty_p1 = np.zeros(outputs)
        if cache.task == "regression":
            self._empty_p1 = cache.labels[self._training_rows()].mean(axis=0)
        self.slots = np.arange(num_slots)
        self._first = self.slots * frames  # [B], each slot's place in the flat selection
        # [B], what an episode is about, as an entry of the table; and its row in the cache
        self.entry = np.full(num_slots, entry_of(self.rows[0], 0, self.table.views))
        self.length = self.table.total[self.entry]  # [B], its valid frames L, at most T
        self.cursor = np.zeros(num_slots, np.int64)  # [B], 0..T
        self.selected = np.zeros((num_slots, frames), bool)
        self.kept = np.zeros(num_slots, np.int64)  # [B], number of selected frames
        # [B, C], of their predictions, if every step needs it; a judge needs no sum
        self._running_sum: np.ndarray | None = None
        if judge is None and (self.dense or settings.mode in ("frame", "looked")):
            self._running_sum = np.zeros((num_slots, outputs))
        self.returns = np.zeros(num_slots)  # [B], sum of the episode's rewards so far
        self._paid = np.zeros(num_slots)  # [B], what `dense` has paid so far

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Tables are not pickled: fill in the running videos again."""
        self.__dict__.update(state)
        self.table.fill(self.entry)

    @property
    def video(self) -> np.ndarray:
        """The videos' rows in the cache, [B] int64."""
        return self.table.split(self.entry)[0]

    @property
    def view(self) -> np.ndarray | None:
        """The views that the episodes are about, [B] int64; None if they are of all views."""
        return self.table.split(self.entry)[1]

    @abstractmethod
    def make_action_space(self) -> spaces.Space[Any]:
        """The action space of one episode."""

    @abstractmethod
    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Apply checked actions [B, ...] of `action_dtype`; returns which episodes end now, [B].

        It selects frames by `select`; a process of one step may set `selected` and `kept`.
        Episodes that are not `going` [B] bool have just begun and stay as they are. None: all go.
        """

    def select(self, chunk: np.ndarray, added: np.ndarray) -> None:
        """Add chunk number `chunk` [B] to the selection where `added` [B] bool.

        It must not be selected already. Chunks are single frames unless the settings say otherwise.
        """
        if self.chunk == 1:
            frame = self._first + chunk
            self.selected.reshape(-1)[frame[added]] = True
            self.kept += added
        else:
            self.kept += self.table.chunk_size.take(self._rows(chunk)) * added
            frame = (chunk * self.chunk)[:, None] + np.arange(self.chunk)
            # The last chunk may extend past the end of the video, and past T.
            slot, offset = (frame < self.length[:, None]).nonzero()
            self.selected[slot, frame[slot, offset]] |= added[slot]
        if self._running_sum is not None:
            sums = self.table.chunk_sum.take(self._rows(chunk), axis=0)
            sums *= added.astype(np.float64)[:, None]  # mixed types would be cast in a buffer
            self._running_sum += sums

    def _rows(self, chunk: np.ndarray) -> np.ndarray:
        """Where chunk number `chunk` [B] of each video stands in the consensus table."""
        return self.entry * self.table.chunks + chunk

    def kept_sum(self, slots: Slots = EVERY) -> np.ndarray:
        """The sum of the selected frames' predictions on the grid, [k, C] float64."""
        if self._running_sum is not None:
            return self._running_sum[slots]
        return self.table.sum_selected(self.entry[slots], self.selected[slots])

    def answer(self, slots: Slots = EVERY, alpha: float = 0.0) -> np.ndarray:
        """p1 of the selections as they stand, [k, C] float64, in a fresh array.

        The mean or what the judge says; zeros where nothing is selected and alpha is 0.
        """
        table, entry, kept = self.table, self.entry[slots], self.kept[slots]
        if table.judge is not None:
            return table.judged(entry, self.selected[slots])
        kept_sum = self.kept_sum(slots)
        total_sum, total = kept_sum, kept  # not read without alpha
        if alpha:
            total_sum, total = table.total_sum.take(entry, axis=0), table.total.take(entry)
        return weighted_mean(kept_sum, kept, total_sum, total, alpha)

    @property
    def looked(self) -> np.ndarray:
        """The frames that were looked at, [B, T] bool, which may be observed and are paid for."""
        return self.selected

    def reward_spec(self) -> RewardSpec:
        """The reward that the settings ask for, by default that of the videos that are drawn."""
        spec = self.settings.reward
        return default_reward(self.cache, self.rows) if spec is None else spec

    def action_masks(self, slots: Slots = EVERY) -> np.ndarray | None:
        """Which actions are legal, [k, n] bool; None where all always are."""
        return None

    def frames_at_cursor(self, slot: int) -> range | None:
        """The frames that the next action is about, for rendering; None if the order is free."""
        return None

    def status(self, slot: int) -> str:
        """What comes next, in a few words, for rendering."""
        return "next: choose the frames"

    def read_action(self, action: Any) -> np.ndarray:
        """Check the action of the only episode and return it as a batch of one.

        One number may come as an array of one, as libraries without scalars send it.
        """
        array = np.asarray(action)
        if array.shape == (1,) and not self._action_shape:
            array = array.reshape(())
        return self._read(array, self._action_shape)[None]

    def read_actions(self, actions: Any) -> np.ndarray:
        """Check the actions of all episodes and return them as `action_dtype`."""
        return self._read(np.asarray(actions), (self.num_slots, *self._action_shape))

    def _read(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Check actions of that shape.

        Floats that are integers are accepted: Stable-Baselines3 sends MultiBinary ones as float32.
        """
        if array.shape != shape:
            raise FrameSelectError(f"action has shape {array.shape}; expected {shape}")
        kind = array.dtype.kind
        if kind == "f":
            fractional = np.rint(array) != array  # also true for NaN
            if fractional.any():
                raise FrameSelectError(f"action {array[fractional][0]} is not an integer")
        elif kind not in "biu":
            raise FrameSelectError(f"action has type {array.dtype}; expected integers")
        if kind != "b":
            choices = self._choices
            # Viewed as unsigned, a negative number is huge, so one maximum checks both ends.
            view = array.view(f"u{array.dtype.itemsize}") if kind == "i" else array
            if array.size and (view.max() >= choices or (kind == "f" and array.min() < 0)):
                wrong = array[(array >= choices) | (array < 0)][0]
                allowed = f"allowed: 0 to {choices - 1}"
                raise FrameSelectError(f"action {wrong} is out of range; {allowed}")
        return array.astype(self.action_dtype, copy=False)

    def begin(self, slots: Slots, entries: np.ndarray) -> None:
        """Start episodes on `entries` [k] of the table in `slots` [k]."""
        self.table.fill(entries)
        self.entry[slots] = entries
        self.length[slots] = self.table.total.take(entries)
        for state in (self.cursor, self.selected, self.kept, self.returns):
            state[slots] = 0
        if self._running_sum is not None:
            self._running_sum[slots] = 0
        if self.dense:
            self._paid[slots] = 0

    def step(
        self, actions: np.ndarray, going: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, Facts]:
        """One step of every episode, or of those that are `going` [B].

        Returns rewards [B] float64, ended [B] bool, and the facts about the episodes that ended, as
        arrays over them (and a dict of arrays under "reward_terms"); empty if none did.
        """
        ended = self.apply(actions, going)
        rewards, facts = np.zeros(self.num_slots), {}
        if self.dense:
            facts = self._pay_dense(rewards, ended, going)
        elif (count := np.count_nonzero(ended)) == self.num_slots:
            facts, rewards = self._judge(EVERY)
        elif count:
            slots = ended.nonzero()[0]
            facts, rewards[slots] = self._judge(slots)
        if self.dense or facts:
            self.returns += rewards
        return rewards, ended, facts

    def _judge(self, slots: Slots) -> tuple[Facts, np.ndarray]:
        """The facts about the selections in `slots` as they stand, and their rewards [k]."""
        facts = self.facts(slots)
        values, terms = self.reward(self.outcome(facts))
        del facts["unanswered"]
        return {**facts, "reward_terms": terms}, values

    def _pay_dense(self, rewards: np.ndarray, ended: np.ndarray, going: np.ndarray | None) -> Facts:
        """Pay the change of what the selection would earn: it is 0 until a frame is selected.

        With dense="best" pay the change of the highest such value so far (AdaFrame).
        """
        counts = ended | (self.kept > 0)
        if going is not None:
            counts &= going
        if not counts.any():
            return {}
        slots = counts.nonzero()[0]
        facts, values = self._judge(slots)
        if self.dense == "best":
            values = np.maximum(values, self._paid[slots])
        rewards[slots] = values - self._paid[slots]
        self._paid[slots] = values
        over = ended[slots]
        if not over.any():
            return {}
        terms = {name: value[over] for name, value in facts.pop("reward_terms").items()}
        facts = {name: value[over] for name, value in facts.items()}
        return {**facts, "reward_terms": terms}

    def notes(self, slots: Slots) -> Facts:
        """What every info holds of the episodes in `slots` [k]: the mask, int8 for `sample`."""
        masks = self.action_masks(slots)
        return {} if masks is None else {"action_mask": masks.astype(np.int8)}

    def facts(self, slots: Slots) -> Facts:
        """The facts about the selections in `slots` as they stand, in fresh arrays [k, ...].

        They include `unanswered`, which rewards read and infos leave out.
        """
        table, entry, selected = self.table, self.entry[slots], self.selected[slots]
        if slots is EVERY:  # these are views of the state then
            entry, selected = entry.copy(), selected.copy()
        video, view = table.split(entry)
        # `take` along the first axis is several times faster than indexing.
        p0, kept, alpha = table.p0.take(entry, axis=0), self.kept[slots], self.settings.alpha
        p1 = self.answer(slots, alpha)
        unanswered = kept == 0
        if np.count_nonzero(unanswered):
            if alpha == 0:
                baseline = self.settings.empty == "baseline"
                p1[unanswered] = p0[unanswered] if baseline else self._empty_p1
            unanswered[unanswered] = ~p1[unanswered].any(axis=1)
        label = self.cache.labels.take(video, axis=0)
        facts = {"video": video, "label": label, "selected": selected, "p0": p0, "p1": p1}
        if view is not None:
            facts["view"] = view
        if self.looked is not self.selected:
            facts["looked"] = self.looked[slots].copy()
        if self.cache.task == "classification":
            facts["correct_before"] = table.correct_before.take(entry)
            facts["correct_after"] = is_correct(p1, label, unanswered)
        return {**facts, "unanswered": unanswered}

    def outcome(self, facts: Facts) -> Outcome:
        """The facts as a reward reads them; the others are looked up in the cache."""
        video, view = facts["video"], facts.get("view")
        frames, cache, stream = self.settings.num_frames, self.cache, self.stream

        def look_up(name: str) -> Any:
            if name == "valid":
                views = self.table.views  # of a single view by its number there is one entry
                entry = entry_of(video, view, views) if views > 1 else video
                return self.table.valid.take(entry, axis=0)
            if name == "target_frames":
                return self.settings.target_frames
            if name == "statistics":
                return self.statistics()
            if name == "predictions":
                return cache.read_predictions(video, frames, self.settings.fold, stream, view)
            if name == "features":
                return cache.read_features(video, frames, stream, view)
            return cache.read_frames(name, video, frames)

        return Outcome(facts, look_up)

    def statistics(self) -> Statistics:
        """What is known of the training videos of a regression; computed when it is first read."""
        settings, memo = self.settings, self.cache.memo
        key = ("statistics", settings.fold, self.stream, settings.num_frames, settings.view)
        if key not in memo:
            if self.cache.task != "regression":
                raise FrameSelectError("outcome.statistics: only of a regression")
            views = self.table.views
            entries = entry_of(self._training_rows()[:, None], np.arange(views), views).ravel()
            self.table.fill(entries)
            label = self.cache.labels[self.table.split(entries)[0]]
            memo[key] = Statistics.of(label, self.table.p0[entries])
        return memo[key]

    def _training_rows(self) -> np.ndarray:
        """The rows of the fold's training videos, or of all if there are none, [n] int64."""
        train = np.flatnonzero(self.cache.splits(self.settings.fold) == "train")
        return train if len(train) else np.arange(len(self.cache))

    def valid(self, slots: Slots = EVERY) -> np.ndarray:
        """[k, T] bool, which frames of the videos are not padding."""
        return self.table.valid.take(self.entry[slots], axis=0)
