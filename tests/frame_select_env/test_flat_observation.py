"""Observations as one float32 box: the parts of the default mode, and the mask behind them."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import flatten

from frame_select_env import FrameSelectError, envs, write_cache
from frame_select_env.envs.half import float32_of

MASKED = ["FrameSelect/Pick-v0", "FrameSelect/Glance-v0"]
CASES = [
    *((name, "flat", {}) for name in envs.ENVIRONMENTS),
    *((name, "flat+mask", {}) for name in MASKED),
    ("FrameSelect/Glance-v0", "flat", {"preview": "flow", "view": "random"}),
]


@pytest.mark.parametrize(("name", "mode", "more"), CASES)
def test_a_flat_observation_is_what_gymnasium_makes_of_the_default_mode(viewed, name, mode, more):
    keywords = {"data": str(viewed), "num_frames": 5, "stream": "rgb", **more}
    flat, default = gym.make(name, observation=mode, **keywords), gym.make(name, **keywords)
    layout = flat.unwrapped.flat_layout()
    assert flat.observation_space.dtype == np.float32
    seen = flat.reset(seed=4), default.reset(seed=4)
    flat.action_space.seed(4)
    over = False
    while True:
        (observation, info), (parts, _) = seen
        assert observation.dtype == np.float32 and flat.observation_space.contains(observation)
        expected = flatten(default.observation_space, parts)
        mask = info["action_mask"] if mode == "flat+mask" else []
        assert observation.tolist() == [*expected.astype(np.float32).tolist(), *mask]
        cut = layout.split(observation)
        assert list(cut) == [*sorted(parts), *(["action_mask"] if mode == "flat+mask" else [])]
        for part, value in parts.items():
            assert cut[part].shape == value.shape and np.array_equal(cut[part], value), part
        if over:
            break
        action = flat.action_space.sample()
        left, right = flat.step(action), default.step(action)
        seen, over = ((left[0], left[4]), (right[0], right[4])), left[2]


def test_tensors_of_any_number_of_axes_are_cut_too(planted):
    env = gym.make_vec("FrameSelect/Sequential-v0", 3, data=str(planted), observation="flat")
    observations, _ = env.reset(seed=0)
    layout = env.unwrapped.flat_layout()
    tensor = torch.from_numpy(observations).expand(2, 3, -1)
    parts = layout.split(tensor)
    assert parts["features"].shape == (2, 3, 25, 6) and parts["cursor"].shape == (2, 3, 1)
    assert np.array_equal(parts["features"][1].numpy(), layout.split(observations)["features"])


@pytest.mark.parametrize("name", ["FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"])
def test_only_where_actions_are_masked_the_mask_can_be_appended(planted, name):
    with pytest.raises(FrameSelectError, match=r"observation='flat\+mask': must be one of 'video'"):
        gym.make(name, data=str(planted), observation="flat+mask")


def test_other_observations_have_no_layout(planted):
    env = gym.make("FrameSelect/Pick-v0", data=str(planted), observation="index")
    with pytest.raises(FrameSelectError, match=r"flat_layout\(\): only of observation='flat'"):
        env.unwrapped.flat_layout()


def test_every_finite_float16_becomes_the_same_float32():
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    ours, theirs = float32_of(finite), finite.astype(np.float32)
    assert ours.dtype == np.float32 and ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize(
    ("name", "mode", "key"),
    [
        ("FrameSelect/OneShot-v0", "video", "features"),
        ("FrameSelect/Sequential-v0", "frame", "feature"),
        ("FrameSelect/Sequential-v0", "looked", "features"),
        ("FrameSelect/Glance-v0", "looked", "preview"),
    ],
)
def test_features_are_float32_unless_float16_is_asked_for(viewed, name, mode, key):
    keywords = {"data": str(viewed), "stream": "rgb", "observation": mode, "num_frames": 5}
    if key == "preview":
        keywords["preview"] = "flow"
    seen = {}
    for dtype in ("float32", "float16"):
        env = gym.make(name, dtype=dtype, **keywords)
        observation, _ = env.reset(seed=1)
        assert env.observation_space[key].dtype == observation[key].dtype == np.dtype(dtype)
        assert env.observation_space.contains(observation)
        seen[dtype] = observation[key]
    assert gym.make(name, **keywords).observation_space[key].dtype == np.float32
    assert np.array_equal(seen["float32"], seen["float16"]) and seen["float32"].any()


def test_float16_is_refused_where_there_is_none(planted, tmp_path):
    video = {"id": "v", "label": 0, "split": "train", "features": np.ones((2, 1), np.float32)}
    video["predictions"] = np.full((2, 2), 0.5, np.float32)
    path = str(write_cache(tmp_path / "c.h5", [video], classes=["a", "b"]))
    name = "FrameSelect/OneShot-v0"
    with pytest.raises(FrameSelectError, match="dtype='float16': .* stores .* 'main' as float32; "):
        gym.make(name, data=path, dtype="float16")
    with pytest.raises(FrameSelectError, match="dtype='float16': observation='flat' is one float"):
        gym.make(name, data=str(planted), dtype="float16", observation="flat")
    with pytest.raises(FrameSelectError, match="dtype='int8': must be one of 'float32', 'float16'"):
        gym.make(name, data=str(planted), dtype="int8")
