"""The learners: agents that pick frames, their command line, evaluation and comparison."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.picking.selector import Selection, Selector
    from agents.policies.policy_ranking import PolicyRanking

#: Public name -> its module, imported when it is asked for: torch takes long to import.
NAMES = {
    "PolicyRanking": "agents.policies.policy_ranking",
    "Selection": "agents.picking.selector",
    "Selector": "agents.picking.selector",
}
__all__ = ["PolicyRanking", "Selection", "Selector"]


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(NAMES[name]), name)
