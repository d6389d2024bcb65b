"""Extraction: from video files to a cache, one shard a video, so that long work survives."""

from data.extraction.extract import extract
from data.extraction.extraction import Extraction
from data.extraction.settings import Settings

__all__ = ["Extraction", "Settings", "extract"]
