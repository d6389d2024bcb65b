"""Synthetic data: the digits videos, and planted videos with a known best selection."""
