"""What a person is shown of one episode, and the render mode "ansi", which shows it as text."""

from dataclasses import dataclass

import numpy as np

from frame_select_env.cache.schema import UNKNOWN_LABEL
from frame_select_env.envs.episodes import Episodes
from frame_select_env.key_frames import key_frames

SHOWN_CLASSES = 10
KEPT, DISCARDED, OPEN, NEXT, PADDING, IMPORTANT = "#", ".", "o", ">", "-", "^"
LEGEND = f"{KEPT} kept  {DISCARDED} discarded  {OPEN} open  {PADDING} padding"


@dataclass(frozen=True)
class Scene:
    """One episode as it stands. It holds the label: it is for people, not for agents."""

    video: str  # its id
    classes: tuple[str, ...]  # names of the C classes, or of the regression targets
    label: int | np.ndarray  # the class, or [C] float32 for a regression
    length: int  # number of valid frames; the rest of the T are padding at the end
    selected: np.ndarray  # [T] bool
    decided: np.ndarray  # [T] bool, frames whose selection is final
    cursor: np.ndarray | None  # [T] bool, the next action's frames; None if the order is free
    important: np.ndarray | None  # [T] bool, frames that truly matter; None if that is unknown
    thumbnails: np.ndarray | None  # [T, h, w, 3] uint8
    predictions: np.ndarray  # [T, C] float32, zeros at padding
    p0: np.ndarray  # [C] float64, of all frames
    p1: np.ndarray  # [C] float64, of the selection so far
    bounds: tuple[float, float]  # lowest and highest prediction and label, including 0
    right: tuple[bool, bool] | None  # whether p0's class is the label, and p1's; not in regression
    reward: float  # sum of the episode's rewards so far
    status: str  # what comes next, in a few words

    @property
    def labelled(self) -> bool:
        """Whether the video has a class that is known."""
        return self.right is not None and int(self.label) != UNKNOWN_LABEL

    @property
    def truth(self) -> str:
        """The true class; "" for a regression."""
        if self.right is None:
            return ""
        return f"true class {self.classes[int(self.label)] if self.labelled else 'unknown'}"

    @property
    def kept(self) -> int:
        """Number of selected frames."""
        return int(self.selected.sum())

    def shown_classes(self) -> list[int]:
        """Up to ten classes in their order: the true and the two predicted ones, then by p0."""
        if len(self.classes) <= SHOWN_CLASSES:
            return list(range(len(self.classes)))
        wanted = [int(p.argmax()) for p in (self.p0, self.p1) if p.any()]
        if self.labelled:
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
        answer = self.classes[int(p.argmax())]
        if not self.labelled:
            return answer
        return f"{answer}, {'right' if self.right[which] else 'wrong'}"


def read_scene(episodes: Episodes, slot: int, over: bool) -> Scene:
    """The episode in `slot`; `over` says whether it has ended."""
    cache, settings = episodes.cache, episodes.settings
    rows, view = episodes.table.split(episodes.entry[slot : slot + 1])
    frames, fold, stream = settings.num_frames, settings.fold, episodes.stream
    facts = {name: value[0] for name, value in episodes.facts(np.array([slot])).items()}
    decided, cursor = np.full(frames, over), None
    at_cursor = episodes.frames_at_cursor(slot)
    if at_cursor is not None:
        decided[: at_cursor.start] = True
        cursor = np.isin(np.arange(frames), at_cursor)
    important, thumbnails = None, None
    if "importance" in cache.frame_datasets:
        importance = cache.read_frames("importance", rows, frames)
        valid = np.arange(frames)[None] < episodes.length[slot]
        important = key_frames(importance, valid)[0]
    if "thumbnail" in cache.frame_datasets:
        thumbnails = cache.read_frames("thumbnail", rows, frames)[0]
        if thumbnails.ndim == 3:
            thumbnails = np.repeat(thumbnails[..., None], 3, axis=3)
    bounds, right, label = (0.0, 1.0), None, facts["label"]
    if cache.task == "classification":
        label = int(label)
        right = bool(facts["correct_before"]), bool(facts["correct_after"])
    else:
        extent = cache.predictions_extent(stream, fold)
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
        predictions=cache.read_predictions(rows, frames, fold, stream, view)[0],
        p0=facts["p0"],
        p1=facts["p1"],
        bounds=bounds,
        right=right,
        reward=round(float(episodes.returns[slot]), 3) + 0.0,  # never -0.000
        status="episode over" if over else episodes.status(slot),
    )


def draw_text(scene: Scene) -> str:
    """The frames in a line, p0 and p1 of the top classes, the answers and the reward."""
    truth = f"   {scene.truth}" if scene.truth else ""
    legend, marks = LEGEND, np.where(scene.decided, DISCARDED, OPEN)
    if scene.cursor is not None:
        legend += f"  {NEXT} next"
        marks[scene.cursor] = NEXT
    marks[scene.selected] = KEPT
    marks[scene.length :] = PADDING
    lines = [f"video {scene.video}{truth}", f"frames     {''.join(marks)}   {legend}"]
    if scene.important is not None:
        lines.append("important  " + "".join(np.where(scene.important, IMPORTANT, " ")).rstrip())
    lines += _table(scene)
    lines.append(f"all {scene.length} frames: {scene.answer(0)}")
    lines.append(f"{scene.kept} kept: {scene.answer(1)}")
    lines.append(f"reward so far {scene.reward:+.3f}   {scene.status}")
    return "\n".join(lines) + "\n"


def _table(scene: Scene) -> list[str]:
    """A line per class: its name, p0, p1, and which is true; for a regression the true value."""
    shown = scene.shown_classes()
    width = max(6, *(len(scene.classes[number]) for number in shown))
    regression = scene.right is None
    head = f"{'target' if regression else 'class':{width}}      p0      p1"
    lines = [f"{head}    true" if regression else head]
    for number in shown:
        line = f"{scene.classes[number]:{width}}  {scene.p0[number]:6.3f}  {scene.p1[number]:6.3f}"
        if regression:
            line += f"  {np.asarray(scene.label)[number]:6.3f}"
        elif number == scene.label:
            line += "  true"
        lines.append(line)
    return lines
