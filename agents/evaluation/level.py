"""Whether a formula, which learns no more than a threshold, is level with the best agent."""

from agents.evaluation.intervals import Resamples
from agents.evaluation.references import ALL, FREE, RANDOM
from agents.evaluation.result import Evaluation
from agents.evaluation.tables import interval_text
from baselines import ON_REQUEST, RANKINGS
from baselines.fitted_formula import FITTED_FORMULAS


def level_notes(evaluation: Evaluation, resamples: Resamples) -> list[str]:
    """A line for every formula, all frames too, that the best agent is not certainly above.

    The best agent has the lowest error at its headline. A formula counts at its headline, unless
    that keeps all frames, and, if it was fitted, at its free choice. It is level where the interval
    of the agent's lead, paired by video, includes zero.
    """
    results, percent = evaluation.results, evaluation.task == "classification"
    headlines = {name: results[name, evaluation.headline(name)] for name in evaluation.agents}
    if not headlines:
        return []
    best = min(headlines, key=lambda name: headlines[name].error.mean())
    notes = []
    for name in (ALL, *FITTED_FORMULAS, *RANKINGS, *ON_REQUEST):
        leads = [
            resamples.mean(results[name, frames].error.mean(axis=0) - headlines[best].error)
            for frames in _counted(evaluation, name)
        ]
        if not leads:
            continue
        lead = min(leads, key=lambda one: one.value)
        if lead.low <= 0:
            how = "above" if lead.high < 0 else "level with"
            what = "keeping all frames" if name == ALL else f"{name}, a formula,"
            lead_text = interval_text(lead, "gain", percent)
            notes.append(f"{what} is {how} the best agent, {best}, whose lead is {lead_text}")
    return notes


def _counted(evaluation: Evaluation, name: str) -> list[str]:
    """The rows at which a formula counts; none for dice, oracles and what the table lacks."""
    rows = evaluation.frames(name)
    if not rows or name == RANDOM or evaluation.row(name, rows[0]).kind == "oracle":
        return []
    counted: list[str] = [FREE] if name in FITTED_FORMULAS else []
    if name == ALL or set(evaluation.chosen.get(name, ())) != {ALL}:
        counted.append(evaluation.headline(name))
    return counted
