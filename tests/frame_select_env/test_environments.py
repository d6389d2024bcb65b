"""Every registered id in every observation mode obeys Gymnasium, SB3 and SyncVectorEnv."""

import doctest
import json
import pickle
import subprocess
import sys
import warnings
from dataclasses import fields

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3_checker
from equality import assert_equal
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st
from judges import write_random_judge

from frame_select_env import FrameSelectError, envs, write_cache
from frame_select_env.envs.settings import MultiStepSettings

IDS = list(envs.ENVIRONMENTS)
MODES = [
    (name, mode)
    for name, (single, _) in envs.ENVIRONMENTS.items()
    for mode in single.process.settings_class.observations
]
VARIANTS = [
    {},
    {"alpha": 0.3},
    {"empty": "baseline", "reward": {"delta_prob": 1.0, "budget": 0.1}},
    {"chunk": 4},
    {"chunk": 3, "dense": True},
    {"picks": 3, "stop": True},
    {"picks": 9, "dense": True},
    {"view": 1},
    {"view": "random", "alpha": 0.3},
    {"skips": [1, 2, 4]},
    {"skips": [3], "chunk": 2, "dense": True},
    {"preview": "flow", "picks": 3, "view": "random"},
    {"aggregator": "max", "view": "random"},
    {"aggregator": "judge"},
    {"action": "multi_discrete"},
]
# The variants that change the spaces: a flat observation is the same code for all others.
RESHAPED = [{}, {"view": "random", "alpha": 0.3}, {"preview": "flow", "picks": 3, "view": "random"}]
GLANCE = "FrameSelect/Glance-v0"
REFUSED = {GLANCE: {"alpha", "empty"}}  # keywords that have to keep their defaults


def variants(name: str) -> list[dict]:
    """The variants whose keywords the id takes."""
    possible = taken(name) - REFUSED.get(name, set())
    return [keywords for keywords in VARIANTS if set(keywords) <= possible]


def taken(name: str) -> set[str]:
    """The keywords that the id takes."""
    return {field.name for field in fields(envs.ENVIRONMENTS[name][0].process.settings_class)}


CASES = [
    pytest.param(name, mode, keywords, id=f"{name}-{mode}-{keywords}")
    for name, mode in MODES
    for keywords in variants(name)
    if ("preview" not in keywords or mode != "index")
    and ("flat" not in mode or keywords in RESHAPED)
]


@pytest.fixture(scope="module")
def data(planted, viewed, tmp_path_factory):
    """The keywords with the cache that they are for, one of several views where they name one."""
    judge = write_random_judge(tmp_path_factory.mktemp("judge"), planted)

    def chosen(keywords: dict) -> dict:
        if keywords.get("aggregator") == "judge":
            keywords = {**keywords, "aggregator": judge}
        cache = {"data": str(viewed), "stream": "rgb"} if "view" in keywords else {}
        return {"data": str(planted), "num_frames": 9, **cache, **keywords}

    return chosen


@pytest.mark.parametrize(("name", "mode", "keywords"), CASES)
def test_gymnasium_check_env(data, name, mode, keywords):
    env = gym.make(name, observation=mode, **data(keywords))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


@pytest.mark.parametrize(("name", "mode", "keywords"), CASES)
def test_stable_baselines3_check_env(data, name, mode, keywords):
    env = gym.make(name, observation=mode, **data(keywords))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Its advice to flatten two-dimensional boxes; features are [T, D] by nature.
        warnings.filterwarnings("ignore", message=".*unconventional shape.*")
        sb3_checker.check_env(env.unwrapped)


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
    for step in range(60):
        if step == 30:
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


@pytest.mark.parametrize("name", IDS)
def test_options_choose_the_video_of_every_slot(planted, name):
    env = gym.make_vec(name, num_envs=3, data=str(planted), observation="index")
    observation, _ = env.reset(seed=0, options={"video": np.array([4, 9, 4])})
    assert observation["video"][:, 0].tolist() == [4, 9, 4]


@pytest.mark.parametrize("name", IDS)
def test_only_the_split_is_drawn_and_all_of_it(planted, name):
    env = gym.make_vec(name, num_envs=40, data=str(planted), split="val", observation="index")
    drawn = set()
    for seed in range(5):
        drawn |= set(env.reset(seed=seed * 100)[0]["video"][:, 0].tolist())
    assert drawn == set(env.unwrapped.cache.rows("val").tolist())


@pytest.mark.parametrize("name", IDS)
def test_videos_of_unknown_label_are_never_drawn(tmp_path, name):
    videos = [
        {
            "id": f"v{row}",
            "label": row % 3 - 1,
            "split": "train",
            "features": np.ones((2, 1)),
            "predictions": [[0.5, 0.5]] * 2,
        }
        for row in range(9)
    ]
    path = str(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))
    env = gym.make_vec(name, num_envs=50, data=path, num_frames=2, observation="index")
    assert (env.reset(seed=1)[0]["video"] % 3 != 0).all()
    with pytest.raises(FrameSelectError, match="its label is unknown"):
        env.reset(options={"video": 3})


def one_frame_videos(labels, features, predictions, **more):
    """Videos of one frame each, by their label, feature and prediction."""
    rows = zip(labels, features, predictions, strict=True)
    for row, (label, feature, prediction) in enumerate(rows):
        yield {
            "id": f"v{row}",
            "label": label,
            "split": more.get("split", "train"),
            "features": np.array([feature], np.float32),
            "predictions": np.array([prediction], np.float32),
        }


def test_a_reward_that_reads_labels_needs_a_video_with_one(tmp_path):
    videos = one_frame_videos([-1, -1], [[0.0]] * 2, [[0.5, 0.5]] * 2)
    path = str(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))
    with pytest.raises(FrameSelectError, match="split='train' has no video with a known label; us"):
        gym.make(IDS[0], data=path, num_frames=1, reward="margin")


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([2.0, 5.0], 0, 5), ([-3.0, -1.0], -3, 0), ([-3.0, 5.0], -3, 5), ([0.0, 0.0], 0, 1)],
)
def test_the_boxes_hold_the_features_and_the_padding(tmp_path, values, low, high):
    videos = one_frame_videos([0, 1], [[value] for value in values], [[0.5, 0.5]] * 2)
    path = str(write_cache(tmp_path / "c.h5", videos, classes=["a", "b"]))
    space = gym.make(IDS[0], data=path, num_frames=3, target_frames=1).observation_space
    features, predictions = space["features"], space["predictions"]
    assert (features.shape, predictions.shape, space["valid"].n) == ((3, 1), (3, 2), 3)
    assert (features.low == low).all() and (features.high == high).all()
    assert (predictions.low == 0).all() and (predictions.high == 1).all()


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_selection_of_a_regression_answers_the_mean_label(tmp_path, split):
    """That of the training videos or, if there are none, of all; the boxes hold it."""
    labels = [[-4.0], [8.0]]
    videos = one_frame_videos(labels, [[1.0]] * 2, [[1.0], [2.0]], split=split)
    path = str(write_cache(tmp_path / "c.h5", videos, targets=["y"]))
    env = gym.make(
        "FrameSelect/Sequential-v0",
        data=path, split=split, num_frames=1, reward="delta_error", observation="frame",
    )  # fmt: skip
    box = env.observation_space["p1"]
    assert (box.low, box.high) == (-4.0, 8.0)
    env.reset(options={"video": 0})
    _, reward, _, _, info = env.step(0)
    # |1 - -4| with all frames, |2 - -4| without any.
    assert info["p1"].tolist() == [2.0] and reward == 5.0 - 6.0


def test_a_reward_reads_what_the_cache_reads(planted):
    read = {}

    def listen(outcome):
        names = ("valid", "predictions", "features", "importance", "time", "video", "label")
        read.update({name: getattr(outcome, name) for name in (*names, "target_frames")})
        return np.zeros(len(outcome))

    env = gym.make_vec(
        IDS[0], num_envs=2, data=str(planted), num_frames=9, target_frames=5, reward=listen
    )
    rows = np.array([7, 2])
    env.reset(options={"video": rows})
    env.step(np.ones((2, 9), int))
    cache = env.unwrapped.cache
    clips = cache.read(rows, 9)
    for name in ("valid", "predictions", "features", "time", "video"):
        np.testing.assert_array_equal(read[name], getattr(clips, name))
    np.testing.assert_array_equal(read["importance"], cache.read_frames("importance", rows, 9))
    assert read["label"].tolist() == cache.labels[rows].tolist() and read["target_frames"] == 5


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


def test_every_video_is_drawn_as_often_over_many_blocks(planted):
    env = gym.make_vec(IDS[0], num_envs=30, data=str(planted), num_frames=1, observation="index")
    env.reset(seed=0)
    rows = env.unwrapped.cache.rows("train")
    drawn = [env.reset()[0]["video"][:, 0] for _ in range(600)]  # a block has 256 videos
    assert all(len(set(map(tuple, np.array(part).T))) == 30 for part in (drawn[:300], drawn[300:]))
    found, counts = np.unique(np.array(drawn), return_counts=True)
    assert found.tolist() == rows.tolist()
    np.testing.assert_allclose(counts, 30 * 600 / len(rows), rtol=0.2)


JSON_FORMS = [
    {"reward": "delta_prob"},
    {"reward": {"sign_omega": 1.0, "budget": 0.1}},
    {"reward": ["sign_omega", {"omega": 5}]},
    {"reward": {"sign_omega": {"omega": 5}, "budget": {"weight": 0.1}}},
    {"reward": "frame_select_env.rewards.attention_aware:flip_only"},
    {"alpha": 0.5, "empty": "baseline", "target_frames": 4, "stream": "main", "fold": "default"},
    {"num_frames": 7, "split": "val", "observation": "video"},
    {"aggregator": "max"},
    {"observation": "frame", "chunk": 3, "dense": True},
    {"observation": "frame", "dense": "best"},
    {"picks": 3, "stop": True, "dense": True},
    {"picks": 3, "observation": "looked"},
    {"skips": [1, 2, 4, 8], "dense": True},
    {"observation": "flat", "action": "multi_discrete"},
    {"observation": "flat+mask", "order": "once"},
    {"dtype": "float16"},
]


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("keywords", JSON_FORMS, ids=json.dumps)
def test_the_spec_survives_json(planted, name, keywords):
    if set(keywords) & REFUSED.get(name, set()):
        with pytest.raises(FrameSelectError, match="must be 0 here"):
            gym.make(name, data=str(planted), **keywords)
        return
    if not set(keywords) <= taken(name) or (
        keywords.get("observation", "index")
        not in envs.ENVIRONMENTS[name][0].process.settings_class.observations
    ):
        with pytest.raises(FrameSelectError, match="unexpected keyword|must be one of"):
            gym.make(name, data=str(planted), **keywords)
        return
    keywords = {"data": str(planted), "observation": "index", **keywords}
    env = gym.make(name, **keywords)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    for each in (env, again):
        each.action_space.seed(1)
    actions = [env.action_space.sample() for _ in range(40)]
    assert_equal(env.reset(seed=4), again.reset(seed=4))
    for action in actions:
        left = env.step(action)
        assert_equal(left, again.step(action))
        if left[2]:
            break
    vector = gym.make_vec(name, num_envs=2, autoreset_mode="SameStep", **keywords)
    rebuilt = gym.make_vec(EnvSpec.from_json(vector.spec.to_json()))
    assert rebuilt.num_envs == 2 and rebuilt.unwrapped.autoreset_mode is AutoresetMode.SAME_STEP


@pytest.mark.parametrize(("name", "mode"), MODES)
def test_a_pickled_environment_is_small_and_goes_on_where_it_was(planted, name, mode):
    env = gym.make_vec(name, num_envs=3, data=str(planted), observation=mode)
    env.reset(seed=2)
    env.action_space.seed(0)
    env.step(env.action_space.sample())
    assert env.observation_space.contains(env.step(env.action_space.sample())[0])
    data = pickle.dumps(env)
    assert len(data) < 60_000
    again = pickle.loads(data)
    for _ in range(30):
        actions = env.action_space.sample()
        assert_equal(env.step(actions), again.step(actions))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), variant=st.sampled_from([1, 2, 5, 9]))
@pytest.mark.parametrize("name", [name for name in IDS if "OneShot" not in name])
def test_dense_rewards_sum_to_the_terminal_reward(planted, name, seed, variant):
    keywords = {"data": str(planted), "num_frames": 9, "observation": "index"}
    keywords |= {"chunk": variant} if "Sequential" in name else {"picks": variant}
    if "Pick" in name:
        keywords["stop"] = True
    keywords["reward"] = {"sign_omega": 0.5, "delta_prob": 1.0}
    rng = np.random.default_rng(seed)
    row = int(rng.integers(60))
    actions = rng.integers(0, gym.make(name, **keywords).action_space.n, 9)
    sums = []
    for dense in (False, True):
        env = gym.make(name, dense=dense, **keywords)
        env.reset(options={"video": row})
        total, over, step = 0.0, False, 0
        while not over:
            _, reward, over, _, info = env.step(actions[step])
            total, step = total + reward, step + 1
        sums.append(total)
        assert total == pytest.approx(sum(info["reward_terms"].values()), abs=1e-12)
        if "Sequential" in name:
            assert step == -(-min(9, int(env.unwrapped.cache.lengths[row])) // variant)
    assert sums[0] == pytest.approx(sums[1], abs=1e-12)


def plan(name: str, keep: np.ndarray) -> list:
    """The actions of an id that keep the frames marked in `keep` [T], the last one first if any."""
    if name == "FrameSelect/OneShot-v0":
        return [keep]
    if name == "FrameSelect/Sequential-v0":
        return keep.tolist()
    return [*np.flatnonzero(keep)[::-1].tolist(), len(keep)]  # and stop, or answer


def more(name: str, frames: int) -> dict:
    """What an id needs to keep as many as `frames` frames and then stop."""
    stop = {"stop": True} if name == "FrameSelect/Pick-v0" else {}
    return {"picks": frames, **stop} if "picks" in taken(name) else {}


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.0, 0.25, 1.0]))
@pytest.mark.parametrize("name", IDS)
def test_keeping_everything_gives_p0_and_padding_changes_nothing(planted, name, seed, alpha):
    rng, alpha = np.random.default_rng(seed), 0.0 if name in REFUSED else alpha
    row, kept = int(rng.integers(60)), rng.integers(0, 2, 20)
    results = []
    for frames in (14, 20):  # the longest video has 14 frames
        for actions in (np.ones(20, int), kept):
            keywords = {"num_frames": frames, "observation": "index", "reward": "sign_omega"}
            keywords |= {"alpha": alpha, **more(name, frames)}
            env = gym.make(name, data=str(planted), **keywords)
            env.reset(options={"video": row})
            for action in plan(name, actions[:frames]):
                _, reward, over, _, info = env.step(action)
                if over:
                    break
            assert over
            results.append((reward, info["p0"].tolist(), info["p1"].tolist()))
    assert results[0][1] == results[0][2] and results[0][0] == 0.0
    assert results[0] == results[2] and results[1] == results[3]


@pytest.mark.parametrize("chunk", [1, 2])
def test_progress_and_count_are_shares_of_the_videos_own_length(planted, chunk):
    seen = {}
    for frames in (5, 9, 20):
        env = gym.make(
            "FrameSelect/Sequential-v0",
            data=str(planted),
            num_frames=frames,
            observation="frame",
            chunk=chunk,
        )
        row = int(np.flatnonzero(env.unwrapped.cache.lengths == 5)[0])
        observation, _ = env.reset(options={"video": row})
        seen[frames] = [observation]
        for keep in (1, 0, 1, 1, 0)[: -(-5 // chunk)]:
            seen[frames].append(env.step(keep)[0])
    # Five frames; of the last chunk of two only one exists.
    passed, kept = ([0, 1, 2, 3, 4, 5], [0, 1, 1, 2, 3, 3])
    if chunk == 2:
        passed, kept = ([0, 2, 4, 5], [0, 2, 2, 3])
    shares = [(one["progress"].item(), one["count"].item()) for one in seen[9]]
    np.testing.assert_allclose(shares, np.column_stack([passed, kept]) / 5, rtol=1e-6)
    # However much padding follows the video, the observations are the same.
    assert_equal(tuple(seen[9]), tuple(seen[5]))
    assert_equal(tuple(seen[20]), tuple(seen[5]))


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


def test_regression_caches_play_with_a_regression_reward(regression):
    for name in IDS:
        env = gym.make(
            name,
            data=str(regression),
            stream="audio",
            num_frames=4,
            reward="delta_error",
            **more(name, 4),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(env.unwrapped)
        env.reset(options={"video": 0})
        for action in plan(name, np.zeros(4, int)):
            _, reward, over, _, info = env.step(action)
            if over:
                break
        cache = env.unwrapped.cache
        labels = cache.labels[cache.rows("train")]
        # An empty selection answers the training mean.
        np.testing.assert_allclose(info["p1"], labels.mean(0), rtol=1e-6)
        error = np.abs(info["p0"] - cache.labels[0]).mean()
        assert reward == pytest.approx(error - np.abs(info["p1"] - cache.labels[0]).mean())
        assert "correct_before" not in info


@pytest.mark.parametrize("name", IDS)
def test_the_docstring_has_every_section_and_its_snippet_runs(name):
    single, _ = envs.ENVIRONMENTS[name]
    for heading in (
        "Description",
        "Action Space",
        "Observation Space",
        "Rewards",
        "Starting State",
        "Episode End",
        "Information",
        "Arguments",
        "Vectorized environment",
        "Version History",
    ):
        assert f"## {heading}\n" in single.__doc__
    defaults = single.process.settings_class()
    for field in fields(defaults):
        value = getattr(defaults, field.name)
        text = value if not isinstance(value, str) else f'"{value}"'
        inherited = name != "FrameSelect/OneShot-v0" and field.name in (
            {field.name for field in fields(envs.OneShotEnv.process.settings_class)}
        )
        assert inherited or f"`{field.name}={text}`" in single.__doc__, field.name
    tests = doctest.DocTestFinder(recurse=False).find(single, single.__name__)
    assert tests and tests[0].examples
    assert doctest.DocTestRunner().run(tests[0]).failed == 0


def test_importing_the_library_imports_nothing_heavy():
    code = (
        "import sys, gymnasium, frame_select_env; gymnasium.make('FrameSelect/OneShot-v0');"
        "heavy = {'torch', 'scipy', 'sklearn', 'matplotlib', 'rich', 'agents', 'data',"
        "'baselines'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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
