"""What a person is shown of one episode; both render modes draw nothing else."""

from dataclasses import dataclass

import numpy as np

from frame_select_env.envs.episodes import Episodes

SHOWN_CLASSES = 10


@dataclass(frozen=True)
class Scene:
    """One episode as it stands. It holds the label: it is for people, not for agents.

    Attributes:
        video: The video's id.
        classes: Names of the C classes, or of the regression targets.
        label: The class, or [C] float32 for a regression.
        length: Number of valid frames; the rest of the T are padding at the end.
        selected: [T] bool.
        decided: [T] bool, frames whose selection is final.
        cursor: [T] bool, frames that the next action is about; None if the order is free.
        important: [T] bool, frames that truly matter; None if the cache does not know.
        thumbnails: [T, h, w, 3] uint8, or None.
        predictions: [T, C] float32, zeros at padding.
        p0: [C] float64, of all frames. p1: [C] float64, of the selection so far.
        bounds: The lowest and highest value of predictions and labels, including 0.
        right: Whether p0's class is the label, and p1's; None for a regression.
        reward: Sum of the episode's rewards so far.
        status: What comes next, in a few words.
    """

    video: str
    classes: tuple[str, ...]
    label: int | np.ndarray
    length: int
    selected: np.ndarray
    decided: np.ndarray
    cursor: np.ndarray | None
    important: np.ndarray | None
    thumbnails: np.ndarray | None
    predictions: np.ndarray
    p0: np.ndarray
    p1: np.ndarray
    bounds: tuple[float, float]
    right: tuple[bool, bool] | None
    reward: float
    status: str

    @property
    def kept(self) -> int:
        """Number of selected frames."""
        return int(self.selected.sum())

    def shown_classes(self) -> list[int]:
        """Up to ten classes in their order: the true and the two predicted ones, then by p0."""
        if len(self.classes) <= SHOWN_CLASSES:
            return list(range(len(self.classes)))
        wanted = [int(p.argmax()) for p in (self.p0, self.p1) if p.any()]
        if self.right is not None:
            wanted.insert(0, int(self.label))
        wanted += np.argsort(-self.p0, kind="stable").tolist()
        return sorted(list(dict.fromkeys(wanted))[:SHOWN_CLASSES])

    def answer(self, which: int) -> str:
        """What p0 (`which` = 0) or p1 (1) answers, in a few words."""
        if which and not self.kept and not self.p1.any():
            return "no answer"
        p = (self.p0, self.p1)[which]
        if self.right is None:
            return f"mean error {np.abs(p - self.label).mean():.3f}"
        return f"{self.classes[int(p.argmax())]}, {'right' if self.right[which] else 'wrong'}"


def read_scene(episodes: Episodes, slot: int, over: bool) -> Scene:
    """The episode in `slot`; `over` says whether it has ended."""
    cache, settings = episodes.cache, episodes.settings
    rows, frames = episodes.video[slot : slot + 1], settings.num_frames
    facts = {name: value[0] for name, value in episodes.facts(np.array([slot])).items()}
    decided, cursor = np.full(frames, over), None
    at_cursor = episodes.frames_at_cursor(slot)
    if at_cursor is not None:
        decided[: at_cursor.start] = True
        cursor = np.zeros(frames, bool)
        cursor[at_cursor.start : at_cursor.stop] = True
    important, thumbnails = None, None
    if "importance" in cache.frame_datasets:
        important = cache.read_frames("importance", rows, frames)[0] > 0
    if "thumbnail" in cache.frame_datasets:
        thumbnails = cache.read_frames("thumbnail", rows, frames)[0]
        if thumbnails.ndim == 3:
            thumbnails = np.repeat(thumbnails[..., None], 3, axis=3)
    bounds, right, label = (0.0, 1.0), None, facts["label"]
    if cache.task == "classification":
        label = int(label)
        right = bool(facts["correct_before"]), bool(facts["correct_after"])
    else:
        extent = cache.predictions_extent(episodes.stream, settings.fold)
        low, high = min(extent.min, cache.labels.min()), max(extent.max, cache.labels.max())
        bounds = float(min(low, 0.0)), float(max(high, 0.0))
    return Scene(
        video=str(cache.ids[rows[0]]),
        classes=tuple(cache.classes),
        label=label,
        length=int(episodes.length[slot]),
        selected=facts["selected"],
        decided=decided,
        cursor=cursor,
        important=important,
        thumbnails=thumbnails,
        predictions=cache.read_predictions(rows, frames, settings.fold, episodes.stream)[0],
        p0=facts["p0"],
        p1=facts["p1"],
        bounds=bounds,
        right=right,
        reward=round(float(episodes.returns[slot]), 3) + 0.0,  # never -0.000
        status="episode over" if over else episodes.status(slot),
    )
