"""The picture of a few videos as strips of frames, with those that the agent kept marked."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from agents.evaluation.evaluation import Evaluation
from agents.evaluation.predictions import class_name
from agents.evaluation.style import AGENT_COLOURS, PALE, bare, picture
from agents.evaluation.verdicts import Verdict
from frame_select_env.errors import FrameSelectError

KEPT, MATTERS = AGENT_COLOURS[0], AGENT_COLOURS[1]
FADED = 0.28  # opacity of a frame that was not kept
TILE = 0.42  # inches
BARS = 0.85  # height of the scores' bars, in tiles


def plot_strips(
    path: str | Path,
    evaluation: Evaluation,
    ranking: str,
    *,
    run: int = 0,
    frames: str | int | None = None,
    rescued: int = 3,
    broken: int = 1,
) -> None:
    """Draw videos that the selection put right, and one that it got wrong.

    Each video is a row of its T frames: kept ones framed, others faded, those that truly matter
    underlined (where the cache knows them), and below them the importance scores, each video's
    own minimum to maximum.

    Args:
        path: The image to write; its suffix names the format (.png, .svg, .pdf).
        evaluation: What to draw, of a cache with thumbnails.
        ranking: Whose selection.
        run: Which of its runs.
        frames: Its row: m, "chosen" or "free". None: `chosen` if that run dropped frames, else
            `free`, else the smallest m.
        rescued: How many videos of the largest fall of the error, and rise of p_c, to show.
        broken: How many of the largest rise of the error.

    Raises:
        FrameSelectError: if the cache has no thumbnails, there is no such ranking, run or row, or
            the file cannot be written.
    """
    cache = evaluation.setting.cache
    if "thumbnail" not in cache.frame_datasets:
        raise FrameSelectError(f"{cache.path}: has no frames/thumbnail; strips cannot be drawn")
    kept = _verdict(evaluation, ranking, run, frames)
    whole = evaluation.verdicts["all", "all"].run(0)
    videos = telling_videos(whole, kept, rescued, broken)
    scores = evaluation.scores.get(ranking)
    importance = None
    rows = evaluation.rows[videos]
    if "importance" in cache.frame_datasets:
        importance = cache.read_frames("importance", rows, evaluation.setting.num_frames)
    tiles = cache.read_frames("thumbnail", rows, evaluation.setting.num_frames)

    width = TILE * evaluation.setting.num_frames + 0.3
    each = TILE * (1 + (BARS if scores is not None else 0)) + 0.36
    with picture(path, max(width, 6.0), each * len(videos) + 0.35) as canvas:
        panels = canvas.subplots(len(videos), 1, squeeze=False)[:, 0]
        for place, (video, axes) in enumerate(zip(videos, panels, strict=True)):
            _strip(
                axes,
                tiles[place],
                evaluation.valid[video],
                kept.selected[video],
                None if importance is None else importance[place] > 0,
                None if scores is None else scores[min(run, len(scores) - 1), video],
            )
            axes.set_title(_title(evaluation, int(video), whole, kept), fontsize=11)
        _key(canvas, importance is not None, scores is not None)


def telling_videos(whole: Verdict, kept: Verdict, rescued: int, broken: int) -> np.ndarray:
    """The videos to show: the most rescued, then the most broken; the same on every call.

    Where too few were rescued, those whose p_c rose most stand in for them.

    Args:
        whole: Of keeping all frames, n videos.
        kept: Of the selection.
        rescued: How many to show that the selection helped.
        broken: How many that it harmed.

    Returns:
        Places among the n videos.
    """
    fall = whole.error - kept.error
    rise = np.nan_to_num(kept.true_probability - whole.true_probability)
    order = np.lexsort((np.arange(len(fall)), -rise, -fall))
    dropped = (kept.selected != whole.selected).any(axis=1)[order]
    helped = order[(fall[order] >= 0) & dropped][:rescued]
    harmed = order[::-1][(fall[order[::-1]] < 0)][:broken]
    videos = np.concatenate([helped, harmed])
    return videos if len(videos) else order[: max(1, rescued)]


def _verdict(evaluation: Evaluation, ranking: str, run: int, frames: str | int | None) -> Verdict:
    """One run of a ranking at the wanted frames, or at the first that dropped some."""
    have = [at for name, at in evaluation.verdicts if name == ranking]
    if not have or (frames is not None and str(frames) not in have):
        listed = ", ".join(have) or "no rows at all"
        raise FrameSelectError(
            f"strips: {ranking!r} at frames {frames} is unknown; it has {listed}"
        )
    whole = evaluation.verdicts["all", "all"].run(0)
    wanted = have if frames is None else [str(frames)]
    for at in sorted(wanted, key=_preference):
        verdict = evaluation.verdicts[ranking, at]
        if not 0 <= run < len(verdict.error):
            raise FrameSelectError(f"strips: run is {run}; {ranking!r} has {len(verdict.error)}")
        one = verdict.run(run)
        if (one.selected != whole.selected).any():
            break
    return one


def _preference(frames: str) -> int:
    return {"chosen": -2, "free": -1}.get(frames) or (int(frames) if frames.isdigit() else 10**6)


def _strip(
    axes: Axes,
    tiles: np.ndarray,
    valid: np.ndarray,
    selected: np.ndarray,
    matters: np.ndarray | None,
    scores: np.ndarray | None,
) -> None:
    """Draw one video: tile t spans [t, t + 1] and [0, 1]; underline and bars hang below."""
    bare(axes)
    for t in np.flatnonzero(valid):
        axes.imshow(
            tiles[t],
            cmap="gray",
            vmin=0,
            vmax=255,
            extent=(t + 0.04, t + 0.96, 0.04, 0.96),
            alpha=1.0 if selected[t] else FADED,
            interpolation="nearest",
        )
        if selected[t]:
            axes.add_patch(
                Rectangle((t + 0.04, 0.04), 0.92, 0.92, fill=False, ec=KEPT, lw=2.2, zorder=3)
            )
        if matters is not None and matters[t]:
            axes.plot([t + 0.06, t + 0.94], [-0.09, -0.09], color=MATTERS, lw=2.6, clip_on=False)
    if scores is not None:
        shown = np.where(valid, scores, np.nan)
        low, high = np.nanmin(shown), np.nanmax(shown)
        height = (shown - low) / (high - low) if high > low else np.full(len(shown), 0.5)
        places = np.flatnonzero(valid)
        axes.bar(
            places + 0.5,
            # A bar of no height would read as a missing score.
            0.05 + (BARS - 0.3) * height[places],
            bottom=-BARS,
            width=0.7,
            color=np.where(selected[places], KEPT, PALE),
        )
    axes.set(xlim=(0, len(valid)), ylim=(-BARS - 0.03 if scores is not None else -0.2, 1.0))
    axes.set_aspect("equal")


def _title(evaluation: Evaluation, video: int, whole: Verdict, kept: Verdict) -> str:
    label = class_name(evaluation, evaluation.label[video])
    before = f"all {whole.frames[video]} frames: {_prediction(evaluation, video, whole)}"
    after = f"{kept.frames[video]} kept: {_prediction(evaluation, video, kept)}"
    return f"true: {label}    |    {before}    →    {after}"


def _prediction(evaluation: Evaluation, video: int, verdict: Verdict) -> str:
    name = class_name(evaluation, verdict.predicted[video])
    if np.isnan(verdict.true_probability[video]):
        return f"{name} (error {verdict.error[video]:.2f})"
    mark = "✗" if verdict.error[video] else "✓"
    return f"{name} {mark}"


def _key(canvas: Figure, matters: bool, scores: bool) -> None:
    """Say what border, underline and bars mean, in one line above the strips."""
    handles: list[Patch | Line2D] = [Patch(fc="none", ec=KEPT, lw=2.2, label="frame kept")]
    if matters:
        handles.append(Line2D([], [], color=MATTERS, lw=2.6, label="frame that truly matters"))
    if scores:
        handles.append(Patch(color=PALE, label="importance score"))
    canvas.legend(
        handles=handles,
        loc="outside upper left",
        ncols=len(handles),
        frameon=False,
        fontsize=10,
        handlelength=1.4,
        borderpad=0,
        borderaxespad=0.5,
    )
