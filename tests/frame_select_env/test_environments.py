"""Every id in every observation mode obeys Gymnasium and SB3, and survives JSON and pickle."""

import doctest
import json
import pickle
import subprocess
import sys
import warnings
from dataclasses import fields

import gymnasium as gym
import pytest
import stable_baselines3.common.env_checker as sb3_checker
from environment_cases import CASES, IDS, MODES, REFUSED, taken
from equality import assert_equal
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from frame_select_env import FrameSelectError, envs


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
