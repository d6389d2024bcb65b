"""Who is evaluated: the rankings that were asked for, and the references every table has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.evaluation.judging import Predictor, Request
from agents.evaluation.verdicts import Setting
from baselines import ON_REQUEST, RANKINGS, AllLogits, Pooled, make_ranking, ranking_names
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.ranking import Ranking

ALL = "all"
PREDICTORS = ("all-logits", "pooled")
EVENLY = "uniform"
DRAWN = "random"  # the one reference that is evaluated as several draws


@dataclass(frozen=True)
class Entry:
    """One ranking in the table, with its runs.

    Attributes:
        name: The rows' name.
        runs: The same ranking trained or drawn R times; often once.
        agent: Whether it was asked for and is no control; otherwise it is a reference.
        validation: [v] rows in the cache for each run, none of which it was fitted on; None for
            those who choose on the others' videos.
    """

    name: str
    runs: Sequence[Ranking]
    agent: bool = False
    validation: Sequence[np.ndarray] | None = None

    @property
    def kind(self) -> str:
        """What the table says of it: "agent", "oracle" (it sees the label) or "reference"."""
        if any(getattr(run, "needs_label", False) for run in self.runs):
            return "oracle"
        return "agent" if self.agent else "reference"

    def request(self, run: int, select: Sequence[int], beside: Sequence[Ranking]) -> Request:
        """What to judge of one run: every m, and its free choice where it has one."""
        ranking = self.runs[run]
        if not hasattr(ranking, "select"):
            return Request(ranking, tuple(select))
        return Request(ranking, (*select, "free"), tuple(beside))


def agent_entries(
    rankings: Mapping[str, Sequence[Ranking]],
    validation: Mapping[str, Sequence[np.ndarray]],
    taken: Sequence[str],
) -> list[Entry]:
    """The rankings that were asked for.

    Raises:
        FrameSelectError: for a name that is a reference's, a row without runs, or validation rows
            that fit no row or not its number of runs.
    """
    for name, runs in rankings.items():
        if name in (ALL, *taken):
            raise FrameSelectError(f"rankings: {name!r} is a reference's name; choose another")
        if not len(runs):
            raise FrameSelectError(f"rankings: {name!r} has no run; give at least one")
        free = [hasattr(run, "select") for run in runs]
        if any(free) and not all(free):
            raise FrameSelectError(f"rankings: only some runs of {name!r} have a free choice")
    for name, sets in validation.items():
        count = len(rankings.get(name, ()))
        if len(sets) != count or any(len(rows) == 0 for rows in sets):
            raise FrameSelectError(
                f"validation: {name!r} has {len(sets)} sets of videos for {count} runs; "
                "give one set, not empty, for each run of a row in rankings"
            )
    return [
        Entry(name, runs, not getattr(runs[0], "control", False), validation.get(name))
        for name, runs in rankings.items()
    ]


def reference_names(wanted: bool | Sequence[str], task: str) -> list[str]:
    """The names of the reference rows, beside "all", in the table's order.

    Args:
        wanted: True for every one the task has but those on request, False for none, or their
            names.
        task: The cache's.

    Raises:
        FrameSelectError: for an unknown name, or one that has no meaning for the task.
    """
    predictors = [name for name in PREDICTORS if name != "all-logits" or task in AllLogits.tasks]
    if isinstance(wanted, bool):
        return [*predictors, *ranking_names(task)] if wanted else []
    possible = [*predictors, *ranking_names(task, on_request=True)]
    for name in wanted:
        if name not in (*PREDICTORS, *RANKINGS, *ON_REQUEST):
            raise FrameSelectError(known("reference", name, (*PREDICTORS, *RANKINGS, *ON_REQUEST)))
        if name not in possible:
            raise FrameSelectError(f"reference {name!r} has no meaning for a {task}; leave it out")
    return [name for name in possible if name in wanted]


def reference_entries(names: Sequence[str], task: str, draws: int) -> list[Entry]:
    """The references that rank frames: `draws` runs of `random`, one of every other."""
    return [
        Entry(name, [make_ranking(name, task, s) for s in range(draws if name == DRAWN else 1)])
        for name in names
        if name not in PREDICTORS
    ]


def reference_predictors(
    names: Sequence[str], setting: Setting, train_split: str, seed: int
) -> list[Predictor]:
    """The references that predict whole videos; `pooled` is fitted on `train_split`."""
    made: list[Predictor] = []
    if "all-logits" in names:
        made.append(AllLogits())
    if "pooled" in names:
        where = (setting.fold, train_split, setting.num_frames, setting.stream)
        made.append(Pooled.fit(setting.cache, *where, seed))
    return made


def beside_free(names: Sequence[str], task: str, draws: int, run: int, runs: int) -> list[Ranking]:
    """What is judged at as many frames as run `run` of `runs` chose freely.

    `uniform` once, and `random` with seeds of its own: `draws` times or more over all runs, in
    every run as often.
    """
    rankings = [make_ranking(EVENLY, task)] if EVENLY in names else []
    if DRAWN in names:
        each = -(-draws // runs)
        rankings += [make_ranking(DRAWN, task, run * each + draw) for draw in range(each)]
    return rankings
