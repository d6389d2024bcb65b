"""The networks, in plain torch: what a run folder's weights belong to."""

from agents.networks.decision import DecisionNetwork, Encoder
from agents.networks.frame_scorer import FrameScorer, State
from agents.networks.frame_set import FORBIDDEN, FrameSetNetwork
from agents.networks.network import Network

__all__ = [
    "FORBIDDEN",
    "DecisionNetwork",
    "Encoder",
    "FrameScorer",
    "FrameSetNetwork",
    "Network",
    "State",
]
