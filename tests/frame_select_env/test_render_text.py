"""The text of an episode."""

import gymnasium as gym
import numpy as np
import pytest

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"
PICK = "FrameSelect/Pick-v0"


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


def test_the_predicted_classes_are_among_the_ten_shown(odd_cache):
    data = odd_cache((2, 2), 51)
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
