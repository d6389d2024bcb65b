"""Rendering: what a person sees of an episode, as an image or as text."""

from frame_select_env.render.viewer import RENDER_METADATA, Viewer

__all__ = ["RENDER_METADATA", "Viewer"]
