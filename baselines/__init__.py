"""Rankings of frames that need no reinforcement learning, and reference predictions."""

from baselines.all_logits import AllLogits
from baselines.oracle import Oracle
from baselines.pooled import Pooled
from baselines.random_frames import RandomFrames
from baselines.registry import RANKINGS, make_ranking, ranking_names
from baselines.uniform import Uniform

__all__ = [
    "RANKINGS",
    "AllLogits",
    "Oracle",
    "Pooled",
    "RandomFrames",
    "Uniform",
    "make_ranking",
    "ranking_names",
]
