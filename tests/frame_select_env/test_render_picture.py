"""The image of an episode: sizes, tiles, marks, bars, names."""

import gymnasium as gym
import numpy as np
import pytest
from environment_cases import IDS

from frame_select_env import write_cache
from frame_select_env.render import picture
from frame_select_env.render.picture import Layout, layout_of
from frame_select_env.render.scene import read_scene

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"

PICK = "FrameSelect/Pick-v0"


def dots(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where the image has exactly this colour, bool [H, W]."""
    return (image == colour).all(axis=2)


@pytest.mark.parametrize("data", ["digits", "planted", "regression"])
@pytest.mark.parametrize("name", IDS)
def test_images_of_one_environment_have_one_even_size(request, name, data):
    keywords = {"num_frames": 6}
    if data == "digits":
        keywords |= {"data": data}
    else:
        keywords |= {"data": str(request.getfixturevalue(data)), "split": "train"}
    if data == "regression":
        keywords |= {"stream": "video", "reward": "delta_error"}
    env = gym.make(name, render_mode="rgb_array", **keywords)
    env.action_space.seed(0)
    shapes, images = set(), set()
    for seed in range(4):
        env.reset(seed=seed)
        over = False
        while not over:
            over = env.step(env.action_space.sample())[2]
            image = env.render()
            assert image.dtype == np.uint8 and image.ndim == 3
            shapes.add(image.shape)
            images.add(image.tobytes())
    ((height, width, channels),) = shapes
    assert height % 2 == 0 and width % 2 == 0 and channels == 3
    assert len(images) > 3


@pytest.mark.parametrize("num_frames", [1, 2, 26, 40, 120, 1000, 4096])
def test_any_number_of_frames_fits(planted, num_frames):
    env = gym.make(ONE_SHOT, data=str(planted), num_frames=num_frames, render_mode="rgb_array")
    env.reset(seed=0, options={"video": 0})
    empty = env.render()
    env.step(np.ones(num_frames, np.int8))
    kept = env.render()
    assert kept.shape == empty.shape and kept.shape[0] < 800
    # Nothing is drawn outside of the margins, and marks are added.
    for image in (empty, kept):
        assert (image[:, :20] == 255).all() and (image[:, -20:] == 255).all()
        assert (image[:16] == 255).all() and (image[-12:] == 255).all()
    assert dots(kept, picture.KEPT).sum() > dots(empty, picture.KEPT).sum()


def layout(env: gym.Env) -> Layout:
    """Where things are in the images of an environment."""
    return layout_of(read_scene(env.unwrapped.episodes, 0, False))


def tiles_that_are_framed(image: np.ndarray, layout: Layout, num_frames: int) -> list[int]:
    """Frames whose tile has an orange left border from top to bottom."""
    ink, height = dots(image, picture.KEPT), layout.tile[1]
    corners = [layout.corner(frame) for frame in range(num_frames)]
    return [frame for frame, (x, y) in enumerate(corners) if ink[y : y + height, x].all()]


def test_the_image_frames_what_is_kept_and_underlines_what_matters(planted):
    env = gym.make(PICK, data=str(planted), num_frames=10, picks=3, render_mode="rgb_array")
    env.reset(options={"video": 40})
    cache, sizes = env.unwrapped.cache, layout(env)
    assert tiles_that_are_framed(env.render(), sizes, 10) == []
    for frame in (5, 1, 3):
        env.step(frame)
    image = env.render()
    assert tiles_that_are_framed(image, sizes, 10) == [1, 3, 5]
    important = cache.read_frames("importance", np.array([40]), 10)[0] > 0
    assert 0 < important.sum() < 10
    underlined = dots(image, picture.TRUTH)
    for frame in range(10):
        (x, y), (width, height) = sizes.corner(frame), sizes.tile
        below = underlined[y + height : y + height + sizes.gap, x : x + width]
        assert below.all(axis=1).any() == important[frame]


def test_discarded_frames_are_faded_and_the_cursor_points_at_the_next_one(planted):
    env = gym.make(SEQUENTIAL, data=str(planted), num_frames=14, render_mode="rgb_array")
    row = int(np.flatnonzero(env.unwrapped.cache.lengths >= 4)[0])
    env.reset(options={"video": row})
    sizes, before = layout(env), env.render()
    for action in (0, 1):
        env.step(action)
    image = env.render()
    (width, height), faded = sizes.tile, []
    for frame in range(4):
        x, y = sizes.corner(frame)
        old, new = (each[y : y + height, x : x + width].astype(int) for each in (before, image))
        faded.append(bool((new >= old).all() and (new > old).any()))
        above = dots(image, picture.INK)[y - sizes.gap : y, x : x + width]
        assert above.any() == (frame == 2)
    assert faded == [True, False, False, False]


def test_bars_are_as_long_as_the_probabilities(planted):
    env = gym.make(ONE_SHOT, data=str(planted), num_frames=10, render_mode="rgb_array")
    env.reset(options={"video": 3})
    _, _, _, _, info = env.step([1, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    image, sizes = env.render(), layout(env)
    left, longest = picture.MARGIN + picture.NAMES, picture.BARS
    thick = (sizes.bar_pitch - 6) // 2
    for values, colour in ((info["p0"], picture.BASELINE), (info["p1"], picture.KEPT)):
        area = dots(image, colour)[sizes.panel_top :, left : left + longest]
        lengths = area.sum(axis=1)
        # The axis covers the first pixel of a bar.
        bars = [run for run in np.split(lengths, np.flatnonzero(np.diff(lengths)) + 1) if run[0]]
        assert [len(bar) for bar in bars] == [thick] * 4
        found = np.array([bar[0] + 1 for bar in bars]) / longest
        np.testing.assert_allclose(found, values, atol=2 / longest)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (7, 90, 3), (90, 7), (113, 97, 3)], ids=str)
@pytest.mark.parametrize("classes", [1, 2, 51])
def test_any_thumbnails_names_and_number_of_classes(odd_cache, shape, classes):
    data = odd_cache(shape, classes)
    env = gym.make(SEQUENTIAL, data=data, num_frames=8, render_mode="rgb_array")
    env.reset(seed=0)
    env.step(1)
    image = env.render()
    assert (image[:, -20:] == 255).all()
    text = gym.make(SEQUENTIAL, data=data, num_frames=8, render_mode="ansi")
    text.reset(seed=0)
    lines = text.render().splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("class"))
    shown = lines[start + 1 : start + 1 + min(classes, 10)]
    assert sum(line.endswith("true") for line in shown) == 1


@pytest.mark.parametrize("size", [(2, 3), (8, 8), (400, 200)], ids=str)
def test_thumbnails_are_enlarged_without_and_reduced_with_averaging(odd_cache, size):
    data = odd_cache((*size, 3), 2)
    env = gym.make(ONE_SHOT, data=data, num_frames=6, render_mode="rgb_array")
    env.reset(options={"video": 0})
    thumbnails = env.unwrapped.cache.read_frames("thumbnail", np.array([0]), 6)[0]
    image, sizes = env.render(), layout(env)
    (width, height) = sizes.tile
    for frame, thumbnail in enumerate(thumbnails):
        x, y = sizes.corner(frame)
        tile = image[y : y + height, x : x + width].reshape(-1, 3)
        if size == (400, 200):
            # A mean over many random pixels is near the middle.
            assert tile.std() < 0.5 * thumbnail.std()
            assert abs(tile.mean() - thumbnail.mean()) < 2
        else:
            source = {tuple(pixel) for pixel in thumbnail.reshape(-1, 3).tolist()}
            assert {tuple(pixel) for pixel in tile.tolist()} == source


def test_names_with_accents_are_legible(tmp_path):
    images = []
    for name in ("Überraschung", "Uberraschung", "\u6f22"):
        videos = [
            {
                "id": "v",
                "label": 0,
                "split": "train",
                "features": np.ones((2, 1)),
                "predictions": [[0.75, 0.25]] * 2,
            }
        ]
        path = write_cache(tmp_path / f"{len(images)}.h5", videos, classes=[name, "other"])
        env = gym.make(ONE_SHOT, data=str(path), num_frames=2, render_mode="rgb_array")
        env.reset(seed=0)
        images.append(env.render())
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])
