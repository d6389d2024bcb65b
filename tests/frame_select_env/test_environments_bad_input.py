"""Wrong keywords, options, seeds and actions: one line that names what is allowed."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from frame_select_env import FrameSelectError

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        (ONE_SHOT, {"num_frame": 9}, "argument 'num_frame'; did you mean 'num_frames'? known: a"),
        (ONE_SHOT, {"chunk": 2}, "__init__() got an unexpected keyword argument 'chunk'; known: "),
        (ONE_SHOT, {"num_frames": 0}, "num_frames=0: must be an integer from 1 to 4096"),
        (ONE_SHOT, {"num_frames": 2.5}, "num_frames=2.5"),
        (ONE_SHOT, {"num_frames": 6, "target_frames": 7}, "target_frames=7: must be an integer"),
        (ONE_SHOT, {"observation": "frame"}, "observation='frame': must be one of 'video', 'ind"),
        (ONE_SHOT, {"alpha": -1}, "alpha=-1: must be a number from 0 to 1"),
        (ONE_SHOT, {"empty": "zero"}, "empty='zero': must be one of 'wrong', 'baseline'"),
        (ONE_SHOT, {"split": "dev"}, "unknown split 'dev'; known: test, train, val"),
        (ONE_SHOT, {"fold": "9"}, "unknown fold '9'; known: default"),
        (ONE_SHOT, {"stream": "flow"}, "unknown stream 'flow'; known: main"),
        (ONE_SHOT, {"reward": "lucky"}, "unknown reward 'lucky'; known: "),
        (ONE_SHOT, {"data": "nowhere.h5"}, "nowhere.h5: no such file, nor a bundled cache"),
        (SEQUENTIAL, {"chunk": 26}, "chunk=26: must be an integer from 1 to 25"),
        (SEQUENTIAL, {"dense": "yes"}, "dense='yes': must be one of"),
    ],
)
@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_keywords(planted, make, name, keywords, message):
    with pytest.raises(FrameSelectError) as caught:
        make(name, **{"data": str(planted), **keywords})
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_vector_keywords(planted):
    with pytest.raises(FrameSelectError, match="autoreset_mode='Never': must be one of 'NextStep'"):
        gym.make_vec(ONE_SHOT, data=str(planted), autoreset_mode="Never")
    for wrong in (0, True, 2.0, "2"):
        with pytest.raises(FrameSelectError, match=f"num_envs={wrong!r}: must be an integer of at"):
            gym.make_vec(ONE_SHOT, num_envs=wrong, data=str(planted))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.ones(8, np.int8), "action has shape (8,); expected (9,)"),
        (1, "action has shape (); expected (9,)"),
        (np.full(9, 2), "action 2 is out of range; allowed: 0 to 1"),
        (np.full(9, -1), "action -1 is out of range"),
        (np.full(9, 0.5), "action 0.5 is not an integer"),
        (np.full(9, np.nan), "action nan is not an integer"),
        (["a"] * 9, "expected integers"),
    ],
)
def test_one_shot_actions(planted, action, message):
    env = gym.make(ONE_SHOT, data=str(planted), num_frames=9).unwrapped
    env.reset(seed=0)
    with pytest.raises(FrameSelectError) as caught:
        env.step(action)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0, 1], "action has shape (2,); expected (3,)"),
        ([0, 1, 2], "action 2 is out of range; allowed: 0 to 1"),
        (1, "action has shape (); expected (3,)"),
        (np.array([0, 1, None]), "action has type object"),
    ],
)
def test_sequential_vector_actions(planted, actions, message):
    env = gym.make_vec(SEQUENTIAL, num_envs=3, data=str(planted))
    env.reset(seed=0)
    with pytest.raises(FrameSelectError) as caught:
        env.step(actions)
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("wrong", [-1, 2, 100])
def test_numbers_of_every_type_are_checked_at_both_ends(planted, kind, wrong):
    env = gym.make_vec(SEQUENTIAL, num_envs=3, data=str(planted), num_frames=3)
    env.reset(seed=0)
    env.step(np.array([1, 0, 1], kind))
    if wrong < 0 and kind is np.uint8:
        return
    with pytest.raises(FrameSelectError, match=f"action {wrong}(.0)? is out of range; allowed: 0"):
        env.step(np.array([1, wrong, 0], kind))


def test_a_reset_takes_the_first_and_the_last_row_and_one_for_every_slot(planted):
    env = gym.make_vec(ONE_SHOT, num_envs=2, data=str(planted), observation="index")
    for video, expected in ((0, [0, 0]), (59, [59, 59]), ([59, 0], [59, 0])):
        observation, _ = env.reset(options={"video": video})
        assert observation["video"][:, 0].tolist() == expected


def test_lists_booleans_and_whole_floats_are_actions_too(planted):
    env = gym.make_vec(ONE_SHOT, num_envs=2, data=str(planted), num_frames=3)
    rewards = []
    for kind in (list, lambda a: np.array(a, bool), lambda a: np.array(a, np.float32)):
        env.reset(seed=0, options={"video": np.array([0, 1])})
        rewards.append(env.step(kind([[1, 0, 1], [0, 1, 1]]))[1].tolist())
    assert rewards[0] == rewards[1] == rewards[2]


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (60, "options['video']=60: the cache has rows 0 to 59"),
        (-1, "options['video']=-1: the cache has rows 0 to 59"),
        (1.5, "options['video']=1.5: must be a row of the cache"),
        ([1, 2], "must be a row of the cache, or 3 of them"),
    ],
)
def test_reset_options(planted, video, message):
    env = gym.make_vec(ONE_SHOT, num_envs=3, data=str(planted))
    with pytest.raises(FrameSelectError) as caught:
        env.reset(options={"video": video})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "mask", [np.zeros(3, bool), np.ones(2, bool), np.ones(3), [True, True, True]]
)
def test_reset_mask(planted, mask):
    env = gym.make_vec(ONE_SHOT, num_envs=3, data=str(planted))
    with pytest.raises(FrameSelectError, match=r"options\['reset_mask'\] must be a bool array"):
        env.reset(options={"reset_mask": mask})


def test_seeds_must_be_as_many_as_the_slots(planted):
    env = gym.make_vec(ONE_SHOT, num_envs=3, data=str(planted))
    for seeds in ([1, 2], [1, 2, 3, 4]):
        with pytest.raises(FrameSelectError, match=f"got {len(seeds)} seeds for num_envs=3"):
            env.reset(seed=seeds)


def test_steps_need_a_reset(planted):
    env = gym.make(ONE_SHOT, data=str(planted), num_frames=3).unwrapped
    with pytest.raises(ResetNeeded):
        env.step([1, 1, 1])
    env.reset(seed=0)
    env.step([1, 1, 1])
    with pytest.raises(ResetNeeded, match="the episode is over"):
        env.step([1, 1, 1])
    vector = gym.make_vec(ONE_SHOT, num_envs=2, data=str(planted), num_frames=3)
    with pytest.raises(ResetNeeded):
        vector.step([[1, 1, 1]] * 2)
    disabled = gym.make_vec(
        ONE_SHOT, num_envs=2, data=str(planted), num_frames=3, autoreset_mode="Disabled"
    )
    disabled.reset(seed=0)
    disabled.step([[1, 1, 1]] * 2)
    with pytest.raises(ResetNeeded, match="2 episodes are over"):
        disabled.step([[1, 1, 1]] * 2)
