"""Evaluation: every ranking and every reference on one split, with intervals and tables."""

from agents.evaluation.evaluate import evaluate
from agents.evaluation.intervals import Resamples
from agents.evaluation.result import Evaluation
from agents.evaluation.scoring import VideoResults

__all__ = ["Evaluation", "Resamples", "VideoResults", "evaluate"]
