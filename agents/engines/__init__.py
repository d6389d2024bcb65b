"""Engines: where independent tasks run, and what is left when one of them fails."""

from agents.engines.attempt import Outcome
from agents.engines.engine import ENGINES, Engine, run_all

__all__ = ["ENGINES", "Engine", "Outcome", "run_all"]
