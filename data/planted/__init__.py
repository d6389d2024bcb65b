"""Planted videos: synthetic data of any size and difficulty whose best selection is known."""

from data.planted.make import planted_videos, write_planted
from data.planted.recipe import Recipe

__all__ = ["Recipe", "planted_videos", "write_planted"]
