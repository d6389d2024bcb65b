"""Choosing m, the number of frames to keep: on validation videos alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agents.evaluation.references import RankingRuns
from agents.evaluation.scoring import EvaluationSettings, FrameCount, ScoringRequest, score_videos
from frame_select_env.ranking import Ranking

Choices = dict[str, list[tuple[int, FrameCount]]]  # by ranking: a run, and the m that it chose


def choose(
    settings: EvaluationSettings,
    rankings: Sequence[RankingRuns],
    sets: Sequence[np.ndarray],
    frames: Sequence[int],
    progress: str,
) -> Choices:
    """Let every run choose the m in `frames`, or "all", with the lowest error on validation videos.

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
        requests = [ScoringRequest(_outside(one.runs[run], rows), frames) for one, run in here]
        whole, scored, _ = score_videos(settings, rows, requests, progress=progress)
        for (one, run), found in zip(here, scored, strict=True):
            errors = {m: float(result.error.mean()) for m, result in found.results.items()}
            errors["all"] = float(whole.error.mean())
            chosen[one.name, run, key] = lowest_error(errors)
    return {
        name: [(run, chosen[name, run, key]) for run, key in own] for name, own in turns.items()
    }


def _outside(ranking: Any, rows: np.ndarray) -> Ranking:
    """The ranking; one that was fitted on validation videos is fitted without them."""
    return ranking.without(rows) if hasattr(ranking, "without") else ranking


def lowest_error(errors: Mapping[FrameCount, float]) -> FrameCount:
    """The number of frames with the lowest error; the last of equals, so list them ascending."""
    least = min(errors.values())
    return [frames for frames, error in errors.items() if error == least][-1]
