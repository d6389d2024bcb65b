"""What episodes are about: videos, and views of them, that are asked for, drawn or in turn."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from frame_select_env.cache.tables import entry_of, video_and_view
from frame_select_env.envs.episodes import Episodes, Facts, Slots
from frame_select_env.errors import FrameSelectError, known

BLOCK = 256  # videos drawn at a time: a generator call per episode would cost more than the episode
OPTIONS = ("video", "view")
EXHAUSTED = "order='once': every video of the split had its episode; start anew by reset(seed=...)"

Generators: TypeAlias = Callable[[int], np.random.Generator]  # of each slot


def make_draws(episodes: Episodes, generator: Generators) -> "Draws | Turns":
    """What draws the videos of the episodes, in the order that their settings ask for."""
    kind = Turns if episodes.settings.order == "once" else Draws
    return kind(episodes.rows, episodes.num_slots, generator, episodes.table.views)


def check_options(options: Mapping[str, Any], *more: str) -> None:
    """Refuse an option of a reset that is neither one of OPTIONS nor of `more`."""
    for name in options:
        if name not in (*OPTIONS, *more):
            raise FrameSelectError(known("option of reset", name, (*OPTIONS, *more)))


def first_entries(
    episodes: Episodes, options: Mapping[str, Any], draws: "Draws | Turns", slots: np.ndarray
) -> np.ndarray:
    """What the episodes in `slots` [k] of a reset are about, as entries [k] of the table.

    `options["video"]` is an int or one for each of the B slots, as is `options["view"]` where views
    are drawn; what is not asked for is drawn.
    """
    if "video" in options and isinstance(draws, Turns):
        raise FrameSelectError(
            "options['video']: with order='once' the videos come in turn; use order='random'"
        )
    cache, count, views = episodes.cache, episodes.num_slots, episodes.table.views
    drawn = np.zeros(len(slots), np.int64)
    if "video" not in options or (views > 1 and "view" not in options):
        drawn = draws.take(slots)
    video, view = video_and_view(drawn, views)
    if "video" in options:
        video = _requested("video", options["video"], count, len(cache), "the cache has rows")
        video = video[slots]
        if not episodes.reward.label_free:
            unknown = np.setdiff1d(video, cache.labelled(video))
            if len(unknown):
                raise FrameSelectError(
                    f"options['video']={unknown[0]}: its label is unknown, so there is no reward"
                )
    if "view" in options:
        if episodes.settings.view != "random":
            raise FrameSelectError("options['view']: only for an environment with view='random'")
        view = _requested("view", options["view"], count, views, "the stream has views")[slots]
    return entry_of(video, view, views)


def reset_options(entries: np.ndarray, views: int) -> dict[str, np.ndarray]:
    """The options of a reset that begins episodes about `entries` [B]."""
    if views == 1:
        return {"video": entries}
    return dict(zip(("video", "view"), video_and_view(entries, views), strict=True))


def observed_entries(observation: Mapping[str, Any], views: int) -> Any:
    """The entries [B, 1] that index observations are about, arrays or tensors like theirs."""
    video = observation["video"]
    return video if views == 1 else entry_of(video, observation["view"], views)


def draw_views(videos: np.ndarray, views: int, rng: np.random.Generator) -> np.ndarray:
    """An entry [B] of each of `videos` [B]: one view of each is drawn, if there are several."""
    if views == 1:
        return videos
    return entry_of(videos, rng.integers(0, views, len(videos)), views)


def _requested(name: str, value: Any, count: int, size: int, have: str) -> np.ndarray:
    """The numbers [count] below `size` of an option, an int or `count` ints."""
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iu" or numbers.shape not in ((), (count,)):
        what = "a row of the cache" if name == "video" else "the number of a view"
        several = f", or {count} of them" if count > 1 else ""
        raise FrameSelectError(f"options[{name!r}]={value!r}: must be {what}{several}")
    numbers = np.broadcast_to(numbers.astype(np.int64), (count,))
    wrong = numbers[(numbers < 0) | (numbers >= size)]
    if len(wrong):
        raise FrameSelectError(f"options[{name!r}]={wrong[0]}: {have} 0 to {size - 1}")
    return numbers


class Draws:
    """Videos drawn from `rows` uniformly with replacement, in blocks, by each slot's generator.

    Of a video with several `views` one is drawn too: a draw is an entry.
    """

    exhausted: np.ndarray | None = None  # never

    def __init__(
        self,
        rows: np.ndarray,
        num_slots: int,
        generator: Generators,
        views: int = 1,
    ) -> None:
        self.entries = entry_of(rows[:, None], np.arange(views), views).ravel()
        self._views, self._generator = views, generator
        self._block = np.zeros((num_slots, BLOCK), np.int64)
        self._next = np.full(num_slots, BLOCK)

    def notes(self, slots: Slots) -> Facts:
        """What every info holds of them: nothing."""
        return {}

    def restart(self, slot: int) -> None:
        """Discard the slot's drawn videos, because its generator was replaced."""
        self._next[slot] = BLOCK

    def take(self, slots: np.ndarray) -> np.ndarray:
        """The next entry of every slot in `slots` [k], [k] int64."""
        index = self._next[slots]
        if index.max() == BLOCK:
            for slot in slots[index == BLOCK]:
                draw = self._generator(int(slot)).integers(0, len(self.entries), BLOCK)
                self._block[slot] = self.entries[draw]
            index = np.where(index == BLOCK, 0, index)
        self._next[slots] = index + 1
        return self._block[slots, index]


class Turns:
    """Each video of `rows` [n] once, in order: slot i of B takes rows[B - 1 - i :: B].

    These are the shares, (n + i) // B videos, for which Stable-Baselines3's `evaluate_policy` asks.
    Of a video with several `views` one is drawn.

    Attributes:
        exhausted: [B] bool, the slots that have had all of their videos. What they take then is
            their last video again; without any, the last of all.
    """

    def __init__(
        self, rows: np.ndarray, num_slots: int, generator: Generators, views: int = 1
    ) -> None:
        self._rows, self._views, self._generator = rows, views, generator
        self.exhausted = np.zeros(num_slots, bool)
        self._turn = np.zeros(num_slots, np.int64)
        self._last = np.full(num_slots, entry_of(rows[-1], 0, views))

    def notes(self, slots: Slots) -> Facts:
        """What every info holds of the slots: whether they are exhausted."""
        return {"exhausted": self.exhausted[slots].copy()}

    def restart(self, slot: int) -> None:
        """Start anew, because the slot was seeded."""
        self._turn[slot] = 0

    def take(self, slots: np.ndarray) -> np.ndarray:
        """The next entry of every slot in `slots` [k], [k] int64."""
        count = len(self._turn)
        place = count - 1 - slots + count * self._turn[slots]
        left = place < len(self._rows)
        self.exhausted[slots] = ~left
        self._turn[slots] += left
        for slot, row in zip(slots[left].tolist(), self._rows[place[left]], strict=True):
            self._last[slot] = draw_views(row[None], self._views, self._generator(slot))[0]
        return self._last[slots]
