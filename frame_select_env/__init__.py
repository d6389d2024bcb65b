"""frame_select_env: which frames of a video should a model look at, as Gymnasium environments."""

from frame_select_env.cache import Clips, FeatureCache, open_cache, write_cache
from frame_select_env.errors import CacheError, FrameSelectError

__version__ = "0.1.0"
__all__ = ["CacheError", "Clips", "FeatureCache", "FrameSelectError", "open_cache", "write_cache"]
