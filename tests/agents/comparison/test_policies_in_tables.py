"""Policies from elsewhere stand in compare and evaluate: one run, scored, without a budget."""

import csv
import importlib
import shutil
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from stable_baselines3 import PPO

from agents.__main__ import main
from agents.training import provenance

POLICY = """
import numpy as np

from agents import PolicyRanking


def sure(observation, mask):
    return (observation["predictions"].max(axis=2) > {threshold}).astype(np.int8)


policy = PolicyRanking(sure, "FrameSelect/OneShot-v0")


def of_cache(cache):
    return PolicyRanking(sure, "FrameSelect/OneShot-v0", num_frames=6, data=str(cache.path))
"""
SAVED = "sb3:PPO=model.zip"
SMALL = ["--frames", 2, "--resamples", 20]


@pytest.fixture(scope="module")
def model(planted, tmp_path_factory) -> Path:
    """A model that Stable-Baselines3 alone trained and saved."""
    env = gym.make("FrameSelect/OneShot-v0", data=str(planted), num_frames=6, observation="flat")
    made = PPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu")
    made.learn(8)
    made.save(path := tmp_path_factory.mktemp("saved") / "model.zip")
    return path


@pytest.fixture
def folder(model, tmp_path, monkeypatch):
    """A folder with the model and the module table_policies, which `write` changes."""
    shutil.copy(model, tmp_path / "model.zip")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def write(threshold: float) -> None:
        (tmp_path / "table_policies.py").write_text(POLICY.format(threshold=threshold))
        sys.modules.pop("table_policies", None)
        importlib.invalidate_caches()
        provenance._code.cache_clear()

    write(0.5)
    yield write
    sys.modules.pop("table_policies", None)


def run(*arguments: object) -> None:
    main(list(map(str, arguments)))


def fails(capsys, *arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
def test_compare_scores_a_policy_once_and_again_only_if_it_changed(planted, folder, capsys):
    agents = ["sb3:A2C@hidden_size=4,num_envs=4", "table_policies:policy", SAVED]
    arguments = ["compare", "--data", planted, "--out", "out", "--seeds", 2, "--budget", 8]
    arguments += ["--num-frames", 6, "--target-frames", 3, 2, "--jobs", 1, *SMALL, "--agents"]
    assert "model.zip: a model of Stable-Baselines3 is a pickle" in fails(
        capsys, *arguments, *agents
    )
    assert not Path("out").exists()
    run(*arguments, *agents, "--trust-code")
    with open("out/results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["agent"] for row in rows]
    for name in agents[1:]:
        own = [row for row in rows if row["agent"] == name]
        assert {row["frames"] for row in own} == {"chosen", "one-se", "free", "2"}
        spent = {(row["seed"], row["episodes"], row["updates"], row["reward"]) for row in own}
        assert spent == {("0", "0", "0", "")}
        assert f"untrained {name}" not in names
    trained = {(row["seed"], row["target_frames"]) for row in rows if row["agent"] == agents[0]}
    assert len(trained) == 4 and f"untrained {agents[0]}" in names
    files = {file: file.stat().st_mtime_ns for file in Path("out").rglob("model.safetensors")}
    assert len(files) == 6
    capsys.readouterr()
    folder(0.3)
    shutil.copy("model.zip", "other.zip")
    with open("model.zip", "ab") as file:
        file.write(b"0")  # another file
    run(*arguments, *agents, "--trust-code")
    told = [line for line in capsys.readouterr().out.splitlines() if "retrained" in line]
    assert len(told) == 2 and "table_policies:policy changed" in told[0] and SAVED in told[1]
    changed = {file for file, time in files.items() if file.stat().st_mtime_ns != time}
    assert len(changed) == 2
    # The run folder of a policy is evaluated as others are, if its code is trusted.
    (other,) = [file.parent for file in changed if "table_policies" in str(file)]
    asked = ["evaluate", other, "--data", planted, *SMALL]
    assert "names code to run: table_policies" in fails(capsys, *asked)
    run(*asked, "--trust-code")
    assert "pick" not in fails(capsys, "train", "--agent", SAVED, "--data", planted, "--out", "x")
    assert not Path("x").exists()


@pytest.mark.usefixtures("no_pictures", "folder")
def test_evaluate_takes_policies_without_and_with_runs(planted, capsys):
    asked = ["evaluate", "--data", planted, *SMALL, "--agents", "table_policies:of_cache"]
    assert "--out: name a folder" in fails(capsys, *asked)
    run(*asked, f"{SAVED}@observation=flat", "--trust-code", "--out", "alone")
    with open("alone/evaluation.csv", newline="") as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    for name in ("table_policies:of_cache", SAVED):
        assert {frames for ranking, frames in rows if ranking == name} >= {"chosen", "free", "2"}
        assert rows[name, "2"]["runs"] == "1"
    train = ["train", "--agent", "soft-attention", "--hidden-size", 4, "--epochs", 1]
    run(*train, "--data", planted, "--num-frames", 6, "--target-frames", 3, "--out", "run")
    capsys.readouterr()
    run("evaluate", "run", "--data", planted, *SMALL, "--agents", "table_policies:policy")
    shown = " ".join(capsys.readouterr().out.split())
    assert "table_policies:policy, free" in shown  # its own choice, beside its best frames
    assert "soft-attention" in shown and "soft-attention, free" not in shown
    with open("run/evaluation.csv", newline="") as file:
        both = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    # The same policy on the frames of the run: the same figures.
    same = "accuracy", "mean_frames"
    policy, alone = both["table_policies:policy", "free"], rows["table_policies:of_cache", "free"]
    assert [policy[name] for name in same] == [alone[name] for name in same]
    assert ("soft-attention", "chosen") in both


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("agent", "message"),
    [
        (
            "table_policies:np",
            "is a module; expected an AgentDesign, a PolicyRanking or a function",
        ),
        ("table_policies:sure", "is a function; expected an AgentDesign, a PolicyRanking"),
        ("reinforce", "--agents reinforce: must be trained"),
        ("sb3:PPO=absent.zip", "absent.zip: no such file"),
        ("sb3:PPO=", "agent 'sb3:PPO=': name a file behind the =, or leave it out"),
        ("sb3:PPO=table_policies.py", "table_policies.py: is not a model of PPO; name the"),
        (f"{SAVED}@observation=video", "model.zip: was trained on actions MultiBinary(6), but"),
        (f"{SAVED}@env_id=FrameSelect/Sequential-v0", "model.zip: was trained on actions MultiBi"),
        (f"{SAVED}@chunk=5", "unexpected keyword argument 'chunk'"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_in_a_line(planted, capsys, agent, message):
    asked = ["evaluate", "--data", planted, *SMALL, "--out", "out"]
    error = fails(capsys, *asked, "--trust-code", "--agents", agent)
    assert message in error and "Traceback" not in error


@pytest.mark.usefixtures("folder")
def test_a_saved_policy_of_other_observations_is_named(planted, capsys):
    asked = ["compare", "--data", planted, "--num-frames", 6, "--seeds", 1, "--out", "out", *SMALL]
    error = fails(capsys, *asked, "--trust-code", "--agents", f"{SAVED}@observation=video")
    assert "model.zip: was trained on observations (66,), but its environment here has {" in error
