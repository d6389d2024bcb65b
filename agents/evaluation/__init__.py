"""Evaluation: every ranking and every reference on one split, with intervals and tables."""

from agents.evaluation.evaluate import evaluate
from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.result import FIGURES, LEVELS, Evaluation, TableRow
from agents.evaluation.scoring import EvaluationSettings, VideoResults

__all__ = [
    "FIGURES",
    "LEVELS",
    "Evaluation",
    "EvaluationSettings",
    "Interval",
    "Resamples",
    "TableRow",
    "VideoResults",
    "evaluate",
]
