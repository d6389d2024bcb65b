"""Every id renders as image and as text, alone and in a vector."""

import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from frame_select_env import FrameSelectError, envs, write_cache
from frame_select_env.render import picture
from frame_select_env.render.picture import Layout, layout_of
from frame_select_env.render.scene import read_scene

IDS = list(envs.ENVIRONMENTS)
MODES = [
    (name, mode)
    for name, (single, _) in envs.ENVIRONMENTS.items()
    for mode in single.process.settings_class.observations
    if "flat" not in mode  # a picture shows the episode, not the observation
]
ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"
PICK = "FrameSelect/Pick-v0"


def dots(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where the image has exactly this colour, bool [H, W]."""
    return (image == colour).all(axis=2)


@pytest.mark.parametrize("render_mode", ["rgb_array", "ansi"])
@pytest.mark.parametrize(("name", "mode"), MODES)
def test_gymnasium_checks_the_rendering(planted, name, mode, render_mode):
    env = gym.make(name, data=str(planted), num_frames=9, observation=mode, render_mode=render_mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
        # With no render mode it makes one environment for each and renders that.
        check_env(gym.make(name, data=str(planted), num_frames=9, observation=mode).unwrapped)


@pytest.mark.parametrize("data", ["digits", "planted", "regression"])
@pytest.mark.parametrize("name", IDS)
def test_images_of_one_environment_have_one_even_size(request, name, data):
    keywords = {"num_frames": 12}
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


def cache_of(path: Path, shape: tuple[int, ...], classes: int) -> str:
    """Two videos of 6 frames with thumbnails of a `shape` and long, odd class names."""
    rng = np.random.default_rng(0)
    videos = [
        {
            "id": f"{'deep/' * 40}vidéo {row}",
            "label": 1 % classes,
            "split": "train",
            "features": np.ones((6, 2)),
            "predictions": rng.dirichlet(np.ones(classes), 6).astype(np.float32),
            "thumbnail": rng.integers(0, 256, (6, *shape), np.uint8),
        }
        for row in range(2)
    ]
    names = [f"{'Überraschung ' * 5}{number}" for number in range(classes)]
    return str(write_cache(path, videos, classes=names))


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (7, 90, 3), (90, 7), (113, 97, 3)], ids=str)
@pytest.mark.parametrize("classes", [1, 2, 51])
def test_any_thumbnails_names_and_number_of_classes(tmp_path, shape, classes):
    data = cache_of(tmp_path / "odd.h5", shape, classes)
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
def test_thumbnails_are_enlarged_without_and_reduced_with_averaging(tmp_path, size):
    data = cache_of(tmp_path / "thumbnails.h5", (*size, 3), 2)
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


def test_without_pillow_an_image_names_what_to_install_and_text_works(planted, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    for make in (gym.make, gym.make_vec):
        with pytest.raises(FrameSelectError) as caught:
            make(ONE_SHOT, data=str(planted), render_mode="rgb_array")
        message = str(caught.value)
        assert 'pip install "frame-select-env[render]"' in message and "\n" not in message
        env = make(ONE_SHOT, data=str(planted), render_mode="ansi")
        env.reset(seed=0)
        assert env.unwrapped.render()


def test_pillow_is_imported_for_images_alone():
    code = (
        "import sys, gymnasium, frame_select_env\n"
        "env = gymnasium.make('FrameSelect/OneShot-v0', render_mode='ansi')\n"
        "env.reset(seed=0); env.render()\n"
        "assert 'PIL' not in sys.modules and 'frame_select_env.render.picture' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def ansi(env: gym.Env) -> list[str]:
    return env.render().splitlines()


def test_text_of_a_sequential_episode(planted):
    env = gym.make(SEQUENTIAL, data=str(planted), num_frames=16, chunk=2, render_mode="ansi")
    cache = env.unwrapped.cache
    row = int(np.flatnonzero(cache.lengths == 9)[0])
    env.reset(options={"video": row})
    for action in (1, 0, 0):
        env.step(action)
    lines = ansi(env)
    label = cache.classes[cache.labels[row]]
    assert lines[0] == f"video {cache.ids[row]}   true class {label}"
    assert lines[1].split()[:2] == ["frames", "##....>>o-------"]
    key = cache.read_frames("importance", np.array([row]), 16)[0]
    assert lines[2] == "important  " + "".join("^" if k else " " for k in key).rstrip()
    assert lines[-1] == "reward so far +0.000   next: frames 6 to 7"
    env.step(0)
    assert ansi(env)[-1].endswith("next: frame 8")
    _, reward, over, _, info = env.step(1)
    lines = ansi(env)
    assert over and lines[1].split()[1] == "##......#-------"
    assert lines[-1] == f"reward so far {reward:+.3f}   episode over"
    correct = [info[when] for when in ("correct_before", "correct_after")]
    for line, p, right in zip(lines[-3:-1], (info["p0"], info["p1"]), correct, strict=True):
        word = "right" if right else "wrong"
        assert line.endswith(f": {cache.classes[p.argmax()]}, {word}")
    table = [line.split() for line in lines[4:8]]
    for place, p in ((1, info["p0"]), (2, info["p1"])):
        np.testing.assert_allclose([float(line[place]) for line in table], p, atol=6e-4)
    assert [line[0] for line in table if line[-1] == "true"] == [label]


def test_text_of_the_other_ids_and_of_an_empty_selection(planted):
    env = gym.make(ONE_SHOT, data=str(planted), num_frames=4, render_mode="ansi")
    env.reset(options={"video": 1})
    assert ansi(env)[1].split()[1] == "oooo"
    assert ansi(env)[-2:] == ["0 kept: no answer", "reward so far +0.000   next: choose the frames"]
    env.step([0, 0, 0, 0])
    assert ansi(env)[1].split()[1] == "...."
    assert ansi(env)[-2] == "0 kept: no answer"
    env = gym.make(PICK, data=str(planted), num_frames=4, picks=3, render_mode="ansi")
    env.reset(options={"video": 1})
    env.step(2)
    assert ansi(env)[1].split()[1] == "oo#o"
    assert ansi(env)[-1].endswith("1 of 3 picks made")


def test_text_of_a_regression_has_the_true_values(regression):
    env = gym.make(
        ONE_SHOT,
        data=str(regression),
        stream="audio",
        num_frames=4,
        reward="delta_error",
        render_mode="ansi",
    )
    env.reset(options={"video": 0})
    _, _, _, _, info = env.step([1, 1, 0, 0])
    lines = ansi(env)
    assert lines[0] == "video r0"
    true = [float(line.split()[3]) for line in lines[3:5]]
    np.testing.assert_allclose(true, info["label"], atol=6e-4)
    assert lines[-2] == f"2 kept: mean error {np.abs(info['p1'] - info['label']).mean():.3f}"


def test_the_predicted_classes_are_among_the_ten_shown(tmp_path):
    data = cache_of(tmp_path / "many.h5", (2, 2), 51)
    env = gym.make(ONE_SHOT, data=data, num_frames=6, render_mode="ansi")
    for frame in range(6):
        env.reset(options={"video": 0})
        _, _, _, _, info = env.step(np.eye(6, dtype=np.int8)[frame])
        start = next(place for place, line in enumerate(ansi(env)) if line.startswith("class"))
        table = ansi(env)[start + 1 : start + 11]
        for place, p in ((-2, info["p0"]), (-1, info["p1"])):
            values = [float(line.removesuffix("true").split()[place]) for line in table]
            assert max(values) == pytest.approx(p.max(), abs=6e-4)


def test_dense_rewards_add_up_in_the_picture(planted):
    env = gym.make(SEQUENTIAL, data=str(planted), num_frames=6, dense=True, render_mode="ansi")
    env.reset(options={"video": 2})
    total, over = 0.0, False
    while not over:
        _, reward, over, _, _ = env.step(1)
        total += reward
        assert float(ansi(env)[-1].split()[3]) == pytest.approx(total, abs=5e-4)
    env.reset()
    assert ansi(env)[-1].startswith("reward so far +0.000")


@pytest.mark.parametrize("autoreset", list(AutoresetMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("render_mode", ["rgb_array", "ansi"])
@pytest.mark.parametrize("name", IDS)
def test_a_vector_renders_what_sync_vector_env_renders(planted, name, render_mode, autoreset):
    keywords = {"data": str(planted), "num_frames": 5, "render_mode": render_mode}
    native = gym.make_vec(name, num_envs=3, autoreset_mode=autoreset.value, **keywords)
    sync = SyncVectorEnv([lambda: gym.make(name, **keywords)] * 3, autoreset_mode=autoreset)
    assert native.metadata["render_fps"] == sync.metadata["render_fps"] > 0
    assert native.metadata["render_modes"] == sync.metadata["render_modes"]
    assert native.render_mode == sync.render_mode == render_mode
    native.reset(seed=3), sync.reset(seed=3)
    native.action_space.seed(0)
    for _ in range(12):
        left, right = native.render(), sync.render()
        assert isinstance(left, tuple) and len(left) == 3
        for ours, theirs in zip(left, right, strict=True):
            assert type(ours) is type(theirs) and np.array_equal(ours, theirs)
        actions = native.action_space.sample()
        over = native.step(actions)[2]
        sync.step(actions)
        if autoreset is AutoresetMode.DISABLED and over.any():
            for env in (native, sync):
                env.reset(options={"reset_mask": over.copy()})


@pytest.mark.parametrize("name", IDS)
def test_without_a_render_mode_there_is_a_warning_and_no_picture(planted, name):
    single, vector = (make(name, data=str(planted)) for make in (gym.make, gym.make_vec))
    for env, nothing in ((single, None), (vector, (None,))):
        env.reset(seed=0)
        with pytest.warns(UserWarning, match="without a render mode"):
            assert env.unwrapped.render() == nothing


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
@pytest.mark.parametrize("name", IDS)
def test_rendering_needs_a_reset(planted, make, name):
    env = make(name, data=str(planted), render_mode="ansi").unwrapped
    with pytest.raises(ResetNeeded):
        env.render()
    env.reset(seed=0)
    assert env.render()


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_other_render_modes_are_refused_in_one_line(planted, make):
    message = "render_mode='depth_array': must be None or one of 'rgb_array', 'ansi'"
    with warnings.catch_warnings():
        # gym.make warns of the mode before it asks the environment.
        warnings.simplefilter("ignore")
        with pytest.raises(FrameSelectError) as caught:
            make(ONE_SHOT, data=str(planted), render_mode="depth_array")
    assert str(caught.value) == message


def test_rendering_changes_nothing(planted):
    for render_mode in ("rgb_array", None):
        env = gym.make(SEQUENTIAL, data=str(planted), num_frames=5, render_mode=render_mode)
        env.reset(seed=9)
        steps = []
        for _ in range(40):
            observation, reward, over, _, info = env.step(len(steps) % 2)
            if render_mode:
                env.render()
            steps.append((observation["features"].tobytes(), reward, sorted(info)))
            if over:
                env.reset()
        if render_mode:
            seen = steps
    assert steps == seen
