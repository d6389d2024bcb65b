"""The dynamics, written once: B concurrent episodes of one decision process."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

import numpy as np
from gymnasium import spaces

from frame_select_env.cache import open_cache
from frame_select_env.cache.schema import UNKNOWN_LABEL
from frame_select_env.consensus import is_correct, weighted_mean
from frame_select_env.dynamics.settings import Settings
from frame_select_env.dynamics.table import consensus_table
from frame_select_env.errors import FrameSelectError
from frame_select_env.rewards import Outcome, Reward

# Which episodes an operation is about: slice(None), all of them, is the fast way to say it.
Slots: TypeAlias = np.ndarray | slice
EVERY = slice(None)
Facts: TypeAlias = dict[str, Any]


class Episodes(ABC):
    """The state of B episodes, and the rules that are the same for every decision process.

    A decision process says what its actions are (`action_space`, `read_actions`) and what they do
    to the selection (`apply`).

    Args:
        settings: The keyword arguments of the environment.
        num_slots: B.

    Attributes:
        cache: The feature cache.
        rows: [n] int64, the videos that may be drawn: those of the split whose label is known.
        video: [B] int64, row in the cache. length: [B] int64, its valid frames L, at most T.
        cursor: [B] int64, 0..T.
        selected: [B, T] bool. kept: [B] int64, number of selected frames.

    Raises:
        FrameSelectError: for a setting that the cache does not allow.
    """

    settings_class: ClassVar[type[Settings]]
    action_space: spaces.Space

    def __init__(self, settings: Settings, num_slots: int) -> None:
        self.settings = settings
        self.cache = cache = open_cache(settings.data)
        self.stream = cache.stream(settings.stream)
        rows = cache.rows(settings.split, settings.fold)
        if cache.task == "classification":
            rows = rows[cache.labels[rows] != UNKNOWN_LABEL]
            if not len(rows):
                raise FrameSelectError(
                    f"split={settings.split!r}: no video of {cache.path} has a known label there"
                )
        self.rows = rows
        self.reward = Reward(settings.reward, cache)
        self.dense: bool | str = getattr(settings, "dense", False)
        self.chunk = int(getattr(settings, "chunk", 1))
        self.table = consensus_table(
            cache, settings.fold, self.stream, settings.num_frames, self.chunk
        )
        # An empty selection: zeros answer nothing; a regression then answers the training mean.
        self._nothing = np.zeros(len(cache.classes))
        if cache.task == "regression":
            train = cache.splits(settings.fold) == "train"
            self._nothing = cache.labels[train if train.any() else EVERY].mean(axis=0)
        frames, outputs = settings.num_frames, len(cache.classes)
        self._places = np.arange(frames)
        self.num_slots = num_slots
        self.slots = np.arange(num_slots)
        self.video = np.full(num_slots, rows[0])
        self.length = self.table.total[self.video]
        self.cursor = np.zeros(num_slots, np.int64)
        self.selected = np.zeros((num_slots, frames), bool)
        self.kept = np.zeros(num_slots, np.int64)
        self.kept_sum = np.zeros((num_slots, outputs))
        self._paid = np.zeros(num_slots)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Tables are not pickled: look up the running videos anew."""
        self.__dict__.update(state)
        self.table.fill(self.video)

    @abstractmethod
    def read_actions(self, actions: Any, count: int) -> np.ndarray:
        """Check actions of `count` episodes and return them as an array of bool or int.

        Raises:
            FrameSelectError: naming the shape, type or value and what is allowed.
        """

    @abstractmethod
    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        """Let actions [B, ...] change the selections; returns which episodes end now, [B] bool.

        Args:
            actions: As `read_actions` gives them.
            going: [B] bool; the other episodes have just begun and stay as they are. None: all go.
        """

    def notes(self, slots: Slots) -> Facts:
        """What every info says of the episodes in `slots` [k], beside the facts at their end."""
        return {}

    def check_videos(self, videos: Any, count: int) -> np.ndarray:
        """The rows [count] that `options["video"]` asks for, an int or `count` ints.

        Raises:
            FrameSelectError: if a row does not exist or its label is unknown.
        """
        rows = np.asarray(videos)
        if rows.dtype.kind not in "iu" or rows.shape not in ((), (count,)):
            raise FrameSelectError(
                f"options['video']={videos!r}: must be a row of the cache"
                + (f", or {count} of them" if count > 1 else "")
            )
        rows = np.broadcast_to(rows.astype(np.int64), (count,))
        wrong = rows[(rows < 0) | (rows >= len(self.cache))]
        if len(wrong):
            raise FrameSelectError(
                f"options['video']={wrong[0]}: the cache has the rows 0 to {len(self.cache) - 1}"
            )
        if self.cache.task == "classification":
            unknown = rows[self.cache.labels[rows] == UNKNOWN_LABEL]
            if len(unknown):
                raise FrameSelectError(
                    f"options['video']={unknown[0]}: its label is unknown, so it has no reward"
                )
        return rows

    def begin(self, slots: Slots, videos: np.ndarray) -> None:
        """Start episodes on `videos` [k] in `slots` [k]."""
        self.table.fill(videos)
        self.video[slots] = videos
        self.length[slots] = self.table.total[videos]
        self.cursor[slots] = 0
        self.selected[slots] = False
        self.kept[slots] = 0
        self.kept_sum[slots] = 0.0
        if self.dense:
            self._paid[slots] = 0.0

    def step(
        self, actions: np.ndarray, going: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, Facts]:
        """One step of every episode, or of those that are `going` [B].

        Returns:
            rewards [B] float64, ended [B] bool, and the facts about the episodes that ended, as
            arrays over them (and a dict of arrays under "reward_terms"); empty if none did.
        """
        ended = self.apply(actions, going)
        if self.dense:
            return self._pay_dense(ended, going)
        slots = ended.nonzero()[0]
        if not len(slots):
            return np.zeros(self.num_slots), ended, {}
        facts = self.facts(slots if len(slots) < self.num_slots else EVERY)
        rewards = np.zeros(self.num_slots)
        rewards[slots], facts["reward_terms"] = self.reward(self.outcome(facts))
        return rewards, ended, facts

    def _pay_dense(
        self, ended: np.ndarray, going: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, Facts]:
        """Pay the change of what the selection would earn: it is 0 until a frame is selected.

        With dense="best" pay the change of the highest such value so far (AdaFrame).
        """
        rewards = np.zeros(self.num_slots)
        counts = ended | (self.kept > 0)
        if going is not None:
            counts &= going
        if not counts.any():
            return rewards, ended, {}
        slots = counts.nonzero()[0]
        facts = self.facts(slots)
        values, terms = self.reward(self.outcome(facts))
        if self.dense == "best":
            values = np.maximum(values, self._paid[slots])
        rewards[slots] = values - self._paid[slots]
        self._paid[slots] = values
        over = ended[slots]
        if not over.any():
            return rewards, ended, {}
        facts = {name: value[over] for name, value in facts.items()}
        facts["reward_terms"] = {name: value[over] for name, value in terms.items()}
        return rewards, ended, facts

    def facts(self, slots: Slots) -> Facts:
        """The facts about the selections in `slots` as they stand, in fresh arrays [k, ...]."""
        table, video, selected = self.table, self.video[slots], self.selected[slots]
        if slots is EVERY:  # these are views of the state then
            video, selected = video.copy(), selected.copy()
        p0, kept = table.p0[video], self.kept[slots]
        p1 = weighted_mean(
            self.kept_sum[slots],
            kept,
            table.total_sum[video] if self.settings.alpha else p0,
            table.total[video] if self.settings.alpha else kept,
            self.settings.alpha,
        )
        empty = kept == 0
        any_empty = bool(empty.any())
        if any_empty and self.settings.alpha == 0:
            p1[empty] = p0[empty] if self.settings.empty == "baseline" else self._nothing
        facts = {
            "video": video,
            "label": self.cache.labels[video],
            "selected": selected,
            "p0": p0,
            "p1": p1,
        }
        if self.cache.task == "classification":
            facts["correct_before"] = table.correct_before[video]
            facts["correct_after"] = is_correct(p1, facts["label"], any_empty)
        return facts

    def outcome(self, facts: Facts) -> Outcome:
        """The facts as a reward reads them; what is not at hand is looked up in the cache."""
        video = facts["video"]

        def look_up(name: str) -> Any:
            frames = self.settings.num_frames
            if name == "valid":
                return self.valid(video)
            if name == "target_frames":
                return self.settings.target_frames
            if name == "predictions":
                return self.cache.read_predictions(video, frames, self.settings.fold, self.stream)
            if name == "features":
                return self.cache.read_features(video, frames, self.stream)
            return self.cache.read_frames(name, video, frames)

        return Outcome(facts, look_up)

    def valid(self, video: np.ndarray) -> np.ndarray:
        """[k, T] bool, which frames of the videos are not padding."""
        return self._places < self.table.total[video][:, None]
