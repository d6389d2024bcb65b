"""Rankings of frames that need no reinforcement learning, and reference predictors."""

import importlib
from typing import Any

# Imported when asked for: scikit-learn and SciPy are slow, and training an agent needs no ranking.
_MODULES = {
    **dict.fromkeys(("ON_REQUEST", "RANKINGS", "make_ranking", "ranking_names"), "registry"),
    **dict.fromkeys(("CumulativeMotion", "Diversity", "RandomFrames", "Uniform"), "formulas"),
    **dict.fromkeys(("ExactOracle", "HillClimb", "Oracle"), "oracle"),
    **dict.fromkeys(("AllLogits", "Pooled", "PooledAndAll"), "predictors"),
    "PooledAgreement": "agreement",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'baselines' has no attribute {name!r}")
    return getattr(importlib.import_module(f"baselines.{_MODULES[name]}"), name)
