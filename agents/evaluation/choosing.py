"""Choosing m, the number of frames to keep: on validation videos alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from agents.evaluation.combined import fitted_without
from agents.evaluation.intervals import correlation
from agents.evaluation.references import RankingRuns
from agents.evaluation.scoring import (
    EvaluationSettings,
    FrameCount,
    ScoringRequest,
    VideoResults,
    score_videos,
)
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.validation import FEW, NEEDED
from frame_select_env.wording import counted

ChoiceRule = Literal["best", "one-se", "pcc"]
FRAMES = (1, 2, 4, 8, 12)  # the numbers of frames m of tables, unless told
# The rule whose row stands beside that of the headline's, `chosen`.
BESIDE: dict[ChoiceRule, ChoiceRule] = {"best": "one-se", "one-se": "best", "pcc": "best"}
WORDS: dict[ChoiceRule, str] = {
    "best": "at the number of frames (or all) that gives the lowest error on validation videos",
    "one-se": "at the most frames within one standard error of the lowest error on validation "
    "videos",
    "pcc": "at the number of frames (or all) that correlates best on validation videos",
}
Results = Mapping[FrameCount, VideoResults]  # by m, ascending
Choices = dict[str, list[tuple[int, FrameCount]]]  # by ranking: a run, and the m that it chose


def frames_to_score(asked: Sequence[int] | None, num_frames: int) -> tuple[int, ...]:
    """The numbers of frames m of tables: those that are asked for, or of `FRAMES` those up to T."""
    return tuple(m for m in FRAMES if m <= num_frames) if asked is None else tuple(asked)


def choose(
    settings: EvaluationSettings,
    rankings: Sequence[RankingRuns],
    sets: Sequence[np.ndarray],
    frames: Sequence[int],
    rules: Sequence[ChoiceRule],
    progress: str,
) -> dict[ChoiceRule, Choices]:
    """Let every run choose the m in `frames`, or "all", by its results on validation videos.

    It chooses once by each of the `rules`. A ranking without validation videos of its own uses all
    `sets` of them: a single run (a formula) chooses once on each distinct set, several runs (draws)
    take turns.
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
    chosen: dict[tuple[ChoiceRule, str, int, bytes], FrameCount] = {}
    for key, rows in distinct.items():
        here = [(one, run) for one in rankings for run, at in turns[one.name] if at == key]
        requests = [
            ScoringRequest(fitted_without(one.runs[run], rows), frames) for one, run in here
        ]
        whole, scored, _ = score_videos(settings, rows, requests, progress=progress)
        for (one, run), found in zip(here, scored, strict=True):
            results = {**found.results, "all": whole}
            for rule in rules:
                m = RULES[rule](results, settings.cache.labels[rows])
                chosen[rule, one.name, run, key] = m
    return {
        rule: {
            name: [(run, chosen[rule, name, run, key]) for run, key in own]
            for name, own in turns.items()
        }
        for rule in rules
    }


def few_videos_note(sets: Sequence[np.ndarray]) -> str:
    """What to know of m that was chosen on few videos, the least of the `sets`; else empty."""
    fewest = min(map(len, sets))
    if fewest >= FEW:
        return ""
    return f"the number of frames was chosen on {counted(fewest, 'validation video')}; {NEEDED}"


def check_rule(rule: str, task: str) -> None:
    """Raise FrameSelectError for an unknown rule, or one that the task does not have."""
    if rule not in RULES:
        raise FrameSelectError(known("rule to choose by", rule, RULES))
    if rule == "pcc" and task != "regression":
        raise FrameSelectError("rule to choose by 'pcc': is for regressions; use best or one-se")


def lowest_error(results: Results, label: np.ndarray) -> FrameCount:
    """The number of frames with the lowest mean error; the last of equals."""
    return _least({m: float(found.error.mean()) for m, found in results.items()})


def highest_correlation(results: Results, label: np.ndarray) -> FrameCount:
    """The number of frames with the highest correlation, averaged over targets."""
    return _least({m: -correlation(one.predicted[None], label) for m, one in results.items()})


def one_standard_error(results: Results, label: np.ndarray) -> FrameCount:
    """The most frames whose error is at most one standard error above the lowest.

    The standard error is that of the difference, paired by video, as few videos can tell m apart
    only so far.
    """
    best = results[lowest_error(results, label)].error
    near = [
        m
        for m, found in results.items()
        if (found.error - best).mean() <= (found.error - best).std() / np.sqrt(len(best))
    ]
    return near[-1]


def _least(values: Mapping[FrameCount, float]) -> FrameCount:
    """The number of frames with the least value; the last of equals."""
    least = min(values.values())
    return [frames for frames, value in values.items() if value == least][-1]


# From the results [v] by m, and the labels.
RULES: dict[ChoiceRule, Callable[[Results, np.ndarray], FrameCount]] = {
    "best": lowest_error,
    "one-se": one_standard_error,
    "pcc": highest_correlation,
}
