"""Random search: which hyper-parameters to try, and what a run scored on validation videos."""

import csv
import dataclasses
import itertools
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from agents.registry import AgentChoice, parse_agent, with_values
from agents.training.run_folder import METRICS, is_finished
from agents.training.trainer import Run, run_config, train_run
from frame_select_env import FrameSelectError, open_cache

LISTED = 10_000  # combinations that are shuffled; of more, some are drawn


@dataclass(frozen=True)
class Trial:
    """Hyper-parameters to try.

    Attributes:
        number: 0 is the agent as it was named, the others are drawn.
        choice: The agent with these hyper-parameters.
        hyper: The searched ones among them.
    """

    number: int
    choice: AgentChoice
    hyper: dict[str, Any]


@dataclass(frozen=True)
class TrialRun:
    """One training run of a trial.

    Attributes:
        trial: What is tried.
        run: On which cache, with which seed.
        folder: For the run; it is of no use once the run is logged.
        checkpoint_seconds: Time between two checkpoints, at least.
    """

    trial: Trial
    run: Run
    folder: Path
    checkpoint_seconds: float


@dataclass(frozen=True)
class TrialScore:
    """What a run came to.

    Attributes:
        validation: Of the epoch that was kept: accuracy at m (regression: minus the MAE).
        validation_p_c: The mean probability of the true class there.
        episodes: That the environment scored. seconds: Of training.
    """

    validation: float
    validation_p_c: float
    episodes: int
    seconds: float


def draw_trials(text: str, count: int, seed: int) -> list[Trial]:
    """The agent as it is named, and others drawn from its design's `search` without repetition.

    Hyper-parameters that the text names stay as they are. The first trials are the same whatever
    the count; there are fewer where there are no more combinations.

    Args:
        text: As `parse_agent` reads it.
        count: How many trials.
        seed: Of the drawing.

    Raises:
        FrameSelectError: for an unknown agent or hyper-parameter, or no trials.
    """
    if count < 1:
        raise FrameSelectError(f"trials={count}: must be at least 1")
    choice = parse_agent(text)
    fixed = re.findall(r"[@,](\w+)=", text)
    ranges = {name: values for name, values in choice.design.search.items() if name not in fixed}
    trials = [Trial(0, choice, {name: getattr(choice.config, name) for name in ranges})]
    for drawn in _combinations(ranges, seed):
        if len(trials) == count:
            break
        config = dataclasses.replace(choice.config, **drawn)
        if config == choice.config or not _allowed(choice, config):
            continue
        changed = dataclasses.replace(choice, config=config)
        trials.append(Trial(len(trials), changed, drawn))
    return trials


def trial_text(text: str, trial: Trial) -> str:
    """The trial's agent as `parse_agent` reads it."""
    if not trial.number:
        return text
    return with_values(text, trial.hyper)


def do_trial_run(work: TrialRun) -> TrialScore:
    """Train a run, or finish what was begun of it, and read its validation score.

    The test split is not read.

    Raises:
        FrameSelectError: if it cannot be trained, or the folder holds something else.
    """
    torch.set_num_threads(1)
    cache = open_cache(work.run.data)
    if not is_finished(work.folder, run_config(work.run, cache, work.run.task(cache))):
        train_run(work.folder, work.run, checkpoint_seconds=work.checkpoint_seconds)
    with (work.folder / METRICS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    # As in training: the first epoch of those with the best pair is kept.
    best = max((float(row["validation"]), float(row["validation_p_c"])) for row in rows)
    return TrialScore(*best, int(rows[-1]["episodes"]), float(rows[-1]["seconds"]))


def _combinations(ranges: dict[str, tuple[Any, ...]], seed: int) -> Iterator[dict[str, Any]]:
    """Every combination once, in an order drawn by the seed."""
    total = math.prod(map(len, ranges.values()))
    draw = random.Random(seed)
    if total <= LISTED:
        everything = list(itertools.product(*ranges.values()))
        draw.shuffle(everything)
        yield from (dict(zip(ranges, values, strict=True)) for values in everything)
        return
    seen: set[tuple[int, ...]] = set()
    while len(seen) < total:
        places = tuple(draw.randrange(len(values)) for values in ranges.values())
        if places not in seen:
            seen.add(places)
            yield {
                name: values[place]
                for (name, values), place in zip(ranges.items(), places, strict=True)
            }


def _allowed(choice: AgentChoice, config: Any) -> bool:
    try:
        choice.design.check(config)
    except FrameSelectError:
        return False
    return True
