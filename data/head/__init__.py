"""The head that turns cached features into predictions: linear, trained through the consensus."""

from data.head.crossfit import Crossfit, FittedHeads, fit_heads
from data.head.linear import LinearHead, TrainingVideos, head_input, training_rows

__all__ = [
    "Crossfit",
    "FittedHeads",
    "LinearHead",
    "TrainingVideos",
    "fit_heads",
    "head_input",
    "training_rows",
]
