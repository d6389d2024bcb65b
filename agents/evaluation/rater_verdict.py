"""The verdict in a cache with raters: whether the best agent agrees with them beyond chance."""

from dataclasses import replace

import numpy as np

from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.level import most_agreeing
from agents.evaluation.raters import HUMAN
from agents.evaluation.references import RANDOM
from agents.evaluation.result import F_SCORE, TAU, Agreement, Evaluation, Verdict
from agents.evaluation.text_tables import interval_text, number_text
from agents.evaluation.verdict import TOLD, level_words
from baselines import ON_REQUEST, RANKINGS
from baselines.fitted_formula import FITTED_FORMULAS

NOTHING = (
    "Whether selection helps cannot be measured: these videos have no labels, no human ratings and "
    "no importance of their frames."
)


def rater_verdict(
    evaluation: Evaluation, drawn: Resamples, answers: Verdict | None
) -> Verdict | None:
    """What the best agent's tau says, compared with random scores; `answers` without raters.

    It agrees with the raters where the 95 % interval of its lead over random is above zero. Where
    the interval includes zero it does so no more than chance, or, if that is wider than 0.05 on
    either side of its middle, the videos are too few to tell. Where there are classes to predict,
    the sentence follows that of the verdict on `answers`.
    """
    single = evaluation.settings.cache.single_class
    best = most_agreeing(evaluation, evaluation.agents)
    if answers is None or best is None:
        return replace(answers, text=NOTHING, formula="") if answers and single else answers
    agreement = evaluation.agreement
    own = agreement[best]
    random = agreement.get(RANDOM)
    lead = drawn.mean(own.values[TAU] - _by_video(random, TAU))
    parts = [
        f"{_finding(evaluation, lead)}: tau {_of(own, TAU)}, "
        f"{interval_text(lead, 'gain', False, 2)} above random",
    ]
    if F_SCORE in own.figures:
        beside = f" (random {_of(random, F_SCORE)})" if random else ""
        parts.append(f"F {_of(own, F_SCORE)}{beside}")
    if HUMAN in agreement:
        people = agreement[HUMAN]
        f_score = f", F {_of(people, F_SCORE)}" if F_SCORE in people.figures else ""
        parts.append(f"among themselves the raters have tau {_of(people, TAU)}{f_score}")
    formula = best_rating_formula(evaluation)
    if formula:
        other = agreement[formula]
        above = drawn.mean(own.values[TAU] - _by_video(other, TAU))
        level = "best formula"
        if lead.low > 0 and above.low <= 0:
            level = level_words(drawn.mean(other.values[TAU] - _by_video(random, TAU)))
        parts.append(f"{level}, {formula}, tau {_of(other, TAU)}")
    who = best if len(evaluation.agents) == 1 else f"{best}, the best of {len(evaluation.agents)}"
    text = f"{'; '.join(parts)} ({who})."
    if single:
        return Verdict(text, best, formula, "")
    return replace(answers, text=f"{answers.text} {text}")


def best_rating_formula(evaluation: Evaluation) -> str:
    """The formula with the highest tau, no oracle and no dice; empty if there is none."""
    kinds = {row.ranking: row.kind for row in evaluation.table}
    names = [
        name
        for name in (*FITTED_FORMULAS, *RANKINGS, *ON_REQUEST)
        if name != RANDOM and kinds.get(name) == "reference"
    ]
    return most_agreeing(evaluation, names) or ""


def _finding(evaluation: Evaluation, lead: Interval) -> str:
    whom = "the raters" if evaluation.settings.cache.raters else "the known importance"
    if lead.low > 0:
        return f"Selection agrees with {whom} beyond chance"
    if lead.high < 0:
        return f"Selection goes against {whom}"
    if lead.high - lead.low > 2 * TOLD:
        videos = f"{len(evaluation.rows)} {evaluation.split} videos"
        return f"{videos} are too few to tell whether selection agrees with {whom}"
    return f"Selection agrees with {whom} no more than chance"


def _by_video(agreement: Agreement | None, name: str) -> np.ndarray | float:
    """The mean over runs, [n]; 0, what chance is expected to reach, without the ranking."""
    return 0.0 if agreement is None else agreement.values[name].mean(axis=0)


def _of(agreement: Agreement, name: str) -> str:
    percent = name == F_SCORE
    value = agreement.figures[name].value
    return number_text(value, percent, digits=2)
