"""Gymnasium's own wrappers collect, record and show what the environments render."""

import warnings
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import HumanRendering, RecordVideo
from gymnasium.wrappers.vector import RecordVideo as RecordVectorVideo

from frame_select_env import envs

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"


def test_render_collection_gathers_a_frame_a_step(planted):
    env = gym.make(SEQUENTIAL, data=str(planted), num_frames=5, render_mode="rgb_array_list")
    env.reset(options={"video": 0})
    steps, over = 0, False
    while not over:
        over, steps = env.step(1)[2], steps + 1
    frames = env.render()
    assert len(frames) == steps + 1
    assert len({frame.tobytes() for frame in frames}) == steps + 1


def films(folder: Path) -> list[tuple[int, tuple[int, int]]]:
    """Number of frames and size of each film in the folder."""
    import imageio_ffmpeg

    found = []
    for file in sorted(folder.glob("*.mp4")):
        frames, _ = imageio_ffmpeg.count_frames_and_secs(str(file))
        reader = imageio_ffmpeg.read_frames(str(file))
        found.append((frames, next(reader)["size"]))
        reader.close()
    return found


@pytest.mark.parametrize("name", list(envs.ENVIRONMENTS))
def test_record_video_writes_films(planted, tmp_path, name):
    env = gym.make(name, data=str(planted), num_frames=5, render_mode="rgb_array")
    height, width = (env.reset(seed=0), env.render())[1].shape[:2]
    env = RecordVideo(env, str(tmp_path / "films"), episode_trigger=lambda episode: True)
    env.action_space.seed(0)
    lengths = []
    for seed in range(2):
        env.reset(seed=seed)
        steps, over = 1, False
        while not over:
            over, steps = env.step(env.action_space.sample())[2], steps + 1
        lengths.append(steps)
    env.close()
    assert films(tmp_path / "films") == [(steps, (width, height)) for steps in lengths]


def test_record_video_of_a_vector(planted, tmp_path):
    env = gym.make_vec(
        SEQUENTIAL, num_envs=4, data=str(planted), num_frames=5, render_mode="rgb_array"
    )
    height, width = (env.reset(seed=0), env.render())[1][0].shape[:2]
    env = RecordVectorVideo(
        env, str(tmp_path / "films"), step_trigger=lambda step: step == 0, video_length=6
    )
    env.reset(seed=0)
    for _ in range(10):
        env.step(env.action_space.sample())
    env.close()
    ((frames, size),) = films(tmp_path / "films")
    assert frames >= 6 and size[0] * size[1] == 4 * height * width


@pytest.mark.parametrize("wrap", [lambda env: env, HumanRendering], ids=["by gym.make", "wrapped"])
def test_human_rendering_opens_a_window(planted, monkeypatch, wrap: Callable):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    mode = "rgb_array" if wrap is HumanRendering else "human"
    with warnings.catch_warnings():
        # gym.make says that it wraps the environment.
        warnings.simplefilter("ignore")
        env = wrap(gym.make(ONE_SHOT, data=str(planted), num_frames=5, render_mode=mode))
    env.reset(seed=0)
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).transpose(1, 0, 2)
    plain = gym.make(ONE_SHOT, data=str(planted), num_frames=5, render_mode="rgb_array")
    plain.reset(seed=0)
    np.testing.assert_array_equal(shown, plain.render())
    env.close()
