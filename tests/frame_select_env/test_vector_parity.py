"""The vector environment equals SyncVectorEnv bit for bit; its slots may be permuted."""

import gymnasium as gym
import numpy as np
import pytest
from environment_cases import CASES, IDS
from equality import assert_equal
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from frame_select_env import envs
from frame_select_env.envs.settings import MultiStepSettings


@pytest.mark.parametrize("autoreset", list(AutoresetMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("name", "mode", "keywords"), CASES)
def test_vector_equals_sync_vector_bit_for_bit(data, name, mode, keywords, autoreset):
    keywords = {**data(keywords), "observation": mode}
    native = gym.make_vec(name, num_envs=5, autoreset_mode=autoreset.value, **keywords)
    sync = SyncVectorEnv([lambda: gym.make(name, **keywords)] * 5, autoreset_mode=autoreset)
    assert native.metadata["autoreset_mode"] is native.unwrapped.autoreset_mode is autoreset
    assert native.single_observation_space == sync.single_observation_space
    assert native.observation_space == sync.observation_space
    assert native.action_space == sync.action_space

    seeds = [11, 5, None, 7, 5]  # an unseeded slot cannot agree: give it a seed first
    assert_equal(native.reset(seed=3), sync.reset(seed=3))
    native.action_space.seed(0)
    for step in range(30):  # no episode is longer than 9 steps
        if step == 15:
            assert_equal(native.reset(seed=seeds), sync.reset(seed=seeds))
        actions = native.action_space.sample()
        left, right = native.step(actions), sync.step(actions)
        assert_equal(left, right, f"step {step}")
        assert native.observation_space.contains(left[0])
        over = left[2] | left[3]
        if autoreset is AutoresetMode.DISABLED and over.any():
            options = {"reset_mask": over}
            assert_equal(native.reset(options=options), sync.reset(options={"reset_mask": over}))
            assert options["reset_mask"] is over, "reset_mask was taken out of the options"
    video = {"video": 7}
    assert_equal(native.reset(options=video), sync.reset(options=video), "options video")
    if keywords.get("view") == "random":
        view = {"view": 2}
        assert_equal(native.reset(options=view), sync.reset(options=view), "options view")


def test_every_slot_has_a_generator_and_a_seed(planted):
    env = gym.make_vec(IDS[0], num_envs=3, data=str(planted), observation="index").unwrapped
    first = env.np_random_seed
    assert len(first) == 3 and len(set(first)) == 3 and min(first) >= 0
    assert env.np_random_seed == first  # drawn once
    env.reset(seed=5)
    assert env.np_random_seed == (5, 6, 7)
    env.reset(seed=[11, None, 12])
    assert env.np_random_seed == (11, 6, 12)
    env.reset(seed=20, options={"reset_mask": np.array([False, True, False])})
    assert env.np_random_seed == (11, 21, 12)
    assert len({generator.integers(0, 10**9) for generator in env.np_random}) == 3


def test_the_batch_may_be_permuted(planted):
    rng = np.random.default_rng(0)
    order = rng.permutation(30)
    rows, actions = rng.integers(0, 60, 30), rng.integers(0, 2, (30, 9))
    results = []
    for turn in (np.arange(30), order):
        env = gym.make_vec("FrameSelect/OneShot-v0", num_envs=30, data=str(planted), num_frames=9)
        env.reset(options={"video": rows[turn]})
        _, reward, _, _, info = env.step(actions[turn])
        results.append((reward, info["p1"]))
    assert_equal(results[0][0][order], results[1][0])
    assert_equal(results[0][1][order], results[1][1])


class EveryOtherEpisodes(envs.Episodes):
    """A process of its own: one action keeps the frame at the cursor and skips the next one."""

    settings_class = MultiStepSettings

    def make_action_space(self) -> gym.spaces.Discrete:
        return gym.spaces.Discrete(2)

    def apply(self, actions: np.ndarray, going: np.ndarray | None) -> np.ndarray:
        going = np.ones(self.num_slots, bool) if going is None else going
        kept = actions & going
        self.select(np.minimum(self.cursor, self.length - 1), kept)
        self.cursor += 2 * going
        np.minimum(self.cursor, self.settings.num_frames, out=self.cursor)
        return (self.cursor >= self.length) & going


class EveryOtherEnv(envs.FrameSelectEnv):
    process = EveryOtherEpisodes


class EveryOtherVectorEnv(envs.FrameSelectVectorEnv):
    process = EveryOtherEpisodes


@pytest.mark.parametrize("mode", ["video", "index"])
@pytest.mark.parametrize("dense", [False, True])
def test_a_new_process_is_one_class_with_an_action_space_and_a_rule(planted, mode, dense):
    keywords = {"data": str(planted), "num_frames": 9, "observation": mode, "dense": dense}
    check_env(EveryOtherEnv(**keywords), skip_render_check=True)
    native = EveryOtherVectorEnv(num_envs=4, **keywords)
    sync = SyncVectorEnv([lambda: EveryOtherEnv(**keywords)] * 4)
    assert_equal(native.reset(seed=1), sync.reset(seed=1))
    native.action_space.seed(0)
    for step in range(20):
        actions = native.action_space.sample()
        assert_equal(native.step(actions), sync.step(actions), f"step {step}")
    drawn = {}
    for render_mode in ("ansi", "rgb_array"):
        env = EveryOtherEnv(render_mode=render_mode, **keywords)
        env.reset(seed=0)
        drawn[render_mode] = env.render()
    assert "next: choose the frames" in drawn["ansi"]
    assert drawn["rgb_array"].dtype == np.uint8 and drawn["rgb_array"].shape[2] == 3
    assert len(np.unique(drawn["rgb_array"].reshape(-1, 3), axis=0)) > 2
