"""Run folders: their networks score each video once, and everything else reads those scores.

RUN/scores-SPLIT.safetensors holds the importance scores of the trained and of the untrained network
on the videos of a split and on the run's validation videos, and of the trained one the free choice
and, where the agent has `predict`, the answers. The top m frames for any m follow from them, and so
do all tables, intervals and pictures.
"""

import hashlib
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.evaluation.choosing import frames_to_score
from agents.evaluation.combined import ENSEMBLE, Ensemble, Fused
from agents.evaluation.evaluate import evaluate
from agents.evaluation.policies import policies_task, policy_rankings
from agents.evaluation.result import Evaluation
from agents.evaluation.run_groups import RunFolders
from agents.evaluation.scoring import (
    PredictorRun,
    free_choice,
    importance_scores,
    video_answers,
)
from agents.evaluation.selected_pooled import select_then_pool
from agents.registry import AgentChoice
from agents.training.checkpoint import read_tensors, write_tensors
from agents.training.load import load_run
from agents.training.run_folder import CONFIG, MODEL, read_config
from agents.training.task import check_judge
from baselines import Pooled
from baselines.splits import row_batches
from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.consensus import MEAN
from frame_select_env.splits import labelled_rows
from frame_select_env.storage import remove_left_over

VERSION = "3"  # of the file, and of what is computed
# What runs that are scored together have in common.
COMPARED = ("fold", "split", "stream", "view", "num_frames", "alpha", "aggregator")


class StoredRanking:
    """A network's scores [n, T] of clips [n], and its free choice there, computed before.

    Tables list the untrained network, a `control`, among the references. It has no free choice,
    which would only reflect the initial weights.
    """

    def __init__(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        self.name, self.control = name, name == "untrained"
        places = {key: place for place, key in enumerate(_keys(tensors["video"], tensors["view"]))}
        scores, free = tensors[name], tensors.get("free")

        def place(clips: Clips) -> list[int]:
            view = np.zeros_like(clips.video) if clips.view is None else clips.view
            return [places[key] for key in _keys(clips.video, view)]

        self.scores = lambda clips: scores[place(clips)]
        if free is not None and not self.control:
            self.select = lambda clips: free[place(clips)]


def _keys(video: np.ndarray, view: np.ndarray) -> list[tuple[int, int]]:
    """What tells clips apart."""
    return list(zip(video.tolist(), view.tolist(), strict=True))


class StoredAnswers:
    """A network's answers [n, C] for videos, computed before: a predictor of whole videos.

    Of a network that sees single views, a video's answer is the mean over those it was asked about.
    """

    def __init__(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        self.name = name
        video, place = np.unique(tensors["video"], return_inverse=True)
        total = np.zeros((len(video), tensors["answer"].shape[1]))
        np.add.at(total, place, tensors["answer"])
        mean = total / np.bincount(place)[:, None]
        self.predict = lambda clips: mean[np.searchsorted(video, clips.video)]


class RunScores:
    """The scores of one run's network, trained and with its first weights."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.trained = StoredRanking("trained", tensors)
        # A policy that is not trained has none.
        self.untrained = StoredRanking("untrained", tensors) if "untrained" in tensors else None
        self.validation = tensors["validation"]  # [v] int64, the run's validation videos
        self._tensors = tensors

    def answers(self, name: str) -> StoredAnswers | None:
        """The trained network's own answers, as the row `name`; None if it gives none."""
        return StoredAnswers(name, self._tensors) if "answer" in self._tensors else None


def network_row(name: str) -> str:
    """The row of the answers of an agent's network: "dfan-network@beta=1" of "dfan@beta=1"."""
    return re.sub("^[^@,]*", r"\g<0>-network", name)


def run_scores(
    folder: Path, cache: FeatureCache, split: str = "test", trust_code: bool = False
) -> RunScores:
    """Read a run's scores; if the folder has none that fit, compute and write them."""
    remove_left_over(folder)
    found = read_scores(folder, cache, split)
    if found is not None:
        return found
    tensors = _score(folder, cache, split, trust_code)
    if os.access(folder, os.W_OK):  # runs in read-only folders are scored every time
        write_tensors(
            scores_file(folder, split),
            {name: torch.from_numpy(values) for name, values in tensors.items()},
            _facts(folder, cache, split),
        )
    return RunScores(tensors)


def read_scores(folder: Path, cache: FeatureCache, split: str = "test") -> RunScores | None:
    """Read a run's scores; None if there are none of this run, cache and split."""
    file = scores_file(folder, split)
    if not file.is_file():
        return None
    try:
        tensors, metadata = read_tensors(file, "it is written again")
        if metadata != _facts(folder, cache, split):
            return None
        return RunScores({name: values.numpy() for name, values in tensors.items()})
    except (FrameSelectError, KeyError):
        return None


def scores_file(folder: Path, split: str = "test") -> Path:
    """The file of a run's scores on a split."""
    return folder / f"scores-{split}.safetensors"


def evaluate_runs(
    cache: FeatureCache,
    agents: Mapping[str, Sequence[RunFolders]],
    controls: Mapping[str, Sequence[RunFolders]] | None = None,
    *,
    policies: Mapping[str, AgentChoice] | None = None,
    split: str = "test",
    frames: Sequence[int] | None = None,
    trust_code: bool = False,
    ensemble: bool | Collection[str] = False,
    pool: bool | Collection[str] = False,
    **options: Any,
) -> Evaluation:
    """Evaluate runs that were trained on the same videos and numbers of frames, and policies.

    `agents` and `controls` are runs by name in the table: their folders or, to fuse streams, a
    folder for each stream. A control stands for the untrained networks of its folders, and by
    default there is an "untrained NAME" for every agent. `policies` are agents that are not
    trained, by name; without runs the first one's environment says what is scored. With `ensemble`,
    the mean scores of an agent's runs are another ranking, "NAME ensemble"; with `pool`, "NAME,
    then pooled" is a linear model on the features of the kept frames (`select_then_pool`). Both are
    for all agents, or for those named. Where an agent's network answers for whole videos, its
    answers are a row, too (`network_row`); those of several streams are averaged, 1 : 1. The other
    arguments are those of `evaluate` and `load_run`; `options` may be references, view_scheme,
    resamples, seed, progress.

    Raises:
        FrameSelectError: if a folder holds no finished run, the runs differ in what they were
            trained on, or m > T.
    """
    if controls is None:
        controls = {f"untrained {name}": folders for name, folders in agents.items()}
    runs = [_folders(run) for own in (*agents.values(), *controls.values()) for run in own]
    policies = policies or {}
    if runs:
        task, streams = _shared_task(runs)
    else:
        task = policies_task(cache, policies)
        streams = (task["stream"],)
    found = {
        folder: run_scores(folder, cache, split, trust_code)
        for folder in dict.fromkeys(folder for run in runs for folder in run)
    }
    frames = frames_to_score(frames, task["num_frames"])
    if frames and max(frames) > task["num_frames"]:
        raise FrameSelectError(
            f"frames={max(frames)}: the runs were trained on {task['num_frames']} frames per video"
        )
    # Controls first: they are listed with the references.
    rankings: dict[str, list[Any]] = {}
    validation: dict[str, list[np.ndarray]] = {}
    trained_for: dict[str, int] = {}
    for kind, named in (("untrained", controls), ("trained", agents)):
        for name, own in named.items():
            scores = [[found[folder] for folder in _folders(run)] for run in own]
            parts = [tuple(getattr(one, kind) for one in run) for run in scores]
            if None in chain(*parts):
                continue
            rankings[name] = [one[0] if len(one) == 1 else Fused(name, one) for one in parts]
            validation[name] = held = [_held_out(run) for run in scores]
            if kind == "trained" and len(own) > 1 and name in among(ensemble, agents):
                label = f"{name}{ENSEMBLE}"
                members = [Ensemble(label, one, held) for one in zip(*parts, strict=True)]
                rankings[label] = [members[0] if len(members) == 1 else Fused(label, (*members,))]
            for run in own[:1]:
                config = read_config(_folders(run)[0])
                trained_for[name] = config["task"].get("target_frames", 0)
    rankings |= policy_rankings(cache, policies, task, streams)
    pooling = {name: agents[name] for name in among(pool, agents)}
    notes = []
    if pooling and (len(streams) > 1 or task.get("view") is not None):
        pooling = {}
        notes.append("no rows `then pooled`: they are for one stream without single views")
    predictors: list[list[PredictorRun]] = _network_runs(agents, found)
    if pooling:
        predictors += _pooled_runs(cache, pooling, task, frames, trust_code)
    evaluation = evaluate(
        cache,
        rankings,
        more_predictors=predictors,
        **{name: task[name] for name in ("fold", "view", "num_frames", "alpha")},
        aggregator=task.get("aggregator", MEAN),
        stream=streams,
        split=split,
        train_split=task["split"],
        frames=frames,
        validation=validation,
        target_frames=trained_for,
        **options,
    )
    return replace(evaluation, notes=(*evaluation.notes, *notes))


def among(wanted: bool | Collection[str], names: Collection[str]) -> list[str]:
    """The names that are wanted: all, none, or those listed."""
    return [name for name in names if wanted is True or (wanted and name in wanted)]


def _network_runs(
    agents: Mapping[str, Sequence[RunFolders]], found: Mapping[Path, RunScores]
) -> list[list[PredictorRun]]:
    """The networks' answers, for each agent that gives some, with one predictor for each run."""
    made: dict[str, list[PredictorRun]] = {}
    for name, own in agents.items():
        row = network_row(name)
        for run in own:
            parts = [found[folder].answers(row) for folder in _folders(run)]
            told = tuple(part for part in parts if part is not None)
            if len(told) == len(parts):
                made.setdefault(row, []).append(told)
    return list(made.values())


def _pooled_runs(
    cache: FeatureCache,
    agents: Mapping[str, Sequence[RunFolders]],
    task: Mapping[str, Any],
    frames: Sequence[int],
    trust_code: bool,
) -> list[list[PredictorRun]]:
    """The predictors that select and then pool, with one for each run."""
    made: dict[str, list[PredictorRun]] = {}
    pooled = Pooled.fit(cache, task["fold"], task["split"], task["num_frames"], task.get("stream"))
    for name, own in agents.items():
        for run in own:
            loaded = load_run(_folders(run)[0], cache, trust_code)
            for row, one in select_then_pool(cache, loaded, pooled, name, frames).items():
                made.setdefault(row, []).append((one,))
    return list(made.values())


def _folders(run: RunFolders) -> tuple[Path, ...]:
    """The folders of a run, one for each stream."""
    return run if isinstance(run, tuple) else (run,)


def _held_out(scores: Sequence[RunScores]) -> np.ndarray:
    """The validation videos of a run's networks, which must be the same on every stream."""
    first, *others = [one.validation for one in scores]
    if not all(np.array_equal(first, other) for other in others):
        raise FrameSelectError(
            "the runs of two streams held out different validation videos; train them with the "
            "same seed, fold and split"
        )
    return first


def _shared_task(runs: Sequence[tuple[Path, ...]]) -> tuple[dict[str, Any], tuple[str | None, ...]]:
    """What the runs were trained on, and their streams."""
    configs = [[read_config(folder) for folder in run] for run in runs]
    for folder, config in zip(chain(*runs), chain(*configs), strict=True):
        check_judge(folder, config)
    tasks = [[config["task"] for config in run] for run in configs]
    first = tasks[0]
    for own in tasks:
        for place, other in enumerate(own):
            # A run on several streams differs in the stream alone.
            same = {**first[0], "stream": first[min(place, len(first) - 1)].get("stream")}
            for name in COMPARED:
                if other.get(name) != same.get(name):
                    raise FrameSelectError(
                        f"the runs differ in {name}: {same.get(name)!r} and {other.get(name)!r}; "
                        "evaluate them separately"
                        + (", or together with --fuse" if name == "stream" else "")
                    )
    return first[0], tuple(one.get("stream") for one in first)


def _score(
    folder: Path, cache: FeatureCache, split: str, trust_code: bool
) -> dict[str, np.ndarray]:
    """The tensors of the file."""
    run = load_run(folder, cache, trust_code)
    task = run.task
    scored, validation = labelled_rows(cache, split, task.fold), task.validation_rows
    # Nothing is chosen on validation videos of the scored split.
    parts = [scored] if np.isin(validation, scored).any() else [validation, scored]
    made: dict[str, list[np.ndarray]] = {}
    where: dict[str, list[np.ndarray]] = {"video": [], "view": []}
    for rows in parts:
        for some in row_batches(rows):
            video, view = cache.clips_of(some, task.stream, task.view)
            clips = cache.read(video, task.num_frames, task.fold, task.stream, view)
            where["video"].append(video)
            where["view"].append(np.zeros_like(video) if view is None else view)
            for name, ranking in (("trained", run.agent), ("untrained", run.untrained)):
                if ranking is None:
                    continue
                scores = importance_scores(ranking, clips, cache.labels[video])
                made.setdefault(name, []).append(scores)
                if name == "trained" and hasattr(ranking, "select"):
                    free = np.zeros_like(clips.valid)  # of validation videos it is not needed
                    free = free_choice(ranking, clips, scores) if rows is scored else free
                    made.setdefault("free", []).append(free)
                if name == "trained" and hasattr(ranking, "predict"):
                    made.setdefault("answer", []).append(video_answers(ranking, clips))
    tensors = {name: np.concatenate(batches) for name, batches in (where | made).items()}
    return {"validation": validation, **tensors}


def _facts(folder: Path, cache: FeatureCache, split: str) -> dict[str, str]:
    """What a file of scores must agree on with the run folder and the cache."""
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (CONFIG, MODEL)
    }
    facts = {"version": VERSION, "cache": cache.digest, "split": split, **digests}
    return facts
