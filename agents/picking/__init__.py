"""Picking frames of new videos by a trained agent: in Python, and as files."""
