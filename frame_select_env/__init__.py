"""Gymnasium environments for choosing which frames of a video a model should look at.

Importing the package registers the environments:

    import gymnasium as gym, frame_select_env
    env = gym.make("FrameSelect/OneShot-v0", data="cues")
"""

from frame_select_env.cache import Clips, FeatureCache, open_cache, write_cache
from frame_select_env.envs import register_environments
from frame_select_env.errors import CacheError, FrameSelectError
from frame_select_env.ranking import Ranking, top_frames
from frame_select_env.rewards import Outcome, register_reward

__version__ = "0.2.0"
__all__ = [
    "CacheError",
    "Clips",
    "FeatureCache",
    "FrameSelectError",
    "Outcome",
    "Ranking",
    "open_cache",
    "register_reward",
    "top_frames",
    "write_cache",
]

register_environments()
