"""Run folders: their networks score each video once, and everything else reads those scores.

RUN/scores-SPLIT.safetensors holds the importance scores of the trained and of the untrained network
on the videos of a split and on the run's validation videos, and the free choice of the trained one.
The top m frames for any m follow from them, and so do all tables, intervals and pictures.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agents.evaluation.evaluate import evaluate
from agents.evaluation.result import Evaluation
from agents.evaluation.scoring import free_choice, importance_scores
from agents.registry import agent_design, with_values
from agents.training.load import check_trust, load_run
from agents.training.run_folder import (
    CONFIG,
    MODEL,
    as_json,
    read_config,
    read_tensors,
    write_tensors,
)
from baselines.splits import labelled_rows, row_batches
from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.storage import remove_left_over

VERSION = "1"  # of the file, and of what is computed


class StoredRanking:
    """A network's scores [n, T], and free choice, of the videos in `rows` [n], computed before.

    Tables list the untrained network, a `control`, among the references. It has no free choice,
    which would only reflect the initial weights.
    """

    def __init__(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        self.name, self.control = name, name == "untrained"
        index = {int(row): i for i, row in enumerate(tensors["rows"])}
        scores, free = tensors[name], tensors.get("free")
        self.scores = lambda clips: scores[[index[int(row)] for row in clips.video]]
        if free is not None and not self.control:
            self.select = lambda clips: free[[index[int(row)] for row in clips.video]]


class RunScores:
    """The scores of one run's network, trained and with its first weights."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.trained = StoredRanking("trained", tensors)
        self.untrained = StoredRanking("untrained", tensors)
        self.validation = tensors["validation"]  # [v] int64, the run's validation videos


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
    agents: Mapping[str, Sequence[Path]],
    controls: Mapping[str, Sequence[Path]] | None = None,
    *,
    split: str = "test",
    frames: Sequence[int] = (4, 8, 12),
    trust_code: bool = False,
    **options: Any,
) -> Evaluation:
    """Evaluate runs that were trained on the same videos and numbers of frames.

    `agents` and `controls` are run folders by name in the table; a control stands for the untrained
    networks of its folders, and by default there is an "untrained NAME" for every agent. The other
    arguments are those of `evaluate` and `load_run`; `options` may be references, resamples, seed
    and progress.

    Raises:
        FrameSelectError: if a folder holds no finished run, the runs differ in what they were
            trained on, or m > T.
    """
    if controls is None:
        controls = {f"untrained {name}": folders for name, folders in agents.items()}
    folders = [folder for own in agents.values() for folder in own]
    task = _shared_task(folders)
    scores = {folder: run_scores(folder, cache, split, trust_code) for folder in folders}
    if frames and max(frames) > task["num_frames"]:
        raise FrameSelectError(
            f"frames={max(frames)}: the runs were trained on {task['num_frames']} frames per video"
        )
    # Controls first: they are listed with the references.
    rankings = {name: [scores[one].untrained for one in own] for name, own in controls.items()}
    rankings |= {name: [scores[one].trained for one in own] for name, own in agents.items()}
    both = [*controls.items(), *agents.items()]
    validation = {name: [scores[one].validation for one in own] for name, own in both}
    return evaluate(
        cache,
        rankings,
        **{name: task[name] for name in ("fold", "num_frames", "alpha", "stream")},
        split=split,
        train_split=task["split"],
        frames=frames,
        validation=validation,
        **options,
    )


def group_runs(folders: Sequence[Path], trust_code: bool = False) -> dict[str, list[Path]]:
    """Run folders by agent's name, or by NAME@hyper=value,... where hyper-parameters differ."""
    texts: list[tuple[str, str]] = []
    for folder in folders:
        config = read_config(folder)
        check_trust(folder, config, trust_code)
        design = agent_design(config["agent"])
        tuned, hyper = as_json(design.presets["tuned"]), config.get("hyper", {})
        changed = {name: value for name, value in hyper.items() if value != tuned.get(name)}
        texts.append((design.name, with_values(config["agent"], changed)))
    groups: dict[str, list[Path]] = {}
    for folder, (name, text) in zip(folders, texts, strict=True):
        several = len({other for same, other in texts if same == name}) > 1
        groups.setdefault(text if several else name, []).append(folder)
    return groups


def _shared_task(folders: Sequence[Path]) -> dict[str, Any]:
    first, *others = [read_config(folder).get("task", {}) for folder in folders]
    for other in others:
        for name in ("fold", "split", "stream", "num_frames", "alpha"):
            if other.get(name) != first.get(name):
                raise FrameSelectError(
                    f"the runs differ in {name}: {first.get(name)!r} and {other.get(name)!r}; "
                    "evaluate them separately"
                )
    return first


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
    for rows in parts:
        for some in row_batches(rows):
            clips = cache.read(some, task.num_frames, task.fold, task.stream)
            for name, ranking in (("trained", run.agent), ("untrained", run.untrained)):
                scores = importance_scores(ranking, clips, cache.labels[some])
                made.setdefault(name, []).append(scores)
                if name == "trained" and hasattr(ranking, "select"):
                    free = np.zeros_like(clips.valid)  # of validation videos it is not needed
                    free = free_choice(ranking, clips, scores) if rows is scored else free
                    made.setdefault("free", []).append(free)
    tensors = {name: np.concatenate(batches) for name, batches in made.items()}
    return {"rows": np.concatenate(parts), "validation": validation, **tensors}


def _facts(folder: Path, cache: FeatureCache, split: str) -> dict[str, str]:
    """What a file of scores must agree on with the run folder and the cache."""
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (CONFIG, MODEL)
    }
    facts = {"version": VERSION, "cache": cache.digest, "split": split, **digests}
    return facts
