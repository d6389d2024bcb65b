"""The dynamics: episodes of each decision process, in batches, in NumPy."""

from frame_select_env.dynamics.draws import Draws
from frame_select_env.dynamics.episodes import EVERY, Episodes, Facts, Slots
from frame_select_env.dynamics.one_shot import OneShotEpisodes
from frame_select_env.dynamics.pick import PickEpisodes
from frame_select_env.dynamics.sequential import SequentialEpisodes
from frame_select_env.dynamics.settings import (
    OneShotSettings,
    PickSettings,
    SequentialSettings,
    Settings,
    make_settings,
)

__all__ = [
    "EVERY",
    "Draws",
    "Episodes",
    "Facts",
    "OneShotEpisodes",
    "OneShotSettings",
    "PickEpisodes",
    "PickSettings",
    "SequentialEpisodes",
    "SequentialSettings",
    "Settings",
    "Slots",
    "make_settings",
]
