"""What a person is shown of one episode; both render modes draw nothing else."""

from dataclasses import dataclass

import numpy as np

from frame_select_env.dynamics import Episodes, PickEpisodes, SequentialEpisodes

SHOWN_CLASSES = 10


@dataclass(frozen=True)
class Scene:
    """One episode as it stands. It knows the label: it is for people, not for agents.

    Attributes:
        video: The video's id.
        classes: Names of the C classes, or of the regression targets.
        label: The class, or [C] float32 for a regression.
        length: Number of valid frames; the others of the T are padding at the end.
        selected: [T] bool.
        decided: [T] bool, frames that are kept or discarded for good.
        cursor: [T] bool, frames that the next action is about; None if actions have no place.
        important: [T] bool, frames that truly matter; None if the cache does not know.
        thumbnails: [T, h, w, 3] uint8, or None.
        predictions: [T, C] float32, zeros at padding.
        p0: [C] float64, of all frames. p1: [C] float64, of the selection so far.
        bounds: The least and the largest that predictions and labels reach; 0 is between.
        right: Whether p0's class is the label, and p1's; None for a regression.
        reward: Sum of the episode's rewards so far.
        status: What is next, in a few words.
        over: Whether the episode has ended.
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
    over: bool

    @property
    def kept(self) -> int:
        """Number of selected frames."""
        return int(self.selected.sum())


def read_scene(episodes: Episodes, slot: int, reward: float, over: bool) -> Scene:
    """The episode in `slot`.

    Args:
        episodes: The episodes.
        slot: Which of the B.
        reward: Sum of its rewards so far.
        over: Whether it has ended.
    """
    cache, settings = episodes.cache, episodes.settings
    rows, frames = episodes.video[slot : slot + 1], settings.num_frames
    facts = {name: value[0] for name, value in episodes.facts(np.array([slot])).items()}
    length = int(episodes.length[slot])
    decided, cursor = np.full(frames, over), None
    if isinstance(episodes, SequentialEpisodes):
        place = int(episodes.cursor[slot])
        decided[:place] = True
        cursor = np.zeros(frames, bool)
        cursor[place : min(place + episodes.chunk, length)] = True
    important, thumbnails = None, None
    if "importance" in cache.frame_datasets:
        important = cache.read_frames("importance", rows, frames)[0] > 0
    if "thumbnail" in cache.frame_datasets:
        thumbnails = cache.read_frames("thumbnail", rows, frames)[0]
        if thumbnails.ndim == 3:
            thumbnails = np.repeat(thumbnails[..., None], 3, axis=3)
    classification = cache.task == "classification"
    extent = cache.predictions_extent(episodes.stream, settings.fold)
    low, high = (0.0, 1.0) if classification else (extent.min, extent.max)
    if not classification:
        low, high = min(low, cache.labels.min(), 0.0), max(high, cache.labels.max(), 0.0)
    return Scene(
        video=str(cache.ids[rows[0]]),
        classes=tuple(cache.classes),
        label=int(facts["label"]) if classification else facts["label"],
        length=length,
        selected=facts["selected"],
        decided=decided,
        cursor=cursor,
        important=important,
        thumbnails=thumbnails,
        predictions=cache.read_predictions(rows, frames, settings.fold, episodes.stream)[0],
        p0=facts["p0"],
        p1=facts["p1"],
        bounds=(float(low), float(high)),
        right=(bool(facts["correct_before"]), bool(facts["correct_after"]))
        if classification
        else None,
        reward=reward,
        status="episode over" if over else _status(episodes, slot, cursor),
        over=over,
    )


def _status(episodes: Episodes, slot: int, cursor: np.ndarray | None) -> str:
    if cursor is not None:
        first, last = cursor.nonzero()[0][[0, -1]]
        return f"next: frame {first}" if first == last else f"next: frames {first} to {last}"
    if isinstance(episodes, PickEpisodes):
        return f"{episodes.cursor[slot]} of {episodes.settings.picks} picks made"
    return "next: choose the frames"


def shown_classes(scene: Scene) -> list[int]:
    """Up to ten classes in their order: the true and the two predicted ones, then by p0."""
    if len(scene.classes) <= SHOWN_CLASSES:
        return list(range(len(scene.classes)))
    wanted = [int(p.argmax()) for p in (scene.p0, scene.p1) if p.any()]
    if scene.right is not None:
        wanted.insert(0, int(scene.label))
    wanted += np.argsort(-scene.p0, kind="stable").tolist()
    return sorted(list(dict.fromkeys(wanted))[:SHOWN_CLASSES])


def verdict(scene: Scene, which: int) -> str:
    """What p0 (`which` = 0) or p1 (1) answers, in a few words."""
    if which and not scene.kept and not scene.p1.any():
        return "no answer"
    if scene.right is None:
        error = np.abs((scene.p0, scene.p1)[which] - scene.label).mean()
        return f"mean error {error:.3f}"
    name = scene.classes[int((scene.p0, scene.p1)[which].argmax())]
    return f"{name}, {'right' if scene.right[which] else 'wrong'}"
