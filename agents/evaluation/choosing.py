"""Choosing m, the number of frames to keep, on validation videos alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.evaluation.references import RankingRuns
from agents.evaluation.scoring import EvaluationSettings, FrameCount, ScoringRequest, score_videos


@dataclass(frozen=True)
class FrameChoice:
    """The number of frames that one run chose: the run's index in its ranking, and m or "all"."""

    run: int
    frames: FrameCount


def choose_frames(
    settings: EvaluationSettings,
    rankings: Sequence[RankingRuns],
    default: np.ndarray | None,
    frames: Sequence[int],
    progress: str = "",
) -> dict[str, list[FrameChoice]]:
    """Let every run choose the m in `frames`, or "all", with the lowest error on validation videos.

    A ranking without validation videos of its own uses those of the others: a single run (a
    formula) chooses once on each distinct set of videos, several runs (draws) take turns.

    Args:
        settings: How to read and to average.
        rankings: The rankings that choose.
        default: [v] rows in the cache, used if no ranking has validation videos; with None,
            rankings without videos then choose nothing.
        frames: The m to choose from, ascending.
        progress: See `score_videos`.

    Returns:
        Ranking's name -> one choice per run, or per set of videos. Ties go to more frames, and
        "all" is the most.
    """
    sets: list[np.ndarray] = []
    own = {
        ranking.name: [_set_index(sets, rows) for rows in ranking.validation]
        for ranking in rankings
        if ranking.validation is not None
    }
    if not sets and default is not None:
        sets.append(default)
    # Ranking -> pairs (run, index of the set that the run chooses on).
    pairs = {one.name: _pairs(len(one.runs), own.get(one.name), len(sets)) for one in rankings}
    chosen: dict[tuple[str, int, int], FrameCount] = {}
    for index, rows in enumerate(sets):
        here = [(one, run) for one in rankings for run, at in pairs[one.name] if at == index]
        requests = [ScoringRequest(one.runs[run], tuple(frames)) for one, run in here]
        whole, scored, _ = score_videos(settings, rows, requests, progress=progress)
        for (one, run), found in zip(here, scored, strict=True):
            errors: dict[FrameCount, float] = {
                m: float(found.results[m].error.mean()) for m in frames
            }
            errors["all"] = float(whole.error.mean())
            chosen[one.name, run, index] = lowest_error(errors)
    return {
        name: [FrameChoice(run, chosen[name, run, index]) for run, index in own_pairs]
        for name, own_pairs in pairs.items()
    }


def lowest_error(errors: Mapping[FrameCount, float]) -> FrameCount:
    """The number of frames with the lowest error; the last of equals, so list them ascending."""
    least = min(errors.values())
    return [frames for frames, error in errors.items() if error == least][-1]


def _set_index(sets: list[np.ndarray], rows: np.ndarray) -> int:
    """The index of a set of videos among the distinct sets; a new set is appended."""
    for index, known in enumerate(sets):
        if np.array_equal(known, rows):
            return index
    sets.append(np.asarray(rows, np.int64))
    return len(sets) - 1


def _pairs(runs: int, own: list[int] | None, sets: int) -> list[tuple[int, int]]:
    if own is not None:
        return list(enumerate(own))
    if runs == 1:
        return [(0, index) for index in range(sets)]
    return [(run, run % sets) for run in range(runs) if sets]
