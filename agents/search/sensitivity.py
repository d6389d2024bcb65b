"""Hyper-parameter sensitivity: how the score of a search's trials depends on what they varied."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.evaluation.files import write_csv
from agents.evaluation.text_tables import TextTable
from agents.search.study import KEY, Key, TrialScore

NOTE = (
    "Scores are those on validation videos, of a regression minus the MAE, means over the same "
    "caches and seeds for all trials. Spread: the standard deviation over the trials with that "
    "value, whose other hyper-parameters differ. Importance: the main effect of the "
    "hyper-parameter by fANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014), without its "
    "interactions with others; main effects are scaled to add up to 1, however little of the "
    "variance they explain together, and few trials estimate them poorly."
)


@dataclass(frozen=True)
class Trial:
    """The values that were varied, and the score they reached."""

    values: Mapping[str, str]  # by hyper-parameter, as JSON
    score: float  # mean over caches and seeds


@dataclass(frozen=True)
class Marginal:
    """The trials with one value of a hyper-parameter."""

    value: str  # as JSON
    trials: int
    mean: float  # of their scores
    spread: float  # their standard deviation; 0 of a single one


@dataclass(frozen=True)
class Sensitivity:
    """What the trials of one search say of the hyper-parameters that they varied."""

    agent: str  # as the search named it
    trials: tuple[Trial, ...]
    runs: int  # of each trial
    left_out: int  # trials that lack some of these runs
    # hyper-parameter -> its importance, the largest first, which add up to 1; None where all scores
    # are equal
    importance: Mapping[str, float | None]

    def marginals(self, name: str) -> list[Marginal]:
        """The trials by value of a hyper-parameter; numbers ascend."""
        found = []
        values = {trial.values[name] for trial in self.trials}
        for value in sorted(values, key=_order):
            scores = [trial.score for trial in self.trials if trial.values[name] == value]
            spread = float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0
            found.append(Marginal(value, len(scores), float(np.mean(scores)), spread))
        return found


def sensitivities(log: Mapping[Key, TrialScore]) -> list[Sensitivity]:
    """Those of all searches in a log, by agent and task, in their order.

    Trials are compared on the caches and seeds that most of them share. A search of which fewer
    than two trials ran on the same caches and seeds has none.
    """
    searches: dict[tuple[str, str], dict[str, dict[Key, float]]] = {}
    for key, score in log.items():
        told = dict(zip(KEY, key, strict=True))
        cell = told["data"], told["cache"], told["seed"]
        trials = searches.setdefault((told["agent"], told["task"]), {})
        trials.setdefault(told["hyper"], {})[cell] = score.validation
    made = (_sensitivity(agent, trials) for (agent, _), trials in searches.items())
    return [one for one in made if one]


def _sensitivity(agent: str, trials: Mapping[str, Mapping[Key, float]]) -> Sensitivity | None:
    """Of hyper-parameters as JSON -> the scores by cache and seed."""
    cells = sorted(_shared_cells([frozenset(own) for own in trials.values()]))
    if not cells:
        return None
    whole = {
        # Rounded, so that equal scores are ties whatever the order of their additions.
        hyper: round(float(np.mean([own[cell] for cell in cells])), 12)
        for hyper, own in trials.items()
        if own.keys() >= set(cells)
    }
    hypers = [json.loads(text) for text in whole]
    shared = [name for name in hypers[0] if all(name in hyper for hyper in hypers)]
    texts = [{name: json.dumps(hyper[name]) for name in shared} for hyper in hypers]
    varied = [name for name in shared if len({text[name] for text in texts}) > 1]
    if not varied:
        return None
    tried = tuple(
        Trial({name: text[name] for name in varied}, score)
        for text, score in zip(texts, whole.values(), strict=True)
    )
    return Sensitivity(agent, tried, len(cells), len(trials) - len(whole), _importance(tried))


def _shared_cells(trials: Sequence[frozenset[Key]]) -> frozenset[Key]:
    """The caches and seeds on which to compare trials; none if no two trials share any.

    Of those that two trials share it is the choice with the most runs, trials times cells, of
    several the one with the most trials. Searched greedily: from the cells of each trial on, those
    that the next trial lacks are given up, the fewest first.
    """
    best: frozenset[Key] = frozenset()
    most = 0, 0
    distinct = list(dict.fromkeys(trials))
    for cells in distinct:
        while cells:
            whole = sum(cells <= own for own in trials)
            if whole > 1 and (whole * len(cells), whole) > most:
                best, most = cells, (whole * len(cells), whole)
            fewer = (cells & own for own in distinct if not cells <= own)
            cells = max(fewer, key=len, default=frozenset())
    return best


def _importance(trials: tuple[Trial, ...]) -> dict[str, float | None]:
    """The importance of every hyper-parameter, the largest first."""
    import optuna  # takes long to import
    from optuna.distributions import BaseDistribution, CategoricalDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    names = list(trials[0].values)
    least, most = (end(trial.score for trial in trials) for end in (min, max))
    if least == most:
        return dict.fromkeys(names)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    distributions: dict[str, BaseDistribution] = {}
    for name in names:
        values: list[str] = sorted({trial.values[name] for trial in trials}, key=_order)
        distributions[name] = CategoricalDistribution(values)
    for trial in trials:
        params = dict(trial.values)
        # From 0 to 1: the trees behind fANOVA take differences below 1e-8 for none, and fail.
        scaled = (trial.score - least) / (most - least)
        drawn = optuna.trial.create_trial(params=params, distributions=distributions, value=scaled)
        study.add_trial(drawn)
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(value) for name, value in found.items()}


def _order(text: str) -> tuple[bool, Any]:
    """A key that sorts numbers by size, and before all others."""
    value = json.loads(text)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (False, value) if number else (True, text)


def sensitivity_table(one: Sensitivity) -> TextTable:
    """A row per hyper-parameter and value, the most important first."""
    rows = []
    for name, importance in one.importance.items():
        first = [name, "" if importance is None else f"{importance:.2f}"]
        for own in one.marginals(name):
            spread = f"{own.spread:.4f}" if own.trials > 1 else ""
            rows.append([*first, own.value, str(own.trials), f"{own.mean:.4f}", spread])
            first = ["", ""]
    heading = ["hyper-parameter", "importance", "value", "trials", "mean score", "spread"]
    return TextTable(heading, rows)


def sensitivity_title(one: Sensitivity) -> str:
    """The agent, and how much the table rests on."""
    left = f"; {one.left_out} left out that lack some of them" if one.left_out else ""
    return f"{one.agent}: {len(one.trials)} trials of {one.runs} runs{left}"


def write_marginals(path: Path, found: list[Sensitivity]) -> None:
    """Write a row per search, hyper-parameter and value."""
    columns = ["agent", "hyper_parameter", "importance", "value", "trials", "mean", "spread"]
    rows = [
        [one.agent, name, "" if importance is None else f"{importance:.6f}"]
        + [own.value, own.trials, f"{own.mean:.6f}", f"{own.spread:.6f}"]
        for one in found
        for name, importance in one.importance.items()
        for own in one.marginals(name)
    ]
    write_csv(path, columns, rows)
