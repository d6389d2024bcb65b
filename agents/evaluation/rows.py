"""The rows of an evaluation's table, from the results of every ranking."""

import math
from collections.abc import Sequence

from agents.evaluation.combined import has_free_choice
from agents.evaluation.intervals import Resamples
from agents.evaluation.rank_quality import mean_quality, regrets
from agents.evaluation.raters import HUMAN
from agents.evaluation.references import ALL, FREE, RankingRuns
from agents.evaluation.result import Evaluation, TableRow, figure_intervals, target_intervals


def table_rows(
    made: Evaluation,
    rankings: Sequence[RankingRuns],
    drawn: Resamples,
    key_share: float | None = None,
) -> tuple[TableRow, ...]:
    """The rows of the table, in the order of the results; first that of the raters, if any.

    `key_share` is that of `key_frames`.
    """
    results, everything = made.results, made.results[ALL, ALL].run(0)
    precision, correlation = mean_quality(made, key_share)
    agreement = {name: one.figures for name, one in made.agreement.items()}
    regret = regrets(results, made.choices)
    kinds = {one.name: one.kind for one in rankings}
    # What matches a free choice comes from draws of its own, which its scores do not describe.
    unscored = {(one.name, FREE) for one in rankings if not has_free_choice(one.runs[0])}
    rows = [
        TableRow(
            ranking=name,
            frames=frames,
            figures=figure_intervals(found, everything, made.label, drawn),
            mean_frames=float(found.frames.mean()),
            runs=len(found.error),
            average_precision=None if (name, frames) in unscored else precision.get(name),
            kind=kinds.get(name, "reference"),
            spearman=None if (name, frames) in unscored else correlation.get(name),
            regret=regret.get((name, frames)),
            targets=target_intervals(found, made.label, made.targets, drawn),
            agreement={} if (name, frames) in unscored else agreement.get(name, {}),
        )
        for (name, frames), found in results.items()
    ]
    if HUMAN in agreement:
        human = TableRow(HUMAN, "", {}, math.nan, 1, None, "reference", agreement=agreement[HUMAN])
        rows.insert(0, human)
    return tuple(rows)
