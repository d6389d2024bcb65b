"""The cache: one HDF5 file of frozen backbone outputs, per frame, and labels, per video."""

from frame_select_env.cache.bundled import bundled_names, cache_path, open_cache
from frame_select_env.cache.clips import Clips, frame_index
from frame_select_env.cache.read import FeatureCache
from frame_select_env.cache.write import write_cache

__all__ = [
    "Clips",
    "FeatureCache",
    "bundled_names",
    "cache_path",
    "frame_index",
    "open_cache",
    "write_cache",
]
