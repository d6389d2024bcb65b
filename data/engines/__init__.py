"""Engines: where independent tasks run, and what is left when one of them fails."""

from data.engines.attempt import Outcome
from data.engines.engine import ENGINES, Engine, run_all

__all__ = ["ENGINES", "Engine", "Outcome", "run_all"]
