"""python -m agents train and evaluate, through the real entry point."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from processes import run_module
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents import registry as agent_registry
from agents.__main__ import main
from frame_select_env import open_cache

FAST = ["--epochs", "2", "--hidden-size", "8", "--num-frames", "10", "--batch-size", "10"]


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that a command ends with on bad input."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and "Traceback" not in lines[0]
    return lines[0]


@pytest.fixture(scope="module")
def run(planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    command = ["train", "--data", planted, "--out", folder, "--target-frames", 4, *FAST]
    done = run_module("agents", command, folder.parent)
    assert done.returncode == 0, done.stderr
    assert "all frames" in done.stdout and "reinforce, top 4" in done.stdout
    return folder


def test_train_writes_a_run_folder(run, planted):
    config = json.loads((run / "config.json").read_text())
    assert config["agent"] == "reinforce" and config["task"]["target_frames"] == 4
    assert config["hyper"]["hidden_size"] == 8 and config["hyper"]["dropout"] == 0.3
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"episodes", "updates", "seconds", "validation", "reward", "kept"} <= set(rows[0])
    events = EventAccumulator(str(run)).Reload()
    assert {"train/reward", "validation/validation"} <= set(events.Tags()["scalars"])
    assert len(events.Scalars("train/reward")) == 2


def test_evaluate_writes_the_table_the_predictions_and_the_picture(run, planted):
    command = ["evaluate", run, "--data", planted, "--frames", 2, 4, "--resamples", 50, "--latex"]
    done = run_module("agents", command, run.parent)
    assert done.returncode == 0, done.stderr
    assert r"\textbf{reinforce} & \textbf{" in (run / "tables" / "results.tex").read_text()
    with (run / "evaluation.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = {"ranking", "frames", "accuracy", "accuracy_low", "accuracy_high", "mean_frames"}
    assert columns <= set(rows[0])
    found = {(row["ranking"], row["frames"]) for row in rows}
    for ranking in ("reinforce", "untrained reinforce", "uniform", "random", "confidence"):
        assert {(ranking, "2"), (ranking, "4"), (ranking, "chosen")} <= found
    for name in ("all", "all-logits", "pooled"):
        assert (name, "all") in found
    assert ("reinforce", "free") in found and ("oracle", "2") in found
    assert ("untrained reinforce", "free") not in found
    for row in rows:
        low, value, high = (float(row[f"accuracy{end}"]) for end in ("_low", "", "_high"))
        assert 0 <= low <= value <= high <= 1
    with (run / "predictions.csv").open() as file:
        predicted = list(csv.DictReader(file))
    tests = open_cache(planted).rows("test")
    ids = open_cache(planted).ids[tests].tolist()
    for frames in ("chosen", "free"):
        named = ("reinforce", frames)
        mine = [row for row in predicted if (row["ranking"], row["frames"]) == named]
        assert [row["id"] for row in mine] == ids
        right = np.mean([row["predicted"] == row["label"] for row in mine])
        (own,) = (row for row in rows if (row["ranking"], row["frames"]) == named)
        assert float(own["accuracy"]) == pytest.approx(right, abs=1e-6)
    assert (run / "accuracy.png").read_bytes()[:4] == b"\x89PNG"
    assert "reinforce" in done.stdout


def evaluated(planted, out, *runs) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of the evaluation of runs, by ranking and number of frames."""
    options = ["--data", planted, "--out", out, "--frames", 2, "--resamples", 50]
    main(["evaluate", *map(str, runs), *map(str, options)])
    with (out / "evaluation.csv").open() as file:
        return {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}


@pytest.mark.usefixtures("no_pictures")
def test_several_seeds_become_one_row(run, planted, tmp_path, capsys):
    second = tmp_path / "second"
    again = ["--seed", "1", "--target-frames", "4", *FAST]
    main(["train", "--data", str(planted), "--out", str(second), *again])
    rows = evaluated(planted, tmp_path / "both", run, second)
    assert rows["reinforce", "2"]["runs"] == "2" and rows["confidence", "2"]["runs"] == "1"


@pytest.mark.usefixtures("no_pictures")
def test_references_on_request_stand_in_the_table(run, planted, tmp_path, capsys):
    main(
        ["evaluate", str(run), "--data", str(planted), "--out", str(tmp_path / "more")]
        + ["--frames", "3", "--resamples", "20", "--also", "diversity", "hill-climb"]
    )
    with (tmp_path / "more" / "evaluation.csv").open() as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    assert {("diversity", "3"), ("hill-climb", "3"), ("uniform", "3")} <= set(rows)
    assert float(rows["hill-climb", "3"]["regret"]) <= 0 <= float(rows["uniform", "3"]["regret"])
    wrong = ["evaluate", run, "--data", planted, "--frames", 3, "--also"]
    assert "unknown reference 'best'; known: " in fails(capsys, *wrong, "best")


@pytest.mark.usefixtures("no_pictures")
def test_two_agents_stand_side_by_side(run, planted, tmp_path, capsys):
    soft = tmp_path / "soft"
    main(["train", "--data", str(planted), "--agent", "soft-attention", "--out", str(soft), *FAST])
    rows = evaluated(planted, tmp_path / "both", run, soft)
    for name in ("reinforce", "soft-attention"):
        assert {(name, "2"), (name, "free"), (name, "chosen")} <= set(rows)
        assert (f"untrained {name}", "2") in rows


@pytest.mark.usefixtures("no_pictures")
def test_runs_with_other_hyper_parameters_have_a_row_of_their_own(run, planted, tmp_path, capsys):
    other = tmp_path / "other"
    changed = ["--target-frames", "4", "--beta", "0.5", *FAST]
    main(["train", "--data", str(planted), "--out", str(other), *changed])
    names = {name for name, _ in evaluated(planted, tmp_path / "both", run, other)}
    both = "reinforce@hidden_size=8,epochs=2,batch_size=10"
    assert {both, f"{both},beta=0.5"} <= names


AGENTS = sorted(set(agent_registry.AGENTS) - {"reinforce", "soft-attention"})


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_trains_ranks_and_chooses_freely(agent, planted, tmp_path, capsys):
    out = tmp_path / "run"
    command = ["train", "--data", str(planted), "--agent", agent, "--out", str(out)]
    main([*command, "--target-frames", "3", *FAST, "--epochs", "1", "--batch-size", "64"])
    assert {path.name.partition(".")[0] for path in out.iterdir()} == {
        "config", "events", "inputs", "metrics", "model"
    }  # fmt: skip
    main(["evaluate", str(out), "--data", str(planted), "--frames", "3", "--resamples", "20"])
    with (out / "evaluation.csv").open() as file:
        rows = {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}
    assert {(agent, "3"), (agent, "free"), (f"untrained {agent}", "3")} <= set(rows)
    assert 1 <= float(rows[agent, "free"]["mean_frames"]) <= 10


def test_a_reward_in_json_reaches_the_run(planted, tmp_path, capsys):
    out = tmp_path / "run"
    reward = '{"sign_omega": {"omega": 5}, "budget": {"weight": 0.1}}'
    main(["train", "--data", str(planted), "--out", str(out), "--reward", reward, *FAST])
    config = json.loads((out / "config.json").read_text())
    assert config["task"]["reward"] == json.loads(reward)


def test_help_names_every_hyper_parameter(tmp_path):
    done = run_module("agents", ["train", "--help"], tmp_path)
    assert done.returncode == 0
    for flag in ("--data", "--reward", "--learning-rate", "--beta", "--baseline", "--preset"):
        assert flag in done.stdout
    every = run_module("agents", ["--help"], tmp_path).stdout
    assert every.startswith("usage: python -m agents")


def test_the_preset_gives_the_defaults(planted, tmp_path, capsys):
    out = tmp_path / "run"
    main(["train", "--data", str(planted), "--out", str(out), "--preset", "paper", *FAST])
    config = json.loads((out / "config.json").read_text())
    assert config["hyper"]["learning_rate"] == 1e-5 and config["hyper"]["baseline"] == (
        "moving-average"
    )
    assert config["task"]["target_frames"] == 10  # the paper's 12, of 10 frames
    assert config["hyper"]["hidden_size"] == 8  # a flag goes before the preset


def test_bad_input_of_train(planted, tmp_path, capsys):
    new = tmp_path / "new"
    for arguments, message in (
        (("--data", "absent.h5"), "absent.h5: no such file, nor a bundled cache"),
        (
            ("--data", planted, "--agent", "dream"),
            "unknown agent 'dream'; known: dfan, dqn, ",
        ),
        (("--data", planted, "--agent", "nowhere:x"), "cannot be imported"),
        (("--data", planted, "--reward", "luck"), "unknown reward 'luck'; known: "),
        (("--data", planted, "--reward", "{luck"), "is not valid JSON"),
        (("--data", planted, "--fold", "9"), "unknown fold '9'; known: default"),
        (("--data", planted, "--split", "dev"), "unknown split 'dev'; known: test, train, val"),
        (("--data", planted, "--target-frames", 30), "target_frames=30: must be from 1 to"),
        (("--data", planted, "--epochs", 0), "epochs=0: must be at least 1"),
        (("--data", planted, "--device", "tpu"), "device='tpu': "),
        (("--data", planted, "--device", "cpu:0"), "device='cpu:0': must be cpu, cuda or cuda:N"),
        (("--data", planted, "--seed", -1), "seed=-1: must be an integer of at least 0"),
        (("--data", planted, "--threads", 0), "threads=0: must be at least 1"),
        (("--data", planted, "--agent", "soft-attention", "--alpha", 7), "alpha=7.0: must be"),
        (("--data", planted, "--budget", -1), "budget=-1: must be"),
        (("--data", planted, "--agent", "dqn", "--chunk", 30), "chunk=30: must be from 1 to"),
        (
            ("--data", planted, "--agent", "soft-attention", "--preset", "paper"),
            "agent 'soft-attention': unknown preset 'paper'; known: tuned",
        ),
    ):
        assert message in fails(capsys, "train", "--out", new, *arguments)
        assert not new.exists()
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep me")
    message = fails(capsys, "train", "--data", planted, "--out", full)
    assert "is not an empty folder" in message and (full / "mine.txt").exists()


def test_bad_input_of_evaluate(run, planted, regression, tmp_path, capsys):
    assert "is not a run folder" in fails(capsys, "evaluate", tmp_path, "--data", planted)
    changed = tmp_path / planted.name
    changed.write_bytes(planted.read_bytes() + b"x")
    assert "planted.h5 has changed since this run was trained on it" in fails(
        capsys, "evaluate", run, "--data", changed
    )
    assert "frames=[]" in fails(capsys, "evaluate", run, "--data", planted, "--frames")
    assert "frames=11" in fails(capsys, "evaluate", run, "--data", planted, "--frames", 11)
    assert "was trained on planted.h5 with 6 features" in fails(
        capsys, "evaluate", run, "--data", "digits"
    )
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "model.safetensors"):
        (broken / name).write_bytes((run / name).read_bytes()[:100])
    assert "is not valid JSON" in fails(capsys, "evaluate", broken, "--data", planted)
    (broken / "config.json").write_bytes((run / "config.json").read_bytes())
    cut_off = "the run did not finish: model.safetensors is cut off"
    assert cut_off in fails(capsys, "evaluate", broken, "--data", planted)
    (broken / "config.json").write_text('{"version": 99}')
    assert "has version 99, but only version 5 can be read" in fails(
        capsys, "evaluate", broken, "--data", planted
    )


def test_an_unfinished_run_is_resumed_by_the_same_command_only(run, planted, tmp_path, capsys):
    again = tmp_path / "again"
    again.mkdir()
    (again / "config.json").write_bytes((run / "config.json").read_bytes())
    command = ["train", "--data", planted, "--out", again, *FAST]
    assert "whose task differs: target_frames was 4 and is now 8" in fails(capsys, *command)
    config = json.loads((again / "config.json").read_text())
    config["cache"]["digest"] = "0"
    (again / "config.json").write_text(json.dumps(config))
    assert "has changed since this unfinished run began" in fails(
        capsys, *command, "--target-frames", 4
    )
    (again / "config.json").write_bytes((run / "config.json").read_bytes())
    main([*map(str, command), "--target-frames", "4"])
    capsys.readouterr()
    assert (again / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
    assert "holds a finished run" in fails(capsys, *command, "--target-frames", 4)


def test_unknown_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["dream"])
    assert caught.value.code == 2 and "train" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(planted, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("agents.commands.train.train_run", interrupt)
    with pytest.raises(SystemExit) as caught:
        main(["train", "--data", str(planted), "--out", str(tmp_path / "run"), *FAST])
    assert caught.value.code == 130
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.endswith("interrupted: rerun the command to resume from the last checkpoint")


def test_slow_libraries_are_imported_when_they_are_used(planted, tmp_path):
    """Training a network needs torch alone, and no help needs more than that."""
    slow = {"sklearn", "scipy", "stable_baselines3", "matplotlib", "pandas", "optuna"}
    code = (
        "import contextlib, sys\n"
        "from frame_select_env.command_line import main\n"
        "for name in ('train', 'evaluate', 'compare', 'search'):\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main([name, '--help'])\n"
        "main(sys.argv[1:])\n"
        f"assert not {slow} & set(sys.modules), {slow} & set(sys.modules)\n"
    )
    train = ["train", "--data", planted, "--out", tmp_path / "run", *FAST]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, train)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/model.safetensors").is_file()
