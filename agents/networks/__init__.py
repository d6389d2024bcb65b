"""The networks, in plain torch: what a run folder's weights belong to."""

from agents.networks.frame_scorer import FrameScorer, State

__all__ = ["FrameScorer", "State"]
