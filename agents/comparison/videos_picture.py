"""The picture of what every agent makes of the same few videos."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from agents.comparison.board import Board, shared_frames
from agents.comparison.looks import looks, plain
from agents.evaluation import Verdict
from agents.evaluation.predictions import class_name
from agents.evaluation.strips import MATTERS
from agents.evaluation.style import INK, PALE, bare, picture

# All in inches, as is the picture's one pair of axes.
WIDEST, TILE = 8.5, 0.34  # all frames of a video, and one frame at most
ROW, TITLE, GAP = 0.2, 0.3, 0.14  # heights: an agent's row, a video's title, between videos
CHARACTER = 0.088  # width, of text of ten points
FONT = 10
AGENTS = 12  # rows that a video has at most


@dataclass(frozen=True)
class Strip:
    """One video as it is drawn.

    Attributes:
        title: Above it. valid: [T] bool.
        tiles: [T, H, W(, 3)] uint8, None without thumbnails.
        matters: [T] bool, None if it is not known.
        shades: Label -> [T] float, see `shades`.
        selected: Label -> [T] bool.
        told: Label -> the prediction from the selected frames, in words.
    """

    title: str
    valid: np.ndarray
    tiles: np.ndarray | None
    matters: np.ndarray | None
    shades: Mapping[str, np.ndarray]
    selected: Mapping[str, np.ndarray]
    told: Mapping[str, str]


def plot_videos(path: str | Path, board: Board, rescued: int = 3, broken: int = 2) -> bool:
    """Draw videos that the agents put right, then some that they got wrong, a row an agent.

    Each video is its frames, where the cache has thumbnails, with those that truly matter
    underlined, where it knows them. Below, each agent's first run has a row: a cell is the darker
    the more important the frame, from the video's least to its most important; framed are those
    kept, and the prediction from them stands at the end.

    Args:
        path: The image to write.
        board: What to draw; of its labels the first twelve.
        rescued: How many videos to show that the agents helped.
        broken: How many that they harmed.

    Returns:
        Whether there was any video whose error the agents changed.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    labels = list(board.runs)[:AGENTS]
    strips = _strips(board, labels, rescued, broken)
    if not strips:
        return False
    style = looks(list(board.runs))
    frames = board.evaluation.setting.num_frames
    tile = min(TILE, WIDEST / frames)
    left = CHARACTER * max(len(plain(label)) for label in labels) + 0.2
    right = CHARACTER * max(len(told) for strip in strips for told in strip.told.values()) + 0.2
    pictured = strips[0].tiles is not None
    each = TITLE + (tile if pictured else 0.0) + 0.08 + ROW * len(labels) + GAP
    titles = CHARACTER * max(len(strip.title) for strip in strips)
    width = left + max(tile * frames + right, titles)
    with picture(path, width, each * len(strips)) as canvas:
        canvas.set_layout_engine("none")
        axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0))
        bare(axes)
        for place, strip in enumerate(strips):
            top = each * (len(strips) - place)
            axes.text(left, top - TITLE / 2, plain(strip.title), va="center", fontsize=FONT)
            top -= TITLE
            if pictured:
                _thumbnails(axes, left, top, tile, strip)
                top -= tile
            _underline(axes, left, top - 0.03, tile, strip)
            top -= 0.08
            for label in labels:
                _cells(axes, left, top, tile, strip, label, style[label].colour)
                middle, end = top - ROW / 2, left + tile * frames + 0.1
                axes.text(left - 0.1, middle, plain(label), ha="right", va="center", fontsize=FONT)
                axes.text(end, middle, plain(strip.told[label]), va="center", fontsize=FONT)
                top -= ROW
        axes.set(xlim=(0, width), ylim=(0, each * len(strips)))
    return True


def drawn_frames(board: Board) -> str:
    """The row that the picture shows of all labels: the m most trained for, else the least m.

    The same number of frames for all, so that what is kept can be compared; `free` or `chosen`
    only where no m is shared.
    """
    shared = shared_frames([board], board.runs)
    trained = [str(run.select) for runs in board.runs.values() for run in runs]
    fixed = [frames for frames in shared if frames.isdigit()]
    return max(fixed or shared, key=trained.count)


def contested_videos(whole: Verdict, kept: list[Verdict], rescued: int, broken: int) -> np.ndarray:
    """The videos whose error fell most, averaged over agents, then those whose error rose most.

    Args:
        whole: Of keeping all frames, n videos.
        kept: Of every agent.
        rescued: How many to show that the agents helped.
        broken: How many that they harmed.

    Returns:
        Places among the n videos; of equals those whose p_c moved most the same way, then the
        first.
    """
    fall = np.mean([whole.error - one.error for one in kept], axis=0)
    rise = np.mean([one.true_probability - whole.true_probability for one in kept], axis=0)
    rise, place = np.nan_to_num(rise), np.arange(len(fall))
    helped = [video for video in np.lexsort((place, -rise, -fall)) if fall[video] > 0]
    harmed = [video for video in np.lexsort((place, rise, fall)) if fall[video] < 0]
    return np.array([*helped[:rescued], *harmed[:broken]], np.int64)


def shades(scores: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Scores [T] from a video's least, 0, to its most important frame, 1; NaN without a score."""
    told = valid & np.isfinite(scores)
    shade = np.full(len(scores), np.nan)
    if told.any():
        low, high = scores[told].min(), scores[told].max()
        shade[told] = (scores[told] - low) / (high - low) if high > low else 0.5
    return shade


def _strips(board: Board, labels: list[str], rescued: int, broken: int) -> list[Strip]:
    frames, evaluation = drawn_frames(board), board.evaluation
    whole = board.verdict("all", "all").run(0)
    kept = {label: board.verdict(label, frames).run(0) for label in labels}
    videos = contested_videos(whole, list(kept.values()), rescued, broken)
    setting, rows = evaluation.setting, evaluation.rows[videos]
    read: dict[str, np.ndarray] = {
        name: setting.cache.read_frames(name, rows, setting.num_frames)
        for name in ("thumbnail", "importance")
        if name in setting.cache.frame_datasets and len(videos)
    }
    made = []
    for place, video in enumerate(videos):
        valid, label = evaluation.valid[video], _words(board, evaluation.label[video])
        before = _prediction(board, video, whole)
        made.append(
            Strip(
                f"true: {label}   |   all {whole.frames[video]} frames: {before}",
                valid,
                read["thumbnail"][place] if "thumbnail" in read else None,
                read["importance"][place] > 0 if "importance" in read else None,
                {
                    name: shades(evaluation.scores[name][0, video], valid)
                    if name in evaluation.scores
                    else np.full(len(valid), np.nan)
                    for name in labels
                },
                {name: one.selected[video] for name, one in kept.items()},
                {name: _prediction(board, video, one) for name, one in kept.items()},
            )
        )
    return made


def _prediction(board: Board, video: int, verdict: Verdict) -> str:
    if board.task == "regression":
        return f"error {verdict.error[video]:.2f}"
    name = _words(board, verdict.predicted[video])
    return f"{name} {'✗' if verdict.error[video] else '✓'}"


def _words(board: Board, value: np.ndarray) -> str:
    """A label or a prediction, short."""
    if board.task == "regression":
        return " ".join(f"{number:.2f}" for number in value)
    return class_name(board.evaluation, value)


def _thumbnails(axes: Axes, left: float, top: float, tile: float, strip: Strip) -> None:
    if strip.tiles is None:
        return
    for t in np.flatnonzero(strip.valid):
        start = left + tile * t
        box = (start + 0.01, start + tile - 0.01, top - tile + 0.01, top - 0.01)
        axes.imshow(strip.tiles[t], cmap="gray", vmin=0, vmax=255, extent=box, aspect="auto")


def _underline(axes: Axes, left: float, level: float, tile: float, strip: Strip) -> None:
    if strip.matters is None:
        return
    for t in np.flatnonzero(strip.matters & strip.valid):
        ends = [left + tile * t + 0.01, left + tile * (t + 1) - 0.01]
        axes.plot(ends, [level, level], color=MATTERS, lw=2.6, solid_capstyle="butt")


def _cells(
    axes: Axes, left: float, top: float, tile: float, strip: Strip, label: str, colour: str
) -> None:
    shade, selected = strip.shades[label], strip.selected[label]
    ink, paper = np.array(to_rgb(colour)), np.ones(3)
    for t in np.flatnonzero(strip.valid):
        # Without a score all that is known is what was kept.
        weight = (0.5 if selected[t] else 0.0) if np.isnan(shade[t]) else shade[t]
        cell = Rectangle(
            (left + tile * t + 0.015, top - ROW + 0.02),
            tile - 0.03,
            ROW - 0.04,
            facecolor=paper + (ink - paper) * weight,
            edgecolor=INK if selected[t] else PALE,
            linewidth=1.6 if selected[t] else 0.6,
            zorder=3 if selected[t] else 2,
        )
        axes.add_patch(cell)
