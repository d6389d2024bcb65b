"""results.csv of a suite: a row for every run of a task and every number of frames."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from agents.comparison.finished import FinishedRun
from agents.evaluation.files import write_csv
from agents.evaluation.references import CHOSEN, FREE
from agents.suite.anchors import Anchors
from agents.suite.tasks import SuiteTask
from frame_select_env import FrameSelectError


@dataclass(frozen=True)
class ResultRow:
    """One run at one number of frames."""

    plan: str  # the sha256 of the plan
    corpus_seed: int
    task: str
    agent: str  # as the plan names it
    trained: str  # what it is on the task, say reinforce-glance for reinforce
    seed: int
    frames: str  # m, "chosen" (on validation videos), or "free", the agent's own choice
    headline: int  # 1 for the row that counts: chosen, or free where looks cost
    accuracy: float
    mean_frames: float
    worth: float  # accuracy, minus the price of the looks where looks cost
    floor: float  # the worth at score 0
    ceiling: float  # the worth at score 1
    score: float
    episodes: int
    timesteps: int
    updates: int
    seconds: float
    cpu_seconds: float


def headline_frames(task: SuiteTask) -> str:
    """The row that counts: chosen, or where looks cost the agent's own choice."""
    return CHOSEN if task.price is None else FREE


def result_rows(
    name: str,
    task: SuiteTask,
    agents: Mapping[str, str],
    runs: Iterable[FinishedRun],
    anchors: Anchors,
    plan: str,
    corpus_seed: int,
) -> list[ResultRow]:
    """The rows of a task's runs; `agents` are names of the plan -> what they are on the task."""
    headline = headline_frames(task)
    rows, made = [], list(runs)
    for agent, trained in agents.items():
        for run in (one for one in made if one.spec.agent == trained):
            for found in run.trained:
                if task.price is not None and found.frames != FREE:
                    continue  # what is looked at is the agent's own choice
                accuracy = found.figures["accuracy"].value
                worth = accuracy - (task.price or 0.0) * found.mean_frames
                row = ResultRow(
                    *(plan, corpus_seed, name, agent, trained, run.spec.seed, found.frames),
                    headline=int(found.frames == headline),
                    accuracy=accuracy,
                    mean_frames=found.mean_frames,
                    worth=worth,
                    floor=anchors.floor,
                    ceiling=anchors.ceiling,
                    score=anchors.score(worth),
                    episodes=run.episodes,
                    timesteps=run.timesteps,
                    updates=run.updates,
                    seconds=run.seconds,
                    cpu_seconds=run.cpu_seconds,
                )
                rows.append(row)
    return rows


def write_results(path: Path, rows: Iterable[ResultRow]) -> None:
    """Write results.csv; numbers have six digits after the point."""
    columns = [field.name for field in fields(ResultRow)]
    texts = [
        {
            name: f"{value:.6f}" if isinstance(value, float) else value
            for name, value in asdict(row).items()
        }
        for row in rows
    ]
    write_csv(path, columns, texts)


def read_results(path: Path) -> list[ResultRow]:
    """Read what `write_results` wrote.

    Raises:
        FrameSelectError: naming the file, and the column that is missing or the line that is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise FrameSelectError(f"{path}: cannot be read: {error}") from None
    kinds = {field.name: field.type for field in fields(ResultRow)}
    missing = [name for name in kinds if not lines or lines[0].get(name) is None]
    if missing:
        raise FrameSelectError(
            f"{path}: is no results.csv of a suite: it has no column {missing[0]!r}"
            if lines
            else f"{path}: has no rows"
        )
    rows = []
    for number, line in enumerate(lines, start=2):
        try:
            rows.append(ResultRow(**{name: kind(line[name]) for name, kind in kinds.items()}))  # type: ignore[operator]
        except (TypeError, ValueError) as error:
            raise FrameSelectError(f"{path}, line {number}: {error}") from None
    return rows
