"""Glance: looks and answers by hand, what they cost, and what stays unknown."""

import gymnasium as gym
import numpy as np
import pytest

from frame_select_env import FrameSelectError

GLANCE = "FrameSelect/Glance-v0"


def glance(path, row=0, **keywords):
    """The environment, reset to a video, with its first observation and info."""
    env = gym.make(GLANCE, data=str(path), **{"num_frames": 10, **keywords}).unwrapped
    return env, *env.reset(options={"video": row})


def play(env, actions):
    """The last reward and info of an episode that the last of the actions ends."""
    for step, action in enumerate(actions, 1):
        _, reward, over, _, info = env.step(action)
        assert over == (step == len(actions))
    return reward, info


def test_looks_and_an_answer_by_hand(ten_frames):
    env, seen, info = glance(ten_frames)
    assert env.action_space == gym.spaces.Discrete(11)
    for name in ("features", "predictions", "p1", "selected", "cursor"):
        assert not seen[name].any()
    assert info["action_mask"].tolist() == [1] * 10 + [0]  # to answer is not possible yet
    seen, reward, _, _, info = env.step(4)
    assert reward == 0 and info["action_mask"].tolist() == [1] * 4 + [0] + [1] * 6
    assert seen["predictions"][4].tolist() == [12 / 16, 4 / 16] == seen["p1"].tolist()
    seen, *_ = env.step(9)
    assert np.flatnonzero(seen["features"].any(axis=1)).tolist() == [4, 9]
    assert seen["p1"].tolist() == [9.5 / 16, 6.5 / 16]
    assert (seen["cursor"].tolist(), seen["valid"].sum()) == ([2], 10)
    assert seen["time"].tolist() == list(range(10))  # the cache has no times
    reward, info = play(env, [10])
    assert not info["correct_after"] and reward == -0.02  # the label is class 1
    assert info["reward_terms"] == {"correct": 0.0, "looks": -0.02}


def test_a_right_answer_pays_one_minus_the_looks(ten_frames):
    env, *_ = glance(ten_frames)
    reward, info = play(env, [9, 8, 10])
    assert info["correct_after"] and reward == 1 - 0.02
    env, *_ = glance(ten_frames, reward={"correct": 2.0, "looks": -0.5})
    assert play(env, [9, 10])[0] == 1.5


def test_an_answer_without_a_look_is_wrong(ten_frames):
    env, *_ = glance(ten_frames)
    reward, info = play(env, [10])
    assert reward == 0 and not info["p1"].any() and not info["correct_after"]


def test_a_repeat_and_padding_cost_a_step_and_no_look(ten_frames):
    env, *_ = glance(ten_frames, row=1, picks=4)  # seven frames
    reward, info = play(env, [6, 6, 9, 5])  # and it answers by itself
    assert np.flatnonzero(info["selected"]).tolist() == [5, 6]
    assert reward == -0.02 and info["p1"].tolist() == [10.5 / 16, 5.5 / 16]


def test_it_answers_when_all_frames_were_looked_at(ten_frames):
    env, _, info = glance(ten_frames, row=1)
    assert info["action_mask"].tolist() == [1] * 7 + [0] * 4
    _, info = play(env, [6, 5, 4, 3, 2, 1, 0])
    assert (info["p0"] == info["p1"]).all()


def test_the_most_looks(planted):
    picks = [
        gym.make(GLANCE, data=str(planted), num_frames=frames).unwrapped.episodes.settings.picks
        for frames in (25, 12, 5)
    ]
    assert picks == [12, 12, 5]


def test_dense_pays_every_look_at_once(ten_frames):
    env, *_ = glance(ten_frames, dense=True)
    # Frames 9, then 9 and 0: right, then wrong.
    paid = [env.step(action)[1] for action in (9, 0, 10)]
    assert paid == pytest.approx([1 - 0.01, -1 - 0.01, 0])


def test_a_regression_pays_the_decrease_of_the_error(regression):
    keywords = {"stream": "audio", "num_frames": 4, "preview": "video"}
    env, seen, _ = glance(regression, **keywords)
    assert seen["preview"].shape == (4, 5)
    np.testing.assert_array_equal(
        seen["preview"], env.cache.read_features(np.array([0]), 4, "video")[0]
    )
    reward, info = play(env, [1, 4])
    errors = [np.abs(info[p] - env.cache.labels[0]).mean() for p in ("p0", "p1")]
    assert reward == pytest.approx(errors[0] - errors[1] - 0.01)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"observation": "video"}, "observation='video': must be one of 'looked', 'index'"),
        ({"alpha": 0.5}, "alpha=0.5: must be 0 here: the answer is made of the frames that were"),
        ({"empty": "baseline"}, "empty='baseline': must be 'wrong' here"),
        ({"picks": 10}, "picks=10: must be an integer from 1 to 4"),
        ({"preview": "audio"}, "preview='audio': shows the features that looking at 'audio' pays"),
        ({"preview": "smell"}, "unknown stream 'smell'; known: audio, video"),
        ({"preview": "video", "observation": "index"}, "does not show it; use observation='looked"),
        ({"stop": True}, "unexpected keyword argument 'stop'"),
    ],
)
def test_what_glance_refuses(regression, keywords, message):
    with pytest.raises(FrameSelectError) as caught:
        gym.make(GLANCE, data=str(regression), stream="audio", num_frames=4, **keywords)
    assert message in str(caught.value) and "\n" not in str(caught.value)
