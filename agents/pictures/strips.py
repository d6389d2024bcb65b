"""The picture of a few videos as strips of frames, with the frames that every agent kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from agents.evaluation import Evaluation, VideoResults
from agents.evaluation.files import class_name
from agents.pictures.style import COLOURS, INK, PALE, bare, line_styles, picture, plain
from frame_select_env.errors import FrameSelectError

MATTERS = COLOURS[1]
MOST = 12  # agents in a picture
# All in inches, as is the picture's one pair of axes.
WIDEST, TILE = 8.5, 0.42  # all frames of a video, and one frame at most
ROW, TITLE, GAP = 0.2, 0.3, 0.14  # heights: an agent's row, a video's title, between videos
CHARACTER = 0.088  # width, of text of ten points
FONT = 10


@dataclass(frozen=True)
class Strip:
    """One video as it is drawn.

    Attributes:
        title: Written above it.
        valid: [T] bool.
        tiles: [T, H, W(, 3)] uint8, None without thumbnails.
        matters: [T] bool, None if it is not known.
        shades: Ranking -> [T] float, see `shades`.
        selected: Ranking -> [T] bool.
        predictions: Ranking -> the prediction from the selected frames, in words.
    """

    title: str
    valid: np.ndarray
    tiles: np.ndarray | None
    matters: np.ndarray | None
    shades: Mapping[str, np.ndarray]
    selected: Mapping[str, np.ndarray]
    predictions: Mapping[str, str]


def plot_strips(
    path: str | Path,
    evaluation: Evaluation,
    rankings: Sequence[str],
    frames: str | int,
    *,
    run: int = 0,
    rescued: int = 3,
    broken: int = 2,
    stand_ins: bool = False,
) -> bool:
    """Draw videos that the selections put right, then some that they got wrong.

    Each video is its frames, where the cache has thumbnails, with those that truly matter
    underlined, where it knows them. Below, each ranking has a row: the darker a cell, the more
    important the frame, from the video's least to its most important; kept frames have a border,
    and the prediction from them is written at the end.

    Args:
        path: The image to write; its suffix names the format (.png, .svg, .pdf).
        evaluation: The evaluation to draw.
        rankings: Rankings of its table; the first twelve are drawn.
        frames: Their row: m, "chosen" or "free".
        run: Which of their runs.
        rescued: How many videos to draw that the rankings helped.
        broken: How many that they harmed.
        stand_ins: Whether videos whose p_c rose stand in for missing rescued ones.

    Returns:
        Whether there was any video to draw.

    Raises:
        FrameSelectError: for an unknown ranking, run or row, or if the file cannot be written.
    """
    names = list(rankings)[:MOST]
    strips = _strips(evaluation, names, str(frames), run, rescued, broken, stand_ins)
    if not strips:
        return False
    styles = line_styles(list(rankings))
    tile = min(TILE, WIDEST / evaluation.settings.num_frames)
    wide = tile * evaluation.settings.num_frames
    left = CHARACTER * max(len(plain(name)) for name in names) + 0.2
    words = [text for strip in strips for text in strip.predictions.values()]
    right = CHARACTER * max(map(len, words)) + 0.2
    thumbnail = tile if strips[0].tiles is not None else 0.0
    each = TITLE + thumbnail + 0.08 + ROW * len(names) + GAP
    width = left + max(wide + right, CHARACTER * max(len(strip.title) for strip in strips))
    with picture(path, width, each * len(strips)) as canvas:
        canvas.set_layout_engine("none")
        axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0))
        bare(axes)
        for index, strip in enumerate(strips):
            top = each * (len(strips) - index)
            axes.text(left, top - TITLE / 2, plain(strip.title), va="center", fontsize=FONT)
            top -= TITLE
            _draw_thumbnails(axes, left, top, tile, strip)
            top -= thumbnail
            _underline(axes, left, top - 0.03, tile, strip)
            top -= 0.08
            for name in names:
                _draw_cells(axes, left, top, tile, strip, name, styles[name].colour)
                middle = top - ROW / 2
                axes.text(left - 0.1, middle, plain(name), ha="right", va="center", fontsize=FONT)
                text = plain(strip.predictions[name])
                axes.text(left + wide + 0.1, middle, text, va="center", fontsize=FONT)
                top -= ROW
        axes.set(xlim=(0, width), ylim=(0, each * len(strips)))
    return True


def default_frames(evaluation: Evaluation, ranking: str, run: int = 0) -> str:
    """The row to draw of one ranking: `chosen` if it dropped frames, else `free`, else the least m.

    Raises:
        FrameSelectError: for an unknown ranking or run.
    """
    order = {"chosen": -2, "free": -1}
    have = [frames for name, frames in evaluation.results if name == ranking]
    have.sort(key=lambda frames: order.get(frames) or (int(frames) if frames.isdigit() else 10**6))
    for frames in have:
        if (_run(evaluation, ranking, frames, run).selected != evaluation.valid).any():
            return frames
    return have[-1] if have else "chosen"


def telling_videos(
    whole: VideoResults,
    kept: Sequence[VideoResults],
    rescued: int,
    broken: int,
    stand_ins: bool = False,
) -> np.ndarray:
    """The videos whose error fell most, averaged over rankings, then those whose error rose most.

    Args:
        whole: Of keeping all frames, n videos.
        kept: Of every ranking.
        rescued: How many to draw that the rankings helped.
        broken: How many that they harmed.
        stand_ins: Whether videos with equal error, those whose p_c rose most first, stand in for
            missing rescued ones; if no frame was dropped, any videos.

    Returns:
        Indices among the n videos; of equals those whose p_c moved most the same way, then the
        first.
    """
    fall = np.mean([whole.error - one.error for one in kept], axis=0)
    rise = np.nan_to_num(
        np.mean([one.true_probability - whole.true_probability for one in kept], axis=0)
    )
    dropped = np.any([(one.selected != whole.selected).any(axis=1) for one in kept], axis=0)
    index = np.arange(len(fall))
    best, worst = np.lexsort((index, -rise, -fall)), np.lexsort((index, rise, fall))
    helped = [i for i in best if fall[i] > 0 or (stand_ins and fall[i] == 0 and dropped[i])]
    harmed = [i for i in worst if fall[i] < 0]
    videos = [*helped[:rescued], *harmed[:broken]]
    if stand_ins and not videos:
        videos = list(best[: max(1, rescued)])
    return np.array(videos, np.int64)


def shades(scores: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Scores [T] from a video's least, 0, to its most important frame, 1; NaN without a score."""
    known = valid & np.isfinite(scores)
    shade = np.full(len(scores), np.nan)
    if known.any():
        low, high = scores[known].min(), scores[known].max()
        shade[known] = (scores[known] - low) / (high - low) if high > low else 0.5
    return shade


def _run(evaluation: Evaluation, ranking: str, frames: str, run: int) -> VideoResults:
    results = evaluation.results.get((ranking, frames))
    if results is None:
        have = ", ".join(at for name, at in evaluation.results if name == ranking)
        raise FrameSelectError(
            f"strips: no results of {ranking!r} at frames {frames}; it has {have or 'no rows'}"
        )
    if not 0 <= run < len(results.error):
        raise FrameSelectError(f"strips: run={run}: {ranking!r} has {len(results.error)} runs")
    return results.run(run)


def _strips(
    evaluation: Evaluation,
    names: Sequence[str],
    frames: str,
    run: int,
    rescued: int,
    broken: int,
    stand_ins: bool,
) -> list[Strip]:
    whole = evaluation.results["all", "all"].run(0)
    kept = {name: _run(evaluation, name, frames, run) for name in names}
    videos = telling_videos(whole, list(kept.values()), rescued, broken, stand_ins)
    settings, rows = evaluation.settings, evaluation.rows[videos]
    read: dict[str, np.ndarray] = {
        name: settings.cache.read_frames(name, rows, settings.num_frames)
        for name in ("thumbnail", "importance")
        if name in settings.cache.frame_datasets and len(videos)
    }
    strips = []
    for index, video in enumerate(videos):
        valid, label = evaluation.valid[video], _words(evaluation, evaluation.label[video])
        before = _prediction(evaluation, video, whole)
        scores = {
            # A reference's row `chosen` may have more runs than its scores.
            name: evaluation.scores[name][min(run, len(evaluation.scores[name]) - 1), video]
            if name in evaluation.scores
            else np.full(len(valid), np.nan)
            for name in names
        }
        strips.append(
            Strip(
                f"true: {label}   |   all {whole.frames[video]} frames: {before}",
                valid,
                read["thumbnail"][index] if "thumbnail" in read else None,
                read["importance"][index] > 0 if "importance" in read else None,
                {name: shades(one, valid) for name, one in scores.items()},
                {name: one.selected[video] for name, one in kept.items()},
                {name: _prediction(evaluation, video, one) for name, one in kept.items()},
            )
        )
    return strips


def _prediction(evaluation: Evaluation, video: int, results: VideoResults) -> str:
    if evaluation.task == "regression":
        return f"error {results.error[video]:.2f}"
    name = _words(evaluation, results.predicted[video])
    return f"{name} {'✗' if results.error[video] else '✓'}"


def _words(evaluation: Evaluation, value: np.ndarray) -> str:
    """A label or a prediction, short."""
    if evaluation.task == "regression":
        return " ".join(f"{number:.2f}" for number in value)
    return class_name(evaluation, value)


def _draw_thumbnails(axes: Axes, left: float, top: float, tile: float, strip: Strip) -> None:
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


def _draw_cells(
    axes: Axes, left: float, top: float, tile: float, strip: Strip, name: str, colour: str
) -> None:
    shade, selected = strip.shades[name], strip.selected[name]
    ink, paper = np.array(to_rgb(colour)), np.ones(3)
    for t in np.flatnonzero(strip.valid):
        # Without a score all that is known is which frames were kept.
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
