"""Synthetic data: the digits and the cues videos, and planted videos of a known best selection."""
