"""run.json: what a finished run took, and its scores on the test split."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.evaluation.files import whole_file
from agents.run_evaluation import evaluate_runs
from agents.training.load import load_run
from agents.training.run_folder import METRICS
from frame_select_env import FeatureCache

RECORD = "run.json"
TRAINED, UNTRAINED = "trained", "untrained"


@dataclass(frozen=True)
class Score:
    """One row of scores.

    Attributes:
        network: "trained" or "untrained".
        frames: m, "free" or "chosen".
        figures: "accuracy", or of a regression "pcc" and "mae".
        mean_frames: Frames kept, averaged over videos.
    """

    network: str
    frames: str
    figures: dict[str, float]
    mean_frames: float


@dataclass(frozen=True)
class Record:
    """What a finished run took, and what it came to.

    Attributes:
        episodes: That the environment scored. updates: Steps of the optimiser.
        seconds: Of training, by the clock. cpu_seconds: The same of processor time.
        frames: The m of the scores. scores: On the test split.
    """

    episodes: int
    updates: int
    seconds: float
    cpu_seconds: float
    frames: tuple[int, ...]
    scores: tuple[Score, ...]


def make_record(folder: Path, cache: FeatureCache, frames: Sequence[int]) -> Record:
    """Score a finished run, and write run.json.

    Raises:
        FrameSelectError: if the folder holds no finished run, or it cannot be scored.
    """
    with (folder / METRICS).open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    run = load_run(folder, cache)
    evaluation = evaluate_runs(
        cache,
        {TRAINED: [run]},
        {UNTRAINED: [run]},
        select=frames,
        references=False,
        resamples=1,
    )
    scores = [
        Score(
            row.ranking,
            row.frames,
            {name: one.value for name, one in row.figures.items() if "gain" not in name},
            row.mean_frames,
        )
        for row in evaluation.table
        if row.ranking in (TRAINED, UNTRAINED)
    ]
    record = Record(
        episodes=int(last["episodes"]),
        updates=int(last["updates"]),
        seconds=float(last["seconds"]),
        cpu_seconds=float(last["cpu_seconds"]),
        frames=tuple(frames),
        scores=tuple(scores),
    )
    with whole_file(folder / RECORD) as part:
        part.write_text(json.dumps(asdict(record), indent=1) + "\n")
    return record


def read_record(folder: Path, frames: Sequence[int]) -> Record | None:
    """What run.json says; None if there is none for these m."""
    try:
        found = json.loads((folder / RECORD).read_text())
        scores = tuple(Score(**score) for score in found.pop("scores"))
        record = Record(**{**found, "frames": tuple(found["frames"]), "scores": scores})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return record if record.frames == tuple(frames) else None
