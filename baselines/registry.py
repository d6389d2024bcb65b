"""The rankings by name. A new one is a score function and a line here."""

from collections.abc import Callable

from baselines.formula import Formula, confidence, window_confidence
from baselines.oracle import Oracle
from baselines.random_frames import RandomFrames
from baselines.uniform import Uniform
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.ranking import Ranking

CLASSES_ONLY = ("classification",)

# Name -> what makes the ranking from a seed. Only `random` uses the seed.
RANKINGS: dict[str, Callable[[int], Ranking]] = {
    "uniform": lambda seed: Uniform(),
    "random": RandomFrames,
    "confidence": lambda seed: Formula("confidence", confidence, CLASSES_ONLY),
    "window-confidence": lambda seed: Formula("window-confidence", window_confidence, CLASSES_ONLY),
    "oracle": lambda seed: Oracle(),
}


def ranking_names(task: str) -> list[str]:
    """The names of the rankings that can read the predictions of `task`, in the table's order."""
    return [name for name, make in RANKINGS.items() if _suits(make(0), task)]


def make_ranking(name: str, task: str = "classification", seed: int = 0) -> Ranking:
    """The ranking called `name`.

    Args:
        name: One of `RANKINGS`.
        task: The cache's: "classification" or "regression".
        seed: Of the draw, for `random`.

    Raises:
        FrameSelectError: for an unknown name, or a ranking that has no meaning for the task.
    """
    if name not in RANKINGS:
        raise FrameSelectError(known("ranking", name, RANKINGS))
    ranking = RANKINGS[name](seed)
    if not _suits(ranking, task):
        names = ", ".join(ranking_names(task))
        raise FrameSelectError(f"ranking {name!r} has no meaning for a {task}; use one of: {names}")
    return ranking


def _suits(ranking: Ranking, task: str) -> bool:
    return task in getattr(ranking, "tasks", (task,))
