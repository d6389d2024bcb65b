"""The picture of a few videos as strips of frames, with the frames that every agent kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from agents.evaluation import Evaluation, VideoResults
from agents.evaluation.files import class_name
from agents.pictures.style import COLOURS, INK, PALE, QUIET, line_styles, picture, plain
from frame_select_env.errors import FrameSelectError
from frame_select_env.key_frames import key_frames

MATTERS = COLOURS[1]
MOST = 12  # agents in a picture
# All in inches, as is the picture's one pair of axes.
WIDEST, TILE = 8.5, 0.42  # all frames of a video, and one frame at most
ROW, TITLE, GAP = 0.2, 0.3, 0.14  # heights: an agent's row, a video's title, between videos
CHARACTER = 0.088  # width, of text of ten points
FONT = 10


def plot_strips(
    path: str | Path,
    evaluation: Evaluation,
    rankings: Sequence[str],
    frames: str | int,
    *,
    run: int = 0,
    rescued: int = 3,
    broken: int = 2,
    fill: bool = False,
) -> bool:
    """Draw videos that the selections put right, then some that they got wrong.

    Each video is its name, its times and its frames, where the cache has thumbnails, with those
    that truly matter underlined, where it knows them. Below, each ranking has a row: the darker a
    cell, the more important the frame, from the video's least to its most important; kept frames
    have a border, and the prediction from them is written at the end.

    The first twelve `rankings` are drawn, at the row `frames`: m, "chosen" or "free". The suffix of
    `path` names the format (.png, .svg, .pdf); `telling_videos` explains `rescued`, `broken` and
    `fill`. Returns whether there was any video to draw.
    """
    names = list(rankings)[:MOST]
    whole = evaluation.results["all", "all"].run(0)
    kept = {name: _run(evaluation, name, str(frames), run) for name in names}
    videos = telling_videos(whole, list(kept.values()), rescued, broken, fill)
    if not len(videos):
        return False
    settings, rows, styles = evaluation.settings, evaluation.rows[videos], line_styles(rankings)
    known = {
        dataset: settings.cache.read_frames(dataset, rows, settings.num_frames)
        for dataset in ("thumbnail", "importance", "time")
        if dataset in settings.cache.frame_datasets
    }
    tiles, key_of = known.get("thumbnail"), None
    if "importance" in known:
        key_of = key_frames(known["importance"], evaluation.valid[videos])
    titles = [
        f"{_place(settings.cache.ids[rows[index]], known.get('time'), index)}   |   "
        f"true: {_words(evaluation, evaluation.label[video])}   |   "
        f"all {whole.frames[video]:.0f} frames: {_prediction(evaluation, video, whole)}"
        for index, video in enumerate(videos)
    ]
    texts = {name: [_prediction(evaluation, v, one) for v in videos] for name, one in kept.items()}
    tile = min(TILE, WIDEST / settings.num_frames)
    left = CHARACTER * max(len(plain(name)) for name in names) + 0.2
    edges = left + tile * np.arange(settings.num_frames + 1)
    end = edges[-1] + 0.1
    right = CHARACTER * max(len(text) for own in texts.values() for text in own) + 0.1
    each = TITLE + (0.0 if tiles is None else tile) + 0.08 + ROW * len(names) + GAP
    key = "darker: more important    border: kept"
    key += "    underlined: truly matters" if key_of is not None else ""
    width = max(end + right, left + CHARACTER * max(map(len, [*titles, key])))
    height = each * len(videos) + TITLE
    with picture(path, width, height) as canvas:
        canvas.set_layout_engine("none")
        axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.axis("off")
        for index, video in enumerate(videos):
            top, valid = height - each * index, evaluation.valid[video]
            axes.text(left, top - TITLE / 2, plain(titles[index]), va="center", fontsize=FONT)
            top -= TITLE
            if tiles is not None:
                for t in np.flatnonzero(valid):
                    box = (edges[t] + 0.01, edges[t] + tile - 0.01, top - tile + 0.01, top - 0.01)
                    axes.imshow(
                        tiles[index, t], cmap="gray", vmin=0, vmax=255, extent=box, aspect="auto"
                    )
                top -= tile
            if key_of is not None:
                for t in np.flatnonzero(key_of[index]):
                    ends = [edges[t] + 0.01, edges[t + 1] - 0.01], [top - 0.03, top - 0.03]
                    axes.plot(*ends, color=MATTERS, lw=2.6, solid_capstyle="butt")
            top -= 0.08
            for name in names:
                shade = np.full(len(valid), np.nan)
                if name in evaluation.scores:
                    # A reference's row `chosen` may have more runs than its scores.
                    own = evaluation.scores[name]
                    shade = shades(own[min(run, len(own) - 1), video].mean(axis=0), valid)
                selected = kept[name].kept[video]
                colour = styles[name].color
                for t in np.flatnonzero(valid):
                    corner = edges[t] + 0.015, top - ROW + 0.02
                    axes.add_patch(_cell(corner, tile - 0.03, shade[t], selected[t], colour))
                middle = top - ROW / 2
                axes.text(left - 0.1, middle, plain(name), ha="right", va="center", fontsize=FONT)
                axes.text(end, middle, plain(texts[name][index]), va="center", fontsize=FONT)
                top -= ROW
        axes.text(left, TITLE / 2, key, va="center", fontsize=FONT, color=QUIET)
        axes.set(xlim=(0, width), ylim=(0, height))
    return True


def default_frames(evaluation: Evaluation, ranking: str, run: int = 0) -> str:
    """The row to draw: `chosen` if it dropped frames, else `free` if it did, else the least m."""
    have = evaluation.frames(ranking)
    for frames in have:
        if (_run(evaluation, ranking, frames, run).selected != evaluation.valid[:, None]).any():
            return frames
    return have[-1] if have else "chosen"


def telling_videos(
    whole: VideoResults, kept: Sequence[VideoResults], rescued: int, broken: int, fill: bool = False
) -> np.ndarray:
    """The `rescued` videos whose error fell most, then the `broken` ones whose error rose most.

    Errors are averaged over rankings; `whole` keeps all frames. Of equals those whose p_c moved
    most the same way come first. With `fill`, videos with equal error, those whose p_c rose most
    first, fill up missing rescued ones; if no frame was dropped, any videos.
    """
    fall = np.mean([whole.error - one.error for one in kept], axis=0)
    rise = np.nan_to_num(
        np.mean([one.true_probability - whole.true_probability for one in kept], axis=0)
    )
    dropped = np.any([(one.selected != whole.selected).any(axis=(1, 2)) for one in kept], axis=0)
    index = np.arange(len(fall))
    best, worst = np.lexsort((index, -rise, -fall)), np.lexsort((index, rise, fall))
    helped = [i for i in best if fall[i] > 0 or (fill and fall[i] == 0 and dropped[i])]
    harmed = [i for i in worst if fall[i] < 0]
    videos = [*helped[:rescued], *harmed[:broken]]
    if fill and not videos:
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
        have = ", ".join(evaluation.frames(ranking)) or "no rows"
        raise FrameSelectError(
            f"strips: no results of {ranking!r} at frames {frames}; it has {have}"
        )
    if not 0 <= run < len(results.error):
        raise FrameSelectError(f"strips: run={run}: {ranking!r} has {len(results.error)} runs")
    return results.run(run)


def _place(name: str, time: np.ndarray | None, index: int) -> str:
    """A video's name and, where they are known, the times of its first and last frame."""
    return name if time is None else f"{name}, {time[index, 0]:.1f} to {time[index].max():.1f} s"


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


def _cell(
    corner: tuple[float, float], width: float, shade: float, selected: bool, colour: str
) -> Rectangle:
    ink, paper = np.array(to_rgb(colour)), np.ones(3)
    # Without a score all that is known is which frames were kept.
    weight = (0.5 if selected else 0.0) if np.isnan(shade) else shade
    return Rectangle(
        corner,
        width,
        ROW - 0.04,
        facecolor=paper + (ink - paper) * weight,
        edgecolor=INK if selected else PALE,
        linewidth=1.6 if selected else 0.6,
        zorder=3 if selected else 2,
    )
