"""The table of how well rankings agree with raters, and the notes to it."""

from agents.evaluation.raters import HUMAN
from agents.evaluation.references import RANDOM, UNIFORM
from agents.evaluation.result import F_SCORE, TAU, Evaluation
from agents.evaluation.summary import PERCENT
from agents.evaluation.text_tables import TextTable, interval_text, number_text

HEADINGS = {"tau": "tau", "rho": "rho", "f_score": "F %"}
DIGITS = 2  # of correlations


def rater_table(evaluation: Evaluation, full: bool = False) -> TextTable:
    """The agreement of the controls, the best formula and every agent; `full`: of every ranking."""
    agreement = evaluation.agreement
    made = evaluation.verdict
    names = [HUMAN, RANDOM, UNIFORM, made.formula if made else "", *evaluation.agents]
    if full:
        names = [HUMAN, *(row.ranking for row in evaluation.table)]
    kinds = {row.ranking: row.kind for row in evaluation.table}
    shown = [name for name in dict.fromkeys(names) if name in agreement]
    measures = list(next(iter(agreement.values())).figures)
    rows = []
    for name in shown:
        figures = agreement[name].figures
        cells = [
            # Correlations have two digits and the second no interval, so that all fit 80 columns.
            interval_text(figures[TAU], TAU, False, DIGITS),
            number_text(figures["rho"].value, False, digits=DIGITS),
        ]
        if F_SCORE in figures:
            cells.append(interval_text(figures[F_SCORE], F_SCORE, True))
        rows.append([name, *cells])
    heading = ["ranking", *(HEADINGS[name] for name in measures)]
    return TextTable(heading, rows, [kinds[name] for name in shown])


def rater_notes(evaluation: Evaluation) -> list[str]:
    """What the words of the table mean; none without raters."""
    agreement = evaluation.agreement
    if not agreement:
        return []
    cache = evaluation.settings.cache
    whose = "each rater, averaged" if cache.raters else "the known importance"
    notes = [f"tau, rho: Kendall's and Spearman's rank correlation with {whose}"]
    if any(F_SCORE in one.figures for one in agreement.values()):
        rule = "the best" if cache.f_score == "max" else "the mean"
        notes.append(
            f"F: F-score of the best shots within {PERCENT} % of a video (0/1 knapsack), {rule} "
            "over raters"
        )
    if HUMAN in agreement:
        notes.append(f"{HUMAN}: each rater against the others")
    if UNIFORM in agreement:
        notes.append(f"{UNIFORM}: {PERCENT} % of the frames, evenly spaced")
    frames = evaluation.settings.num_frames
    if (longest := int(cache.lengths[evaluation.rows].max())) > frames:
        notes.append(
            f"rankings score {frames} frames of videos of up to {longest}, and each stands for "
            "those around it; train with a larger --num-frames for more"
        )
    return notes
