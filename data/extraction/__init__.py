"""Extraction: from video files to a cache, with one shard per video so that it can be resumed."""

from data.extraction.pipeline import extract
from data.extraction.settings import Extraction, Settings

__all__ = ["Extraction", "Settings", "extract"]
