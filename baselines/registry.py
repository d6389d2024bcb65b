"""The rankings by name. To add one, write a score function and a line here."""

from collections.abc import Callable

from baselines import formulas
from baselines.adaptive_split import AdaptiveSplit
from baselines.determinantal import DiversityDPP
from baselines.formulas import CumulativeMotion, Diversity, Formula, RandomFrames, Uniform
from baselines.gates import CoarseToFine, frame_exit, random_exit
from baselines.inverse_transform import InverseTransform
from baselines.oracle import ExactOracle, HillClimb, Oracle
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.ranking import Ranking

CLASSES_ONLY = ("classification",)

# Name -> a function that makes the ranking from a seed, which only `random` uses. These are the
# references in every evaluation, so they have to be fast: except for the oracle, the ceiling of
# every table, their cost is linear in the number of frames.
RANKINGS: dict[str, Callable[[int], Ranking]] = {
    "uniform": lambda seed: Uniform(),
    "centre": lambda seed: Formula("centre", formulas.centre),
    "random": RandomFrames,
    "confidence": lambda seed: Formula("confidence", formulas.confidence, CLASSES_ONLY),
    "window-confidence": lambda seed: Formula(
        "window-confidence", formulas.window_confidence, CLASSES_ONLY
    ),
    "entropy": lambda seed: Formula("entropy", formulas.entropy, CLASSES_ONLY),
    "motion": lambda seed: Formula("motion", formulas.motion),
    "cumulative-motion": lambda seed: CumulativeMotion(),
    "oracle": lambda seed: Oracle(),
}

# The same for rankings that are only evaluated on request.
ON_REQUEST: dict[str, Callable[[int], Ranking]] = {
    "coarse-to-fine": lambda seed: CoarseToFine(),
    "frame-exit": frame_exit,
    "random-exit": random_exit,
    "diversity": lambda seed: Diversity(),
    "diversity-dpp": lambda seed: DiversityDPP(),
    "adaptive-split": lambda seed: AdaptiveSplit(),
    "inverse-transform": lambda seed: InverseTransform(),
    "hill-climb": lambda seed: HillClimb(),
    "exact-oracle": lambda seed: ExactOracle(),
}


def ranking_names(task: str, on_request: bool = False) -> list[str]:
    """The names of the rankings that apply to the cache's `task`, in the order of tables."""
    listed = {**RANKINGS, **ON_REQUEST} if on_request else RANKINGS
    return [name for name, make in listed.items() if task in getattr(make(0), "tasks", (task,))]


def make_ranking(name: str, task: str = "classification", seed: int = 0) -> Ranking:
    """The ranking called `name`; FrameSelectError if it is unknown or does not suit the task."""
    every = {**RANKINGS, **ON_REQUEST}
    if name not in every:
        raise FrameSelectError(known("ranking", name, every))
    suited = ranking_names(task, on_request=True)
    if name not in suited:
        names = ", ".join(suited)
        raise FrameSelectError(f"ranking {name!r} does not apply to a {task}; use one of: {names}")
    return every[name](seed)
