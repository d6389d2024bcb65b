"""Whether a formula, which learns no more than a threshold, is level with the best agent."""

from collections.abc import Iterable, Iterator

from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.references import ALL, FREE, RANDOM
from agents.evaluation.result import TAU, Evaluation
from agents.evaluation.text_tables import interval_text
from baselines import ON_REQUEST, RANKINGS
from baselines.fitted_formula import FITTED_FORMULAS


def best_agent(evaluation: Evaluation) -> str | None:
    """The agent with the lowest error at its headline; None without agents.

    Where every answer is right, it is that of the highest agreement with raters, if there are any.
    """
    if evaluation.rated_alone:
        return most_agreeing(evaluation, evaluation.agents)
    errors = {
        name: float(evaluation.results[name, evaluation.headline(name)].error.mean())
        for name in evaluation.agents
    }
    return min(errors, key=lambda name: errors[name]) if errors else None


def most_agreeing(evaluation: Evaluation, names: Iterable[str]) -> str | None:
    """The ranking with the highest tau with raters among `names`; None where none has scores."""
    taus = {
        name: evaluation.agreement[name].figures[TAU].value
        for name in names
        if name in evaluation.agreement
    }
    return max(taus, key=lambda name: taus[name]) if taus else None


def level_notes(evaluation: Evaluation, drawn: Resamples) -> list[str]:
    """A line for every formula, all frames too, that the best agent is not certainly above.

    A formula counts at its headline, unless that keeps all frames, and, if it was fitted, at its
    free choice. It is level where the interval of the agent's lead, paired by video, includes zero.
    """
    best, notes = best_agent(evaluation), list[str]()
    if evaluation.settings.cache.single_class:
        return notes
    for name, _, lead in _leads(evaluation, drawn):
        if lead.low <= 0:
            how = "above" if lead.high < 0 else "level with"
            what = "keeping all frames" if name == ALL else f"{name}, a formula,"
            lead_text = interval_text(lead, "gain", evaluation.task == "classification")
            notes.append(
                f"{what} is {how} the best agent, {best}; the lead of {best} is {lead_text}"
            )
    return notes


def best_formula(evaluation: Evaluation, drawn: Resamples) -> tuple[str, str, Interval] | None:
    """The best formula, its row, and the best agent's lead over it; None without either."""
    found = [one for one in _leads(evaluation, drawn) if one[0] != ALL]
    return min(found, key=lambda one: one[2].value) if found else None


def _leads(evaluation: Evaluation, drawn: Resamples) -> Iterator[tuple[str, str, Interval]]:
    """Every formula that counts, its better row, and the best agent's lead over that."""
    if (best := best_agent(evaluation)) is None:
        return
    results = evaluation.results
    error = results[best, evaluation.headline(best)].error
    for name in (ALL, *FITTED_FORMULAS, *RANKINGS, *ON_REQUEST):
        leads = {
            frames: drawn.mean(results[name, frames].error.mean(axis=0) - error)
            for frames in _counted(evaluation, name)
        }
        if leads:
            frames = min(leads, key=lambda row: leads[row].value)
            yield name, frames, leads[frames]


def _counted(evaluation: Evaluation, name: str) -> list[str]:
    """The rows at which a formula counts; none for dice, oracles and what the table lacks."""
    rows = evaluation.frames(name)
    if not rows or name == RANDOM or evaluation.row(name, rows[0]).kind == "oracle":
        return []
    counted: list[str] = [FREE] if name in FITTED_FORMULAS else []
    if name == ALL or set(evaluation.chosen.get(name, ())) != {ALL}:
        counted.append(evaluation.headline(name))
    return counted
