"""Regret: what a ranking leaves on the table against the oracle at the same number of frames."""

from collections.abc import Mapping, Sequence

import numpy as np

from agents.evaluation.judging import Frames
from agents.evaluation.verdicts import Verdict

ORACLE = "oracle"


def regrets(
    verdicts: Mapping[tuple[str, str], Verdict], chosen: Mapping[str, Sequence[Frames]]
) -> dict[tuple[str, str], float]:
    """The oracle's accuracy minus a ranking's, both keeping m frames, for every row with an m.

    For a regression, by how much its MAE is above the oracle's. A row `chosen` is compared run by
    run at that run's m, where "all" leaves the oracle no choice either. Rows `free` and `all` have
    no m and no regret. The oracle is greedy, so a regret may be negative.

    Args:
        verdicts: (ranking, frames) -> the verdicts of R runs.
        chosen: Ranking -> the m (or "all") of every run in its row `chosen`.

    Returns:
        (ranking, frames) -> the mean over runs and videos; empty without the oracle's rows.
    """
    least = {
        frames: float(verdict.error.mean())
        for (name, frames), verdict in verdicts.items()
        if name == ORACLE and frames.isdigit()
    }
    if not least:
        return {}
    least["all"] = float(verdicts["all", "all"].error.mean())
    found = {}
    for (name, frames), verdict in verdicts.items():
        if frames == "chosen":
            same = float(np.mean([least[str(m)] for m in chosen[name]]))
        elif frames.isdigit():
            same = least[frames]
        else:
            continue
        found[name, frames] = float(verdict.error.mean() - same)
    return found
