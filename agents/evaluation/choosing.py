"""Choosing m, the number of frames to keep: on validation videos alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from agents.evaluation.combined import fitted_without
from agents.evaluation.references import RankingRuns
from agents.evaluation.scoring import (
    EvaluationSettings,
    FrameCount,
    ScoringRequest,
    score_videos,
)

ChoiceRule = Literal["best", "one-se"]
Choices = dict[str, list[tuple[int, FrameCount]]]  # by ranking: a run, and the m that it chose


def choose(
    settings: EvaluationSettings,
    rankings: Sequence[RankingRuns],
    sets: Sequence[np.ndarray],
    frames: Sequence[int],
    rule: ChoiceRule,
    progress: str,
) -> Choices:
    """Let every run choose the m in `frames`, or "all", by its error on validation videos.

    A ranking without validation videos of its own uses all `sets` of them: a single run (a formula)
    chooses once on each distinct set, several runs (draws) take turns.
    """
    distinct = {rows.tobytes(): rows for rows in sets}
    keys = list(distinct)
    turns: dict[str, list[tuple[int, bytes]]] = {}  # by ranking: a run, and the set it chooses on
    for one in rankings:
        if one.validation is not None:
            turns[one.name] = list(enumerate(rows.tobytes() for rows in one.validation))
        elif len(one.runs) == 1:
            turns[one.name] = [(0, key) for key in keys]
        else:
            turns[one.name] = [(run, keys[run % len(keys)]) for run in range(len(one.runs))]
    chosen: dict[tuple[str, int, bytes], FrameCount] = {}
    for key, rows in distinct.items():
        here = [(one, run) for one in rankings for run, at in turns[one.name] if at == key]
        requests = [
            ScoringRequest(fitted_without(one.runs[run], rows), frames) for one, run in here
        ]
        whole, scored, _ = score_videos(settings, rows, requests, progress=progress)
        for (one, run), found in zip(here, scored, strict=True):
            errors = {m: result.error for m, result in found.results.items()}
            chosen[one.name, run, key] = RULES[rule]({**errors, "all": whole.error})
    return {
        name: [(run, chosen[name, run, key]) for run, key in own] for name, own in turns.items()
    }


def lowest_error(errors: Mapping[FrameCount, np.ndarray]) -> FrameCount:
    """The number of frames with the lowest mean error [v]; the last of equals, listed ascending."""
    means = {frames: float(error.mean()) for frames, error in errors.items()}
    least = min(means.values())
    return [frames for frames, error in means.items() if error == least][-1]


def one_standard_error(errors: Mapping[FrameCount, np.ndarray]) -> FrameCount:
    """The most frames whose error is at most one standard error above the lowest.

    The standard error is that of the difference, paired by video, as few videos can tell m apart
    only so far. `errors` [v] are listed by ascending frames.
    """
    best = errors[lowest_error(errors)]
    near = [
        frames
        for frames, error in errors.items()
        if (error - best).mean() <= (error - best).std() / np.sqrt(len(best))
    ]
    return near[-1]


RULES: dict[ChoiceRule, Callable[[Mapping[FrameCount, np.ndarray]], FrameCount]] = {
    "best": lowest_error,
    "one-se": one_standard_error,
}
