"""The leaderboard of a suite: what follows from results.csv alone.

Intervals resample runs within each task (Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep
Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021): the videos are
those of the suite, and are not resampled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from agents.comparison.samples import (
    Profile,
    Sample,
    performance_profile,
    pooled_gap,
    pooled_iqm,
    pooled_mean,
    profile_thresholds,
)
from agents.evaluation.intervals import Interval
from agents.evaluation.text_tables import TextTable, markdown_table
from agents.suite.results import ResultRow
from agents.suite.tasks import TASKS
from frame_select_env import FrameSelectError

RESAMPLES = 2000
Run = tuple[int, int]  # the seeds of the videos and of the run

NOTE = (
    "A score is 0 for keeping all frames (where looks cost: for the best gate) and 1 for the true "
    "key frames; an agent can be above 1, as some key frames mislead and other frames may help. "
    "Brackets are 95 % intervals that resample seeds; the test videos are the same for all. With "
    "few seeds they are too narrow, and one seed has none. Gap: the optimality gap, how far runs "
    "stay below 1 on average, those above counting as 1."
)


@dataclass(frozen=True)
class Leaderboard:
    """Agents and tasks with their scores."""

    agents: tuple[str, ...]  # best first
    tasks: tuple[str, ...]
    shared: tuple[str, ...]  # the tasks that all agents have, which are aggregated
    scores: dict[tuple[str, str], dict[Run, float]]  # by agent and task
    trained: dict[tuple[str, str], str]  # what an agent is on a task, say reinforce-glance
    plans: tuple[str, ...]  # their sha256

    def interval(self, agent: str, task: str) -> Interval | None:
        """The mean score of an agent on a task; None if it does not fit."""
        return pooled_mean([self._sample(agent, task)]) if (agent, task) in self.scores else None

    def iqm(self, agent: str) -> Interval | None:
        """The interquartile mean of the runs on all shared tasks; None if there are none."""
        return pooled_iqm(self._samples(agent)) if self.shared else None

    def mean(self, agent: str) -> Interval | None:
        """The mean of the scores on the shared tasks."""
        return pooled_mean(self._samples(agent)) if self.shared else None

    def gap(self, agent: str) -> Interval | None:
        """How far the runs on the shared tasks stay below 1, averaged over tasks."""
        return pooled_gap(self._samples(agent)) if self.shared else None

    def profiles(self) -> dict[str, Profile]:
        """By agent the share of runs above each score, averaged over the shared tasks."""
        samples = {agent: self._samples(agent) for agent in self.agents}
        threshold = profile_thresholds(chain(*samples.values()), (0, 1))
        return {agent: performance_profile(own, threshold) for agent, own in samples.items()}

    def twins(self) -> dict[tuple[str, str], list[str]]:
        """The task and what was trained on it -> the agents that share these runs, two or more."""
        found: dict[tuple[str, str], list[str]] = {}
        for task in self.tasks:
            for agent in self.agents:
                if (agent, task) in self.trained:
                    found.setdefault((task, self.trained[agent, task]), []).append(agent)
        return {key: agents for key, agents in found.items() if len(agents) > 1}

    def _samples(self, agent: str) -> list[Sample]:
        return [self._sample(agent, task) for task in self.shared]

    def _sample(self, agent: str, task: str) -> Sample:
        return _sample([score for _, score in sorted(self.scores[agent, task].items())], task)


def _sample(scores: Sequence[float], task: str) -> Sample:
    """The scores of R runs and their resamples: the same draws for all agents of a task."""
    runs, place = len(scores), list(TASKS).index(task)
    drawn = np.random.default_rng([place, runs]).integers(0, runs, (RESAMPLES, runs))
    own = np.round(scores, 12)  # equal scores are ties whatever the order of their additions
    return Sample(own, own[drawn])


def make_leaderboard(rows: Iterable[ResultRow]) -> Leaderboard:
    """The leaderboard of the headline rows.

    Raises:
        FrameSelectError: if there are none, a run is there twice, or a task is unknown.
    """
    scores: dict[tuple[str, str], dict[Run, float]] = {}
    trained: dict[tuple[str, str], str] = {}
    plans: dict[str, None] = {}
    for row in rows:
        if not row.headline:
            continue
        plans[row.plan] = None
        own = scores.setdefault((row.agent, row.task), {})
        trained[row.agent, row.task] = row.trained
        run = row.corpus_seed, row.seed
        if run in own:
            raise FrameSelectError(f"{row.agent}, {row.task}, seed {row.seed}: is there twice")
        own[run] = row.score
    if not scores:
        raise FrameSelectError("no run is finished, so there is nothing to show")
    unknown = {task for _, task in scores} - set(TASKS)
    if unknown:
        raise FrameSelectError(f"task {min(unknown)!r}: is not one of the suite")
    tasks = tuple(task for task in TASKS if any(task == one for _, one in scores))
    agents = dict.fromkeys(agent for agent, _ in scores)
    shared = tuple(task for task in tasks if all((agent, task) in scores for agent in agents))
    board = Leaderboard(tuple(agents), tasks, shared, scores, trained, tuple(plans))

    def worth(agent: str) -> float:
        aggregate = board.iqm(agent)
        return -aggregate.value if aggregate else 0.0

    return replace(board, agents=tuple(sorted(agents, key=worth)))


def leaderboard_markdown(
    board: Leaderboard, picture: Path | None = None, profiles: Path | None = None
) -> str:
    """The page: the table of agents by tasks, and the plans it is made of."""
    parts = ["# Leaderboard"]
    parts += [f"![Score of every agent on every task]({picture.name})"] if picture else []
    parts += [f"![Performance profiles over the shared tasks]({profiles.name})"] if profiles else []
    parts += [markdown_table(score_table(board)), NOTE]
    if set(board.shared) != set(board.tasks):
        shared = ", ".join(board.shared) or "none"
        parts.append(f"IQM, mean and gap are over the tasks that all agents have: {shared}.")
        if picture:
            parts.append("A dotted line stands where an agent does not fit a task.")
    parts += [
        f"On `{task}`, {' and '.join(agents)} are the same runs of `{trained}`, trained once."
        for (task, trained), agents in board.twins().items()
    ]
    parts.append("Plan: " + ", ".join(f"sha256 `{plan}`" for plan in board.plans) + ".")
    return "\n\n".join(parts) + "\n"


def score_table(board: Leaderboard, intervals: bool = True) -> TextTable:
    """A row per agent: aggregates, then tasks."""
    heading = ["agent", "IQM", "mean", "gap", *board.tasks]
    rows = [
        [agent]
        + [
            _text(one, intervals)
            for one in (
                board.iqm(agent),
                board.mean(agent),
                board.gap(agent),
                *(board.interval(agent, task) for task in board.tasks),
            )
        ]
        for agent in board.agents
    ]
    return TextTable(heading, rows)


def _text(one: Interval | None, interval: bool = True) -> str:
    if one is None:
        return ""
    value, *ends = (f"{number:z.2f}" for number in astuple(one))
    return f"{value} [{', '.join(ends)}]" if interval else value
