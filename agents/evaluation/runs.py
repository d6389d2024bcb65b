"""Run folders: their networks score each video once, and everything else reads those scores.

RUN/scores-SPLIT.safetensors holds the importance scores of the trained and of the untrained network
on the videos of a split and on the run's validation videos, and the free choice of the trained one.
The top m frames for any m follow from them, and so do all tables, intervals and pictures.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from agents.evaluation.evaluate import evaluate
from agents.evaluation.evaluation import Evaluation
from agents.evaluation.files import whole_file
from agents.evaluation.scoring import free_choice, importance_scores
from agents.registry import agent_design, with_values
from agents.training.load import load_run
from agents.training.run_folder import CONFIG, MODEL, as_json, read_config
from baselines.splits import labelled_rows, row_batches
from frame_select_env import Clips, FeatureCache, FrameSelectError, Ranking

VERSION = "1"  # of the file, and of what is computed


class StoredRanking:
    """A ranking whose scores were computed before.

    Args:
        name: Its name.
        rows: [n] int, the videos' rows in the cache.
        scores: [n, T] float.
        free: [n, T] bool, its free choice; None if it has none.
        control: Whether tables list it among the references.
    """

    def __init__(
        self,
        name: str,
        rows: np.ndarray,
        scores: np.ndarray,
        free: np.ndarray | None = None,
        control: bool = False,
    ) -> None:
        self.name, self.control = name, control
        self._index = {int(row): index for index, row in enumerate(rows)}
        self._scores, self._free = scores, free
        if free is not None:
            self.select = self._select

    def scores(self, clips: Clips) -> np.ndarray:
        """The stored scores, [B, T]."""
        return self._scores[self._find(clips)]

    def _select(self, clips: Clips) -> np.ndarray:
        assert self._free is not None
        return self._free[self._find(clips)]

    def _find(self, clips: Clips) -> list[int]:
        return [self._index[int(row)] for row in clips.video]


@dataclass(frozen=True)
class RunScores:
    """The scores of one run.

    Attributes:
        trained: The trained agent.
        untrained: The same network with its first weights; it has scores but no free choice, which
            would only reflect the initial weights.
        validation: [v] int64, the run's validation videos, rows in the cache.
    """

    trained: Ranking
    untrained: Ranking
    validation: np.ndarray


def run_scores(folder: Path, cache: FeatureCache, split: str = "test") -> RunScores:
    """Read a run's scores; if the folder has none that fit, compute and write them.

    Raises:
        FrameSelectError: if the folder holds no finished run, or one that does not fit the cache.
    """
    found = read_scores(folder, cache, split)
    if found is not None:
        return found
    tensors = _score(folder, cache, split)
    if os.access(folder, os.W_OK):  # runs in read-only folders are scored every time
        with whole_file(scores_file(folder, split)) as part:
            save_file(tensors, part, _facts(folder, cache, split))
    return _as_rankings(tensors)


def read_scores(folder: Path, cache: FeatureCache, split: str = "test") -> RunScores | None:
    """Read a run's scores; None if there are none of this run, cache and split."""
    file = scores_file(folder, split)
    if not file.is_file():
        return None
    try:
        with safe_open(file, "np") as opened:
            if opened.metadata() != _facts(folder, cache, split):
                return None
            return _as_rankings({name: opened.get_tensor(name) for name in opened.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError):
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
    references: bool | Sequence[str] = True,
    resamples: int = 2000,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Evaluate runs that were trained on the same videos and numbers of frames.

    Args:
        cache: The cache.
        agents: Name in the table -> run folders.
        controls: Name in the table -> run folders whose untrained networks it stands for; None:
            "untrained NAME" for every agent.
        split: The split to score.
        frames: The numbers of frames m to score at.
        references: As in `evaluate`.
        resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap and of the random ranking.
        progress: Show progress bars on standard error.

    Raises:
        FrameSelectError: if a folder holds no finished run, the runs differ in what they were
            trained on, or m > T.
    """
    if controls is None:
        controls = {f"untrained {name}": folders for name, folders in agents.items()}
    folders = [folder for own in agents.values() for folder in own]
    task = _shared_task(folders)
    scores = {folder: run_scores(folder, cache, split) for folder in folders}
    if frames and max(frames) > task["num_frames"]:
        raise FrameSelectError(
            f"frames={max(frames)}: the runs were trained on {task['num_frames']} frames per video"
        )
    # Controls first: they are listed with the references.
    rankings = {name: [scores[one].untrained for one in own] for name, own in controls.items()}
    rankings |= {name: [scores[one].trained for one in own] for name, own in agents.items()}
    validation = {
        name: [scores[folder].validation for folder in own]
        for name, own in [*controls.items(), *agents.items()]
    }
    return evaluate(
        cache,
        rankings,
        fold=task["fold"],
        split=split,
        train_split=task["split"],
        num_frames=task["num_frames"],
        frames=frames,
        alpha=task["alpha"],
        stream=task["stream"],
        validation=validation,
        references=references,
        resamples=resamples,
        seed=seed,
        progress=progress,
    )


def group_runs(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Run folders by agent's name, or by NAME@hyper=value,... where hyper-parameters differ.

    Raises:
        FrameSelectError: if a folder holds no finished run of this version.
    """
    texts: dict[Path, tuple[str, str]] = {}
    for folder in folders:
        config = read_config(folder)
        design = agent_design(config["agent"])
        tuned = as_json(design.presets["tuned"])
        hyper = config["hyper"]
        changed = {name: hyper[name] for name in tuned if hyper.get(name) != tuned[name]}
        texts[folder] = design.name, with_values(config["agent"], changed)
    variants: dict[str, set[str]] = {}
    for name, text in texts.values():
        variants.setdefault(name, set()).add(text)
    groups: dict[str, list[Path]] = {}
    for folder in folders:
        name, text = texts[folder]
        groups.setdefault(name if len(variants[name]) == 1 else text, []).append(folder)
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


def _score(folder: Path, cache: FeatureCache, split: str) -> dict[str, np.ndarray]:
    """The tensors of the file; validation videos of the scored split are not scored twice."""
    run = load_run(folder, cache)
    task = run.task
    rows, validation = labelled_rows(cache, split, task.fold), task.validation_rows
    tensors = {"rows": rows, "validation": validation}
    parts = {"": rows}
    if not np.isin(validation, rows).any():
        parts["validation."] = validation
    for prefix, videos in parts.items():
        made: dict[str, list[np.ndarray]] = {}
        for some in row_batches(videos):
            clips, label = (
                cache.read(some, task.num_frames, task.fold, task.stream),
                cache.labels[some],
            )
            for name, ranking in (("trained", run.agent), ("untrained", run.untrained)):
                scores = importance_scores(ranking, clips, label)
                made.setdefault(name, []).append(scores)
                if name == "trained" and not prefix and hasattr(ranking, "select"):
                    made.setdefault("free", []).append(free_choice(ranking, clips, scores))
        tensors |= {prefix + name: np.concatenate(batches) for name, batches in made.items()}
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _as_rankings(tensors: Mapping[str, np.ndarray]) -> RunScores:
    rows, validation, free = tensors["rows"], tensors["validation"], tensors.get("free")
    stored = dict(tensors)
    if "validation.trained" in tensors:
        rows = np.concatenate([validation, rows])
        for name in ("trained", "untrained"):
            stored[name] = np.concatenate([tensors[f"validation.{name}"], tensors[name]])
        if free is not None:
            free = np.concatenate([np.zeros((len(validation), free.shape[1]), bool), free])
    return RunScores(
        StoredRanking("trained", rows, stored["trained"], free),
        StoredRanking("untrained", rows, stored["untrained"], control=True),
        validation,
    )


def _facts(folder: Path, cache: FeatureCache, split: str) -> dict[str, str]:
    """What a file of scores must agree on with the run folder and the cache."""
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (CONFIG, MODEL)
    }
    facts = {"version": VERSION, "cache": cache.digest, "split": split, **digests}
    return {"facts": json.dumps(facts)}  # one entry, since safetensors keeps no order of them
