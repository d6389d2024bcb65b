"""The verdict: whether the selection of frames helps on the scored videos, in a sentence."""

import math
from dataclasses import astuple

from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.level import best_agent, best_formula
from agents.evaluation.references import ALL
from agents.evaluation.result import Evaluation, Verdict
from agents.evaluation.text_tables import number_text
from frame_select_env.wording import counted

# A gain of so much must be outside an interval around none before selection is said not to help: 5
# points of accuracy, or 5 % of the MAE of all frames.
TOLD = 0.05


def verdict(evaluation: Evaluation, drawn: Resamples) -> Verdict | None:
    """What the headline of the best agent says; None without an agent.

    Selection helps where the 95 % interval of its gain over all frames is above zero. Where the
    interval includes zero it does not help, or, if the interval is wider than 5 points on either
    side of its middle, the videos are too few to tell. An agent that keeps all frames leaves
    nothing out, which is said instead.
    """
    if (best := best_agent(evaluation)) is None:
        return None
    row = evaluation.row(best, evaluation.headline(best))
    gain, whole = row.figures["gain"], evaluation.results[ALL, ALL]
    frames = float(whole.frames.mean())
    who = best
    if len(evaluation.agents) > 1:
        who = f"{best}, the best of {len(evaluation.agents)}"
    if math.isclose(row.mean_frames, frames):
        kept = f"Nothing is left out here: {who}{',' * (who != best)} keeps all frames"
    else:
        scale = 1.0 if evaluation.task == "classification" else float(whole.error.mean())
        kept = (
            f"{_finding(gain, scale, len(evaluation.rows), evaluation.split)}: "
            f"{_amount(gain, evaluation.task)} with {row.mean_frames:.1f} of {frames:.1f} frames "
            f"({who})"
        )
    formula, formula_row, told = _formula(evaluation, drawn, gain.low > 0)
    return Verdict(f"{kept}{told}.", best, formula, formula_row)


def _finding(gain: Interval, scale: float, videos: int, split: str) -> str:
    if gain.low > 0:
        return "Selection helps"
    if gain.high < 0:
        return "Selection does harm here"
    if gain.high - gain.low > 2 * TOLD * scale:
        many = "is" if videos == 1 else "are"
        return f"{counted(videos, f'{split} video')} {many} too few to tell"
    return "Selection does not help here"


def _amount(gain: Interval, task: str) -> str:
    percent = task == "classification"
    value, low, high = (number_text(one, percent, signed=True) for one in astuple(gain))
    return f"{value} {'points' if percent else 'of the MAE'} [{low}, {high}]"


def _formula(evaluation: Evaluation, drawn: Resamples, helps: bool) -> tuple[str, str, str]:
    """The best formula, its row, and its gain in words; all empty if there is none."""
    if (found := best_formula(evaluation, drawn)) is None:
        return "", "", ""
    name, frames, lead = found
    gain = evaluation.row(name, frames).figures["gain"]
    text = number_text(gain.value, evaluation.task == "classification", signed=True)
    if helps and lead.low <= 0:
        return name, frames, f"; {level_words(gain)}, {name}: {text}"
    if not helps and gain.low > 0:
        return name, frames, f"; but a formula gains, {name}: {text}"
    if gain.value < 0:
        return name, frames, "; no formula gains"
    return name, frames, f"; best formula, {name}, {text}"


def level_words(formula: Interval) -> str:
    """What is said of a formula that an agent which helps is not certainly above, by its gain."""
    return "but so does a formula" if formula.low > 0 else "though not certainly above a formula"


def one_class_warning(evaluation: Evaluation) -> str:
    """A line if all frames together predict the same class for every video; else empty."""
    if evaluation.task == "regression" or len(set(evaluation.label.tolist())) < 2:
        return ""
    predicted = set(evaluation.results[ALL, ALL].predicted[0].tolist())
    if len(predicted) > 1:
        return ""
    name = evaluation.settings.cache.classes[predicted.pop()]
    return (
        f"all frames together predict {name} for every {evaluation.split} video: the predictions "
        "in the cache have learnt no more, so no selection can be judged by them"
    )
