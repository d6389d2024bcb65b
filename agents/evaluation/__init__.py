"""Evaluation: every ranking and every reference on one split, with intervals, tables, pictures."""

from agents.evaluation.evaluate import evaluate
from agents.evaluation.evaluation import Evaluation
from agents.evaluation.intervals import Interval, Resamples
from agents.evaluation.rows import FIGURES, Row
from agents.evaluation.verdicts import Setting, Verdict

__all__ = [
    "FIGURES",
    "Evaluation",
    "Interval",
    "Resamples",
    "Row",
    "Setting",
    "Verdict",
    "evaluate",
]
