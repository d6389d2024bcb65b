"""Rankings of frames that need no reinforcement learning, and reference predictions."""

from baselines.all_logits import AllLogits
from baselines.diversity import Diversity
from baselines.exact_oracle import ExactOracle
from baselines.hill_climb import HillClimb
from baselines.motion import CumulativeMotion
from baselines.oracle import Oracle
from baselines.pooled import Pooled
from baselines.random_frames import RandomFrames
from baselines.registry import ON_REQUEST, RANKINGS, make_ranking, ranking_names
from baselines.uniform import Uniform

__all__ = [
    "ON_REQUEST",
    "RANKINGS",
    "AllLogits",
    "CumulativeMotion",
    "Diversity",
    "ExactOracle",
    "HillClimb",
    "Oracle",
    "Pooled",
    "RandomFrames",
    "Uniform",
    "make_ranking",
    "ranking_names",
]
