"""Extraction: from video files to a cache, with one shard per video so that it can be resumed."""
