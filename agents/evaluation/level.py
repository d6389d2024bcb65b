"""Whether a formula, which learns no more than a threshold, is level with the best agent."""

from agents.evaluation.intervals import Resamples
from agents.evaluation.references import RANDOM
from agents.evaluation.result import Evaluation
from agents.evaluation.tables import interval_text
from baselines import ON_REQUEST, RANKINGS
from baselines.fitted_formula import FITTED_FORMULAS

FREE = "free"


def level_notes(evaluation: Evaluation, resamples: Resamples) -> list[str]:
    """A line for every formula that the best agent is not certainly above.

    The best agent has the lowest error at its headline. A formula counts at its headline and, if it
    has one, at its free choice; it is level where the interval of the agent's lead, paired by
    video, includes zero.
    """
    results, percent = evaluation.results, evaluation.task == "classification"
    headlines = {name: results[name, evaluation.headline(name)] for name in evaluation.agents}
    if not headlines:
        return []
    best = min(headlines, key=lambda name: headlines[name].error.mean())
    notes = []
    for name in (*FITTED_FORMULAS, *RANKINGS, *ON_REQUEST):
        rows = [key for key in results if key[0] == name]
        if not rows or name == RANDOM or evaluation.row(*rows[0]).kind == "oracle":
            continue
        at = [evaluation.headline(name)]
        at += [FREE] if name in FITTED_FORMULAS else []
        leads = [
            resamples.mean(results[name, frames].error.mean(axis=0) - headlines[best].error)
            for frames in at
        ]
        lead = min(leads, key=lambda one: one.value)
        if lead.low <= 0:
            how = "above" if lead.high < 0 else "level with"
            lead_text = interval_text(lead, "gain", percent)
            notes.append(
                f"{name}, a formula, is {how} the best agent, {best}, which leads by {lead_text}"
            )
    return notes
