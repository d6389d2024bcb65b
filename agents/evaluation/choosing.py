"""Choosing m, the number of frames to keep, on validation videos alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.evaluation.entries import Entry
from agents.evaluation.judging import Frames, Request, judge
from agents.evaluation.verdicts import Setting


@dataclass(frozen=True)
class Choice:
    """The number of frames that one run chose: the run's place in its entry, and m or "all"."""

    run: int
    frames: Frames


def choose_frames(
    setting: Setting,
    entries: Sequence[Entry],
    default: np.ndarray | None,
    select: Sequence[int],
    progress: str = "",
) -> dict[str, list[Choice]]:
    """Let every run choose the m in `select`, or "all", of the lowest error on validation videos.

    An entry without videos of its own uses the others', all alike: one run (a formula) chooses
    anew on each distinct set of videos, several (draws) take the sets in turn.

    Args:
        setting: How to read and to average.
        entries: Who chooses.
        default: [v] rows in the cache, for when no entry has videos of its own; with None,
            entries without videos then choose nothing.
        select: The m to choose from, rising.
        progress: See `judge`.

    Returns:
        Entry's name -> one choice a run, or for each set of videos. Ties go to more frames,
        "all" being the most.
    """
    sets: list[np.ndarray] = []
    own = {
        entry.name: [_place(sets, rows) for rows in entry.validation]
        for entry in entries
        if entry.validation is not None
    }
    if not sets and default is not None:
        sets.append(default)
    # For every entry, in its order: which run chooses on which set of videos.
    turns = {
        entry.name: _turns(len(entry.runs), own.get(entry.name), len(sets)) for entry in entries
    }
    chosen: dict[tuple[str, int, int], Frames] = {}
    for place, rows in enumerate(sets):
        here = [(entry, run) for entry in entries for run, at in turns[entry.name] if at == place]
        requests = [Request(entry.runs[run], tuple(select)) for entry, run in here]
        found = judge(setting, rows, requests, progress=progress)
        for (entry, run), judged in zip(here, found.rankings, strict=True):
            errors: dict[Frames, float] = {}
            for m in select:
                errors[m] = float(judged.verdicts[m].error.mean())
            errors["all"] = float(found.all_frames.error.mean())
            chosen[entry.name, run, place] = fewest_errors(errors)
    return {
        name: [Choice(run, chosen[name, run, place]) for run, place in pairs]
        for name, pairs in turns.items()
    }


def fewest_errors(errors: Mapping[Frames, float]) -> Frames:
    """The number of frames of the lowest error; of equals the last, so list them rising."""
    least = min(errors.values())
    return [frames for frames, error in errors.items() if error == least][-1]


def _place(sets: list[np.ndarray], rows: np.ndarray) -> int:
    """The place of a set of videos among the distinct ones, where it is put if it is new."""
    for place, known in enumerate(sets):
        if np.array_equal(known, rows):
            return place
    sets.append(np.asarray(rows, np.int64))
    return len(sets) - 1


def _turns(runs: int, own: list[int] | None, sets: int) -> list[tuple[int, int]]:
    """Pairs of a run and the set of videos it chooses on."""
    if own is not None:
        return list(enumerate(own))
    if runs == 1:
        return [(0, place) for place in range(sets)]
    return [(run, run % sets) for run in range(runs) if sets]
