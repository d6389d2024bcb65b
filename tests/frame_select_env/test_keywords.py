"""Unknown keywords are TypeErrors in Python's own words, and unknown options are refused."""

import gymnasium as gym
import numpy as np
import pytest
from torchrl.envs import GymEnv

from frame_select_env import FrameSelectError, envs
from frame_select_env.command_line import one_line_errors

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"


@pytest.mark.parametrize("name", list(envs.ENVIRONMENTS))
@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_an_unknown_keyword_is_a_type_error_in_pythons_words(planted, make, name):
    with pytest.raises(TypeError, match="__init__.. got an unexpected keyword argument 'frameskip"):
        make(name, data=str(planted), frameskip=1)


@pytest.mark.parametrize(
    ("make", "wrong", "near"),
    [
        (gym.make, "num_frame", "num_frames"),
        (gym.make, "rendermode", "render_mode"),
        (gym.make_vec, "autoreset", "autoreset_mode"),
        (gym.make_vec, "max_steps", "max_episode_steps"),
        (gym.make, "picks", None),
    ],
)
def test_it_names_the_nearest_and_all_that_are_known(planted, make, wrong, near):
    """It stays a FrameSelectError, which the command lines print in one line."""
    with pytest.raises(FrameSelectError) as caught:
        make(SEQUENTIAL, data=str(planted), **{wrong: 1})
    message = str(caught.value)
    hint = f" did you mean {near!r}?" if near else ""
    assert f".__init__() got an unexpected keyword argument {wrong!r};{hint} known: " in message
    assert ", chunk, " in message and ", render_mode, " in message and "\n" not in message


def test_command_lines_print_it_in_one_line(planted, capsys):
    with pytest.raises(SystemExit) as caught, one_line_errors("frame-select train"):
        gym.make_vec(ONE_SHOT, data=str(planted), frameskip=1)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("frame-select train: OneShotVectorEnv.__init__() got an unexpected")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", list(envs.ENVIRONMENTS))
def test_torchrl_finds_out_which_keywords_there_are(planted, name):
    env = GymEnv(name, data=str(planted), num_frames=5, observation="flat")
    rollout = env.rollout(3)
    assert rollout["observation"].dtype == rollout["next", "reward"].dtype
    assert rollout["observation"].shape == (len(rollout), *env.observation_space.shape)


@pytest.mark.parametrize("options", [{"vidoe": 3}, {"video": 3, "seed": 1}, {"reset_mask": 1}])
def test_unknown_options_of_reset_are_refused(planted, options):
    wrong = [name for name in options if name != "video"][0]
    env = gym.make(ONE_SHOT, data=str(planted))
    with pytest.raises(FrameSelectError, match=f"unknown option of reset '{wrong}'; .*video"):
        env.reset(options=options)


def test_a_vector_knows_reset_mask_and_leaves_options_as_they_are(planted):
    env = gym.make_vec(ONE_SHOT, 2, data=str(planted), observation="index")
    env.reset(seed=0)
    options = {"reset_mask": np.array([True, False]), "video": 7}
    observation, _ = env.reset(options=options)
    assert observation["video"][0] == 7 and set(options) == {"reset_mask", "video"}
    with pytest.raises(FrameSelectError, match="unknown option of reset 'mask'; .*reset_mask"):
        env.reset(options={"mask": np.array([True, False])})


@pytest.mark.parametrize("action", [1, [1], np.array([1]), np.array(1), np.float32([1])])
def test_one_number_is_an_action_also_in_an_array_of_one(planted, action):
    env = gym.make(SEQUENTIAL, data=str(planted), observation="index")
    env.reset(seed=0)
    assert env.step(action)[0]["selected"].tolist()[:2] == [1, 0]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ([0, 1], r"action has shape \(2,\); expected \(\)"),
        ([[1]], r"action has shape \(1, 1\); expected \(\)"),
        ([2], "action 2 is out of range; allowed: 0 to 1"),
        ([0.5], "action 0.5 is not an integer"),
    ],
)
def test_other_arrays_are_no_action_of_a_discrete_space(planted, action, message):
    env = gym.make(SEQUENTIAL, data=str(planted), observation="index").unwrapped
    env.reset(seed=0)
    with pytest.raises(FrameSelectError, match=message):
        env.step(action)


def test_multi_discrete_is_multi_binary_in_another_space(planted):
    keywords = {"data": str(planted), "num_frames": 9}
    binary = gym.make(ONE_SHOT, **keywords)
    discrete = gym.make(ONE_SHOT, action="multi_discrete", **keywords)
    assert discrete.action_space == gym.spaces.MultiDiscrete([2] * 9)
    for seed in range(5):
        binary.reset(seed=seed), discrete.reset(seed=seed)
        action = discrete.action_space.sample()
        left, right = discrete.step(action), binary.step(action.astype(np.int8))
        assert left[1] == right[1] and left[4]["p1"].tolist() == right[4]["p1"].tolist()
    with pytest.raises(FrameSelectError, match="action='discrete': must be one of 'multi_binary'"):
        gym.make(ONE_SHOT, action="discrete", **keywords)
