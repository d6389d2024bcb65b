"""A cache whose predictions are those of trained networks, so that agents select frames for them.

A network predicts frames in `predict_frames`, an optional method of an agent. A video of L frames
is given to it in S = ceil(L / T) parts, each of every S-th frame: every frame is in one part, and
every part spans the video with at most T frames, like the videos that the network was trained on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from agents.registry import parse_agent
from agents.training.load import LoadedRun
from agents.training.task import Task
from agents.training.trainer import train
from data.sources.importing import check_out
from frame_select_env import Clips, FeatureCache, FrameSelectError, write_cache
from frame_select_env.cache.schema import DEFAULT_FOLD
from frame_select_env.splits import divide_videos, labelled_rows
from frame_select_env.validation import holdout

Crossfit = Literal["none", "video", "group"]
PARTS = 5  # of the training videos, each predicted by a network that was trained on the others


class FramePredictor(Protocol):
    """An agent whose network predicts every frame of a video."""

    name: str

    def predict_frames(self, clips: Clips) -> np.ndarray:
        """Probabilities of the classes (regression: values), [B, T, C]; padding does not count."""
        ...


@dataclass(frozen=True)
class FoldNetworks:
    """The networks that predict the videos of a fold.

    Attributes:
        text: The agent, as `parse_agent` reads it.
        task: What they were trained for.
        final: The run's network, which predicts all videos but those of `others`.
        others: Row in the cache -> the network, trained without that video, that predicts it.
        crossfit: How training videos are predicted: "none" by a network that was trained on them.
    """

    text: str
    task: Task
    final: FramePredictor
    others: Mapping[int, FramePredictor]
    crossfit: Crossfit


def fold_networks(
    cache: FeatureCache,
    run: LoadedRun,
    crossfit: Crossfit = "none",
    on_part: Callable[[], None] = lambda: None,
) -> FoldNetworks:
    """The networks of a run, and with `crossfit` one for each of five parts of its training videos.

    Those are trained with the run's hyper-parameters and seed on the other parts: on whole groups
    for "group". `on_part` is called when one is.

    Raises:
        FrameSelectError: if the agent has no `predict_frames`, or the cache no groups.
    """
    final = _predictor(run.agent)
    others: dict[int, FramePredictor] = {}
    if crossfit != "none":
        task, choice = run.task, parse_agent(run.text)
        rows = labelled_rows(cache, task.split, task.fold)
        group = cache.groups[rows] if crossfit == "group" and cache.groups is not None else None
        if crossfit == "group" and (group is None or len(np.unique(group)) < 2):
            raise FrameSelectError(
                f"--crossfit group: the training videos of {cache.path.name} are not of several "
                "groups; use --crossfit video"
            )
        for outside, inside in divide_videos(cache.labels[rows], group, PARTS, task.seed):
            fit, held = holdout(
                *(cache, task.fold, task.split, task.seed, choice.config.holdout),
                among=rows[outside],
            )
            part = replace(task, fit_rows=fit, validation_rows=held)
            agent = _predictor(train(choice.design, cache, part, choice.config).agent)
            others |= dict.fromkeys(rows[inside].tolist(), agent)
            on_part()
    return FoldNetworks(run.text, run.task, final, others, crossfit)


def _predictor(agent: Any) -> FramePredictor:
    if not callable(getattr(agent, "predict_frames", None)):
        raise FrameSelectError(
            f"agent {agent.name!r} does not predict frames (it has no predict_frames); use a run "
            "of dfan"
        )
    found: FramePredictor = agent
    return found


def write_predicted(
    out: Path, cache: FeatureCache, networks: Sequence[FoldNetworks], progress: Any = iter
) -> Path:
    """Write the cache with the networks' predictions, in all streams alike, one video in memory.

    The predictions of a fold are those of the networks trained on it; a fold without networks keeps
    what it has. `progress` wraps the rows.

    Raises:
        FrameSelectError: if `out` is the cache, two networks are of one fold, or an answer is
            wrong.
    """
    by_fold = {one.task.fold: one for one in networks}
    if len(by_fold) < len(networks):
        raise FrameSelectError(
            "two runs were trained on the same fold; name one for each of the cache's folds"
        )
    check_out(out, read=cache.path)
    axes = {stream: cache.features_extent(stream).axes for stream in cache.streams}
    crossfits = {one.crossfit for one in networks}
    provenance = {
        "source": cache.path.name,
        "crossfit": crossfits.pop() if len(crossfits) == 1 else "none",
        "predictions": {fold: one.text for fold, one in by_fold.items()},
        "kept folds": [fold for fold in cache.folds if fold not in by_fold],
        "version": version("frame-select-env"),
        **({"f_score": cache.f_score} if cache.has_summaries else {}),
    }
    kind = "classes" if cache.task == "classification" else "targets"
    names: dict[str, Any] = {kind: list(cache.classes)}
    return write_cache(
        out,
        (_video(cache, row, by_fold) for row in progress(range(len(cache)))),
        axes={stream: axis for stream, axis in axes.items() if axis},
        provenance=provenance,
        **names,
    )


def _video(cache: FeatureCache, row: int, by_fold: Mapping[str, FoldNetworks]) -> dict[str, Any]:
    """A video in the form that `write_cache` takes."""
    frames = slice(cache.start[row], cache.start[row + 1])
    label = cache.labels[row]
    folds = {fold: _predictions(cache, row, fold, frames, by_fold) for fold in cache.folds}
    video = {
        "id": str(cache.ids[row]),
        "label": label if label.ndim else int(label),
        "split": str(cache.splits()[row]),
        "features": {stream: cache.features(stream)[frames] for stream in cache.streams},
        "predictions": folds.pop(DEFAULT_FOLD),
    }
    if folds:
        video["folds"] = {
            fold: {"split": str(cache.splits(fold)[row]), "predictions": predictions}
            for fold, predictions in folds.items()
        }
    if cache.groups is not None:
        video["group"] = str(cache.groups[row])
    length = int(cache.lengths[row])
    for dataset in cache.frame_datasets:
        video[dataset] = cache.read_frames(dataset, np.array([row]), length)[0]
    if cache.has_summaries:
        video["summaries"] = cache.summaries(row)
    return video


def _predictions(
    cache: FeatureCache,
    row: int,
    fold: str,
    frames: slice,
    by_fold: Mapping[str, FoldNetworks],
) -> dict[str, np.ndarray]:
    """The predictions of a video's L frames in a fold, by stream, [L, C] or [L, V, C] if kept."""
    if fold not in by_fold:
        return {stream: cache.predictions(stream, fold)[frames] for stream in cache.streams}
    own = by_fold[fold]
    agent = own.others.get(row, own.final)
    return dict.fromkeys(cache.streams, predict_video(cache, row, agent, own.task))


def predict_video(cache: FeatureCache, row: int, agent: FramePredictor, task: Task) -> np.ndarray:
    """The predictions of all L frames of a video, [L, C] float32, averaged over the task's views.

    Raises:
        FrameSelectError: for an answer of another shape.
    """
    length = int(cache.lengths[row])
    video, view = cache.clips_of(np.array([row]), task.stream, task.view)
    clips = cache.read(video, length, task.fold, task.stream, view)
    index = interleaved(length, task.num_frames)  # [S, n]
    valid = index < length
    place = np.minimum(index, length - 1)
    repeat = np.repeat(np.arange(len(clips)), len(index))
    places = np.tile(place, (len(clips), 1))
    there = np.tile(valid, (len(clips), 1))
    parts = Clips(
        _taken(clips.features, repeat, places, there),
        _taken(clips.predictions, repeat, places, there),
        there,
        _taken(clips.time, repeat, places, there),
        np.repeat(clips.video, len(index)),
        None if clips.view is None else np.repeat(clips.view, len(index)),
    )
    answers = np.asarray(agent.predict_frames(parts), np.float64)
    expected = (*there.shape, len(cache.classes))
    if answers.shape != expected:
        raise FrameSelectError(
            f"agent {agent.name!r}: predict_frames gave the shape {answers.shape}; "
            f"expected {expected}"
        )
    mean = answers.reshape(len(clips), *valid.shape, -1).mean(axis=0)
    told = np.zeros((length, mean.shape[2]), np.float32)
    told[index[valid]] = mean[valid]
    return told


def _taken(
    values: np.ndarray, clip: np.ndarray, places: np.ndarray, there: np.ndarray
) -> np.ndarray:
    """Values [B, L, ...] of some places of clips [n], [n, T, ...]; zeros where there is none."""
    taken = values[clip[:, None], places]
    taken[~there] = 0
    return taken


def interleaved(length: int, num_frames: int) -> np.ndarray:
    """The frames of each part of a video, [S, n] int: part r has r, r + S, ... for S parts.

    n is at most `num_frames`. Numbers of at least `length` are padding.
    """
    parts = -(-length // num_frames)
    return np.arange(parts)[:, None] + parts * np.arange(-(-length // parts))
