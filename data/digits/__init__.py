"""The digits videos: a small untrimmed problem made of scikit-learn's real digit images."""

from data.digits.make import digits_source

__all__ = ["digits_source"]
