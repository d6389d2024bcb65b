"""The rankings of a table: those to evaluate, and the references that every table has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from agents.evaluation.combined import Fused, has_free_choice
from agents.evaluation.scoring import EvaluationSettings
from baselines import ON_REQUEST, RANKINGS, Pooled, PooledAgreement, make_ranking, ranking_names
from baselines.fitted_formula import FITTED_FORMULAS, FittedFormula, TrainingVideos
from frame_select_env.cache import View
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.ranking import Ranking
from frame_select_env.splits import labelled_rows

# Rows that are no m.
ALL, CHOSEN = "all", "chosen"
FREE: Literal["free"] = "free"
PREDICTORS = ("all-logits", "pooled", "pooled-and-all")
AGREEMENT = PooledAgreement.name
USE_POOLED = ("pooled", "pooled-and-all", AGREEMENT)
FITTED = (*USE_POOLED, *FITTED_FORMULAS)  # on the training split
UNIFORM = "uniform"
RANDOM = "random"  # the one reference that is evaluated as several draws


@dataclass(frozen=True)
class RankingRuns:
    """One ranking of the table, with its runs."""

    name: str  # its name in the table
    runs: Sequence[Ranking]  # the same ranking trained or drawn R times; often once
    agent: bool = False  # whether it is an agent to evaluate; otherwise it is a reference
    # [v] rows in the cache for each run, which it was not fitted on; None for rankings that choose
    # m on the validation videos of the others. A ranking with a run that has none, v = 0, chooses
    # nothing.
    validation: Sequence[np.ndarray] | None = None

    @property
    def chooses(self) -> bool:
        """Whether every run has videos to choose m on, its own or those of the others."""
        return self.validation is None or all(len(rows) for rows in self.validation)

    @property
    def kind(self) -> str:
        """Its kind in the table: "agent", "oracle" (it sees the label) or "reference"."""
        if any(getattr(run, "needs_label", False) for run in self.runs):
            return "oracle"
        return "agent" if self.agent else "reference"


def agent_runs(
    rankings: Mapping[str, Sequence[Ranking]],
    validation: Mapping[str, Sequence[np.ndarray]],
    taken: Sequence[str],
) -> list[RankingRuns]:
    """The rankings to evaluate."""
    for name, runs in rankings.items():
        if name in (ALL, *taken):
            raise FrameSelectError(f"rankings: {name!r} is a reference's name; choose another")
        if not len(runs):
            raise FrameSelectError(f"rankings: {name!r} has no run; give at least one")
        free = [has_free_choice(run) for run in runs]
        if any(free) and not all(free):
            raise FrameSelectError(f"rankings: only some runs of {name!r} have a free choice")
    own: dict[str, list[np.ndarray]] = {}
    for name, sets in validation.items():
        own[name] = [np.asarray(rows, np.int64) for rows in sets]
        count = len(rankings.get(name, ()))
        if len(sets) != count:
            raise FrameSelectError(
                f"validation: {name!r} has {len(sets)} sets of videos for {count} runs; "
                "give one set for each run of a ranking"
            )
    return [
        RankingRuns(name, runs, not getattr(runs[0], "control", False), own.get(name))
        for name, runs in rankings.items()
    ]


def reference_names(wanted: bool | Sequence[str], task: str) -> list[str]:
    """The names of the references other than "all", in the table's order.

    `wanted` is True for all that the task has except those on request, False for none, or names.
    """
    fitted = [*PREDICTORS, AGREEMENT] if task == "classification" else ["pooled"]
    fitted += [name for name, one in FITTED_FORMULAS.items() if task in one.tasks]
    if isinstance(wanted, bool):
        return [*fitted, *ranking_names(task)] if wanted else []
    possible = [*fitted, *ranking_names(task, on_request=True)]
    every = (*PREDICTORS, AGREEMENT, *FITTED_FORMULAS, *RANKINGS, *ON_REQUEST)
    for name in wanted:
        if name not in every:
            raise FrameSelectError(known("reference", name, every))
        if name not in possible:
            raise FrameSelectError(f"reference {name!r} is undefined for a {task}; leave it out")
    return [name for name in possible if name in wanted]


def label_free_names(names: Sequence[str]) -> list[str]:
    """Those of the references that read neither labels nor predictions."""
    ranked = [name for name in names if name in (*RANKINGS, *ON_REQUEST)]
    regression = set(ranking_names("regression", on_request=True))
    return [
        name
        for name in ranked
        if name in regression and not getattr(make_ranking(name), "needs_label", False)
    ]


def reference_runs(names: Sequence[str], task: str, draws: int) -> list[RankingRuns]:
    """The references that rank frames by a formula: `draws` runs of `random`, one of the others."""
    seeds = {name: range(draws if name == RANDOM else 1) for name in names}
    return [
        RankingRuns(name, [make_ranking(name, task, seed) for seed in seeds[name]])
        for name in names
        if name not in (*PREDICTORS, *FITTED)
    ]


def fitted_runs(
    names: Sequence[str],
    settings: EvaluationSettings,
    train_split: str,
    pooled: Sequence[Pooled],
) -> list[RankingRuns]:
    """The references that rank frames by what was fitted on the training split.

    `pooled` holds the model of each stream, for `pooled-agreement`.
    """
    cache, fold, frames = settings.cache, settings.fold, settings.num_frames
    made: list[Any] = []
    if AGREEMENT in names:
        seen = single_view(settings.view)
        made.append(PooledAgreement(pooled, cache, fold, frames, settings.streams, seen))
    for name, one in FITTED_FORMULAS.items():
        if name in names:
            rows = labelled_rows(cache, train_split, fold)
            fitted = tuple(
                FittedFormula.fit(
                    name,
                    one.function,
                    TrainingVideos(cache, rows, fold, frames, stream, settings.view),
                )
                for stream in settings.streams
            )
            made.append(fitted[0] if len(fitted) == 1 else Fused(name, fitted))
    return [RankingRuns(ranking.name, [ranking]) for ranking in made]


def single_view(view: View) -> int | None:
    """The view that a model of whole videos sees: one by its number; None for all together."""
    return None if view == "random" else view


def matched_references(
    names: Sequence[str], task: str, draws: int, run: int, runs: int
) -> list[Ranking]:
    """The references to score at as many frames as run `run` of `runs` chose freely.

    `uniform` once, and `random` with seeds of its own: equally often for every run, and at least
    `draws` times over all runs.
    """
    rankings = [make_ranking(UNIFORM, task)] if UNIFORM in names else []
    if RANDOM in names:
        each = -(-draws // runs)
        rankings += [make_ranking(RANDOM, task, run * each + draw) for draw in range(each)]
    return rankings
