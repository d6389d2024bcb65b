"""The cache: one HDF5 file of frozen backbone outputs, per frame, and labels, per video."""

from frame_select_env.cache.clips import Clips, clips_of_video
from frame_select_env.cache.files import file_digest
from frame_select_env.cache.read import FeatureCache, open_cache
from frame_select_env.cache.summaries import Summaries
from frame_select_env.cache.tables import View, frame_index
from frame_select_env.cache.write import write_cache

__all__ = [
    "Clips",
    "FeatureCache",
    "Summaries",
    "View",
    "clips_of_video",
    "file_digest",
    "frame_index",
    "open_cache",
    "write_cache",
]
