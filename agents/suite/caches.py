"""The caches and judges of the suite's tasks: made on demand, and the videos checked by digest."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from agents.suite.tasks import CORPORA, SuiteTask
from baselines.judge import train_judge
from data.sources.importing import import_source
from data.synthetic.cues import Recipe, cues_source
from data.synthetic.needle import NeedleRecipe, write_needle
from frame_select_env import FeatureCache, FrameSelectError, open_cache
from frame_select_env.consensus import MEAN
from frame_select_env.judge import write_judge
from frame_select_env.storage import writing

BUNDLED, BUNDLED_JUDGE = "cues", "cues-judge"  # what seed 0 of the corpus "cues" makes


@dataclass(frozen=True)
class Materials:
    """What the runs of a task read."""

    data: str  # the cache: a bundled name or a path
    aggregator: str  # the mean, or the judge's bundled name or path


def make_materials(task: SuiteTask, folder: Path, seed: int = 0) -> Materials:
    """Make a task's cache and judge in a folder, unless they are there or bundled.

    Args:
        task: The task.
        folder: Where caches and judges are kept; created if need be.
        seed: Seed of the videos. Those of seed 0 are the suite's.

    Raises:
        FrameSelectError: if a cache holds other videos than the recipe makes.
    """
    bundled = (task.corpus, seed) == (BUNDLED, 0)
    data = BUNDLED if bundled else str(make_cache(task.corpus, folder, seed))
    if not task.judged:
        return Materials(data, MEAN)
    if bundled:
        return Materials(data, BUNDLED_JUDGE)
    judge = folder / f"{task.corpus}-judge.safetensors"
    if not judge.is_file():
        made = train_judge(open_cache(data), num_frames=task.num_frames, seed=seed)
        write_judge(judge, made)
    return Materials(data, str(judge))


def make_cache(corpus: str, folder: Path, seed: int = 0) -> Path:
    """The cache of a corpus, made unless it is there, and checked."""
    recipe, path = replace(CORPORA[corpus].recipe, seed=seed), folder / f"{corpus}.h5"
    if not path.is_file():
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_corpus(recipe, path)
    check_videos(open_cache(path), recipe, CORPORA[corpus].digest if seed == 0 else None)
    return path


def write_corpus(recipe: Recipe | NeedleRecipe, path: Path) -> None:
    """Make the videos of a recipe and write their cache."""
    if isinstance(recipe, NeedleRecipe):
        write_needle(recipe, path)
    else:
        import_source(cues_source(recipe), path, seed=recipe.seed)


def check_videos(
    cache: FeatureCache, recipe: Recipe | NeedleRecipe, digest: str | None = None
) -> None:
    """Refuse a cache of another recipe or, where the digest is known, with other videos.

    Raises:
        FrameSelectError: naming the file and the remedy.
    """
    if cache.provenance.get("recipe") != json.loads(json.dumps(asdict(recipe))):
        raise FrameSelectError(
            f"{cache.path}: was made by another recipe than the task's; delete it, or choose "
            "another --out"
        )
    if digest is not None and videos_digest(cache) != digest:
        raise FrameSelectError(
            f"{cache.path}: holds other videos than the suite's; delete it and run again, with "
            "numpy and scikit-learn as in constraints.txt"
        )


def videos_digest(cache: FeatureCache) -> str:
    """The sha256 of ids, labels, splits, lengths, key frames and pixels, in hexadecimal.

    Predictions are left out: the fit of the head depends on the processor's rounding.
    """
    rows, longest = np.arange(len(cache)), int(cache.lengths.max())
    found = hashlib.sha256("\n".join([*cache.ids, *cache.splits()]).encode())
    for values in (cache.labels, cache.lengths):
        found.update(np.ascontiguousarray(values, "<i8").tobytes())
    for name, kind in (("importance", "<f4"), ("thumbnail", "u1")):
        found.update(cache.read_frames(name, rows, longest).astype(kind).tobytes())
    return found.hexdigest()
