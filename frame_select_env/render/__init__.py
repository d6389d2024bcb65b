"""Rendering: what a person sees of an episode, as an image (with Pillow) or as text."""

from typing import Any

import gymnasium as gym
from gymnasium.core import RenderFrame

from frame_select_env.envs.episodes import Episodes
from frame_select_env.errors import FrameSelectError
from frame_select_env.render.scene import draw_text, read_scene

RENDER_METADATA: dict[str, Any] = {"render_modes": ["rgb_array", "ansi"], "render_fps": 4}


def check_render_mode(mode: str | None) -> None:
    """Refuse a render mode that does not exist, or whose library is not installed."""
    allowed = RENDER_METADATA["render_modes"]
    if mode is not None and mode not in allowed:
        listed = ", ".join(map(repr, allowed))
        raise FrameSelectError(f"render_mode={mode!r}: must be None or one of {listed}")
    if mode == "rgb_array":
        try:
            import PIL.Image  # noqa: F401
        except ImportError:
            raise FrameSelectError(
                "render_mode='rgb_array' needs Pillow: "
                'pip install "frame-select-env[render]" (render_mode="ansi" works without)'
            ) from None


def render_episode(
    episodes: Episodes, slot: int, over: bool, mode: str | None
) -> RenderFrame | None:
    """The episode in `slot`: an image [H, W, 3] uint8, a text, or None without a render mode."""
    if mode is None:
        gym.logger.warn(
            "render() was called without a render mode; "
            "pass render_mode='rgb_array' or 'ansi' to gym.make"
        )
        return None
    scene = read_scene(episodes, slot, over)
    if mode == "ansi":
        return draw_text(scene)
    # Imported here, so that environments that are never rendered do not load Pillow.
    from frame_select_env.render.picture import draw_picture

    return draw_picture(scene)
