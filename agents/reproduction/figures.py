"""The figures of a study's lines: accuracies averaged over data sets, gains, rescued and broken."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.comparison.results import DataSetResults
from agents.comparison.samples import Sample, correlation_sample, pooled_mean, sample
from agents.evaluation.intervals import Interval
from agents.evaluation.references import CHOSEN, FREE
from agents.evaluation.selected_pooled import BEST_OF_FOUR, THEN_POOLED
from agents.reproduction.study import AGENT, NETWORK, Line, Measured, Study


@dataclass(frozen=True)
class Figure:
    """What was measured for a line and an agent, at one number of frames."""

    line: Line
    ranking: str  # the agent as it was trained, or the reference
    frames: str  # m, "chosen" or "free"
    score: Interval  # accuracy (regression: correlation, averaged over targets)
    gain: Interval  # over keeping all frames
    kept: float  # the share of the valid frames that is kept
    # the share of videos that all frames get wrong, and the selection right (regression: where it
    # has the smaller error)
    rescued: float
    broken: float  # the reverse
    runs: int
    samples: Sequence[Sample]  # of each data set


@dataclass(frozen=True)
class Reproduced:
    """A study that was run: what its files are made of."""

    study: Study
    data: Mapping[str, str]  # caches by source
    agents: Sequence[str]
    measured: Sequence[Measured]
    figures: Sequence[Figure]
    num_frames: int
    notes: Sequence[str] = ()


def figures(measured: Iterable[Measured]) -> list[Figure]:
    """The figures of every line for which there are results."""
    found = []
    for one in measured:
        rows = [str(one.frames), *([CHOSEN, FREE] if one.line.ranking == AGENT else [])]
        if one.line.ranking in ("all", NETWORK) or one.line.made in (THEN_POOLED, BEST_OF_FOUR):
            rows = ["all"]
        for frames in rows:
            if all((one.row, frames) in own.evaluation.results for own in one.results):
                found.append(_figure(one.line, one.agent, one.row, frames, one.results))
    return found


def _figure(
    line: Line, agent: str, name: str, frames: str, own: Sequence[DataSetResults]
) -> Figure:
    """The figure of one row, averaged over data sets."""
    scores, gains, kept, rescued, broken = [], [], [], [], []
    for seed, one in enumerate(own):
        results, whole = one.evaluation.results[name, frames], one.evaluation.results["all", "all"]
        drawn = one.evaluation.draw(seed)
        if one.task == "regression":
            told, label = results.predicted, one.evaluation.label
            scores.append(correlation_sample(told, None, label, drawn))
            gains.append(correlation_sample(told, whole.predicted[0], label, drawn))
        else:
            scores.append(sample(1 - results.error, drawn))
            gains.append(sample(whole.error - results.error, drawn))
        kept.append((results.frames / whole.frames).mean())
        rescued.append((results.error < whole.error).mean())
        broken.append((results.error > whole.error).mean())
    return Figure(
        line=line,
        ranking=agent,
        frames=frames,
        score=pooled_mean(scores),
        gain=pooled_mean(gains),
        kept=float(np.mean(kept)),
        rescued=float(np.mean(rescued)),
        broken=float(np.mean(broken)),
        runs=len(own[0].evaluation.results[name, frames].error),
        samples=scores,
    )
