"""The action mask in the forms of Gymnasium, sb3-contrib, TorchRL, RLlib and Tianshou."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from torchrl.envs import ActionMask, GymWrapper, TransformedEnv

from frame_select_env import FrameSelectError
from frame_select_env.wrappers import MaskInObservation

PICK = "FrameSelect/Pick-v0"


def pick(planted, **keywords):
    keywords = {"num_frames": 9, "observation": "index", "picks": 4, **keywords}
    return gym.make(PICK, data=str(planted), **keywords)


@pytest.mark.parametrize("library", ["torchrl", "rllib", "tianshou"])
@pytest.mark.parametrize("mode", ["index", "video", "flat"])
def test_the_observation_holds_the_mask_of_the_state_it_shows(planted, library, mode):
    env = MaskInObservation(pick(planted, observation=mode, stop=True), library)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The checker's remark that it was handed a wrapper.
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(env, skip_render_check=True)
    key = "mask" if library == "tianshou" else "action_mask"
    observation, info = env.reset(seed=1)
    env.action_space.seed(0)
    for _ in range(4):
        assert observation[key].tolist() == info["action_mask"].tolist()
        assert env.observation_space.contains(observation)
        action = env.action_space.sample(mask=info["action_mask"])
        observation, _, over, _, info = env.step(action)
        if over:
            break


def test_where_each_library_looks(planted):
    forms = {}
    for library in ("torchrl", "rllib", "tianshou"):
        forms[library], _ = MaskInObservation(pick(planted), library).reset(seed=0)
    assert set(forms["torchrl"]) == {"video", "cursor", "selected", "action_mask"}
    assert forms["torchrl"]["action_mask"].dtype == bool
    assert set(forms["rllib"]) == {"observations", "action_mask"}
    assert forms["rllib"]["action_mask"].dtype == np.float32
    assert set(forms["tianshou"]) == {"obs", "mask"} and forms["tianshou"]["mask"].dtype == bool


def test_sb3_contrib_finds_the_mask_of_the_wrapped_and_the_bare_environment(planted):
    env = pick(planted)
    env.reset(seed=0)
    assert env.get_wrapper_attr("action_masks")().tolist() == env.unwrapped.action_masks().tolist()


def test_torchrl_rolls_out_legal_actions_only(planted):
    env = TransformedEnv(GymWrapper(MaskInObservation(pick(planted), "torchrl")), ActionMask())
    env.set_seed(0)
    for _ in range(10):
        rollout = env.rollout(max_steps=9)
        # Every legal pick adds a frame.
        assert int(rollout["next", "selected"][-1].sum()) == len(rollout)


def test_torchrl_takes_the_native_vector_environment(planted):
    vector = gym.make_vec(
        PICK, num_envs=6, data=str(planted), observation="index", autoreset_mode="Disabled"
    )
    rollout = GymWrapper(vector).rollout(max_steps=30, break_when_any_done=False)
    assert rollout.batch_size == (6, 30) and rollout["next", "done"].any()


def test_other_environments_and_libraries(planted):
    with pytest.raises(FrameSelectError, match="has no action mask"):
        MaskInObservation(gym.make("FrameSelect/OneShot-v0", data=str(planted)), "rllib")
    with pytest.raises(FrameSelectError, match="library='sb3': must be one of 'torchrl'"):
        MaskInObservation(pick(planted), "sb3")
