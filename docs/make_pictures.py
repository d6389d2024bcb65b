"""Draws the animated pictures of the site and the README: one short episode of every environment.

Run it from a clone: python docs/make_pictures.py
"""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from PIL import Image

import frame_select_env  # noqa: F401 - registers the environments

PICTURES = Path(__file__).parent / "pictures"
WIDTH = 720  # pixels
SECONDS, LAST_SECONDS = 0.45, 2.5  # how long a step, and the end of the episode, is shown
VIDEO = 513  # a row of digits: wrong with all frames, right with the key frames alone


def key_frames(env: gym.Env[Any, Any]) -> np.ndarray:
    """The frames of the episode's video that show the true digit: [T] bool."""
    cache = env.unwrapped.cache  # type: ignore[attr-defined]
    return cache.read_frames("importance", np.array([VIDEO]), 25)[0] > 0


def episode(name: str, policy: Any, **keywords: Any) -> list[np.ndarray]:
    """The pictures of one episode, a picture a step."""
    env = gym.make(name, data="digits", split="test", render_mode="rgb_array", **keywords)
    observation, info = env.reset(seed=0, options={"video": VIDEO})
    pictures, over = [env.render()], False
    while not over:
        observation, _, over, _, info = env.step(policy(env, observation, info))
        pictures.append(env.render())
    return pictures  # type: ignore[return-value]


def keep_key_frames(env: gym.Env[Any, Any], observation: Any, info: Any) -> np.ndarray:
    """OneShot: keep the key frames and discard the others."""
    return key_frames(env).astype(np.int8)


def keep_at_cursor(env: gym.Env[Any, Any], observation: Any, info: Any) -> int:
    """Sequential: keep the frame at the cursor if it is a key frame."""
    return int(key_frames(env)[observation["cursor"][0]])


def pick_from_the_middle(env: gym.Env[Any, Any], observation: Any, info: Any) -> int:
    """Pick: the key frames from the middle outwards, then others."""
    key, legal = key_frames(env), info["action_mask"][:25] == 1
    centre = np.flatnonzero(key).mean()
    distance = np.abs(np.arange(25) - centre) + 100 * ~key + 1000 * ~legal
    return int(distance.argmin())


def look_around(env: gym.Env[Any, Any], observation: Any, info: Any) -> int:
    """Glance: from coarse to fine until a key frame is found, then beside it; then answer."""
    selected, key = observation["selected"] == 1, key_frames(env)
    found = np.flatnonzero(selected & key)
    if len(found) > 2:
        return 25
    if len(found):
        unseen = np.flatnonzero(~selected)
        return int(unseen[np.abs(unseen - found[0]).argmin()])
    return next(frame for frame in (12, 4, 20, 8, 16, 0) if not selected[frame])


def write_gif(path: Path, pictures: list[np.ndarray]) -> None:
    """An endless animation with a palette of its own, scaled to `WIDTH` pixels."""
    images = [Image.fromarray(picture) for picture in pictures]
    size = (WIDTH, round(WIDTH * images[0].height / images[0].width))
    images = [image.resize(size, Image.Resampling.LANCZOS) for image in images]
    palette = images[-1].quantize(64)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    durations = [1000 * SECONDS] * (len(images) - 1) + [1000 * LAST_SECONDS]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True
    )
    print(f"{path}: {len(images)} pictures, {path.stat().st_size // 1000} kB")


def main() -> None:
    """Draw them all."""
    PICTURES.mkdir(exist_ok=True)
    for file, name, policy, keywords in (
        ("one-shot", "OneShot", keep_key_frames, {}),
        ("sequential", "Sequential", keep_at_cursor, {"dense": True}),
        ("pick", "Pick", pick_from_the_middle, {"picks": 5, "dense": True}),
        ("glance", "Glance", look_around, {"picks": 6}),
    ):
        pictures = episode(f"FrameSelect/{name}-v0", policy, **keywords)
        write_gif(PICTURES / f"{file}.gif", pictures)


if __name__ == "__main__":
    main()
