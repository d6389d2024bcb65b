"""Every id renders as image and as text, alone and in a vector."""

import subprocess
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
from environment_cases import IDS, MODES
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from frame_select_env import FrameSelectError

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"


@pytest.mark.parametrize("render_mode", ["rgb_array", "ansi"])
# A picture shows the episode, not the observation.
@pytest.mark.parametrize(("name", "mode"), [one for one in MODES if "flat" not in one[1]])
def test_gymnasium_checks_the_rendering(planted, name, mode, render_mode):
    env = gym.make(name, data=str(planted), num_frames=9, observation=mode, render_mode=render_mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
        # With no render mode it makes one environment for each and renders that.
        check_env(gym.make(name, data=str(planted), num_frames=9, observation=mode).unwrapped)


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


@pytest.mark.parametrize("autoreset", list(AutoresetMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("render_mode", ["rgb_array", "ansi"])
@pytest.mark.parametrize("name", IDS)
def test_a_vector_renders_what_sync_vector_env_renders(planted, name, render_mode, autoreset):
    keywords = {"data": str(planted), "num_frames": 3, "render_mode": render_mode}
    native = gym.make_vec(name, num_envs=2, autoreset_mode=autoreset.value, **keywords)
    sync = SyncVectorEnv([lambda: gym.make(name, **keywords)] * 2, autoreset_mode=autoreset)
    assert native.metadata["render_fps"] == sync.metadata["render_fps"] > 0
    assert native.metadata["render_modes"] == sync.metadata["render_modes"]
    assert native.render_mode == sync.render_mode == render_mode
    native.reset(seed=3), sync.reset(seed=3)
    native.action_space.seed(0)
    for _ in range(7):  # no episode is longer than 3 steps
        left, right = native.render(), sync.render()
        assert isinstance(left, tuple) and len(left) == 2
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
