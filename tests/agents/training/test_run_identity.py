"""A run folder: which run it holds, whose code it may import, and what damage shows."""

import dataclasses
import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from processes import run_module

from agents.registry import AgentChoice, parse_agent
from agents.reinforce import DESIGN, ReinforceConfig
from agents.training import provenance
from agents.training.load import load_run
from agents.training.run_folder import CodeChangedError, is_finished
from agents.training.trainer import Run, run_config, train_run
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.storage import exclusive

REWARD = "import numpy as np\n\n\ndef first(outcome):\n    return outcome.p1[:, 0] * {factor}\n"


def choice(text: str = "reinforce"):
    found = parse_agent(text)
    config = dataclasses.replace(found.config, hidden_size=4, epochs=1, batch_size=16)
    return dataclasses.replace(found, config=config)


def settings(**changes: object) -> dict[str, object]:
    return {"num_frames": 6, "target_frames": 3, "seed": 1, **changes}


@pytest.fixture(scope="module")
def finished(planted, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("identity") / "run"
    train_run(folder, Run(str(planted), choice(), settings()))
    return folder


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def rewards(tmp_path, monkeypatch):
    """Writes the module identity_rewards with a factor, as if for a new process."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(factor: int) -> None:
        (tmp_path / "identity_rewards.py").write_text(REWARD.format(factor=factor))
        sys.modules.pop("identity_rewards", None)
        importlib.invalidate_caches()
        provenance._code.cache_clear()

    yield write
    sys.modules.pop("identity_rewards", None)


def config_of(planted: Path, **changes: object) -> dict[str, object]:
    run = Run(str(planted), choice(), settings(**changes))
    cache = open_cache(planted)
    return run_config(run, cache, run.task(cache))


def test_a_reward_that_was_edited_is_another_run(planted, tmp_path, rewards):
    rewards(1)
    run = Run(str(planted), choice(), settings(reward="identity_rewards:first"))
    train_run(tmp_path / "run", run)
    assert is_finished(tmp_path / "run", config_of(planted, reward="identity_rewards:first"))
    rewards(2)
    with pytest.raises(CodeChangedError, match=r"identity_rewards:first changed") as caught:
        train_run(tmp_path / "run", run)
    assert caught.value.names == ["identity_rewards:first"]


def test_a_run_from_before_a_setting_existed_has_its_default(planted, copy):
    config = json.loads((copy / "config.json").read_text())
    assert (config["task"].pop("updates"), config["task"].pop("cpu_seconds")) == (0, 0)
    (copy / "config.json").write_text(json.dumps(config))
    assert is_finished(copy, config_of(planted))
    assert load_run(copy, open_cache(planted)).task.updates == 0
    with pytest.raises(FrameSelectError, match="updates was 0 and is now 9"):
        is_finished(copy, config_of(planted, updates=9))


def test_newer_libraries_do_not_make_another_run(planted, copy):
    config = json.loads((copy / "config.json").read_text())
    config["versions"]["torch"] = "1.0"
    (copy / "config.json").write_text(json.dumps(config))
    assert is_finished(copy, config_of(planted))


def test_code_outside_the_project_is_imported_only_if_trusted(planted, copy, rewards):
    config = json.loads((copy / "config.json").read_text())
    config["task"]["reward"] = {"identity_rewards:first": 1.0, "budget": 1.0}
    config["agent"] = "identity_agents:DESIGN"
    (copy / "config.json").write_text(json.dumps(config))
    rewards(1)
    message = "names code to run: identity_agents, identity_rewards; if you trust it, add --trust"
    with pytest.raises(FrameSelectError, match=message):
        load_run(copy, open_cache(planted))
    assert "identity_rewards" not in sys.modules
    config["agent"] = "agents.reinforce:DESIGN"  # the project's own
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(FrameSelectError, match="names code to run: identity_rewards; if"):
        load_run(copy, open_cache(planted))
    assert load_run(str(copy), open_cache(planted), trust_code=True).name == "reinforce"
    assert "identity_rewards" in sys.modules


def test_a_cut_off_model_is_not_a_finished_run(planted, copy):
    model = copy / "model.safetensors"
    whole = model.read_bytes()
    for length in (0, 5, len(whole) - 1):
        model.write_bytes(whole[:length])
        assert not is_finished(copy, config_of(planted))
        with pytest.raises(FrameSelectError, match="did not finish"):
            load_run(copy, open_cache(planted))
    train_run(copy, Run(str(planted), choice(), settings()))  # from the beginning
    assert model.read_bytes() == whole


def test_a_flipped_bit_in_the_weights_is_found(planted, copy):
    model = copy / "model.safetensors"
    content = bytearray(model.read_bytes())
    content[-3] ^= 1
    model.write_bytes(content)
    with pytest.raises(FrameSelectError, match="is damaged .the checksum is wrong.; train again"):
        load_run(copy, open_cache(planted))


@pytest.mark.parametrize(
    "content", [b"\xff\xfe{}", b"{", b"[1]", b"[" * 100_000, b'{"version": 3}', b"null"]
)
def test_a_damaged_config_is_one_line(planted, copy, content):
    (copy / "config.json").write_bytes(content)
    with pytest.raises(FrameSelectError, match=r"config\.json: (is not valid JSON|has version)"):
        load_run(copy, open_cache(planted))
    with pytest.raises(FrameSelectError, match="delete the folder or choose another --out"):
        is_finished(copy, config_of(planted))


def test_a_folder_in_use_is_left_alone(planted, tmp_path):
    with exclusive(tmp_path / "run"):
        command = ["train", "--data", planted, "--out", "run", "--epochs", 1]
        done = run_module("agents", command, tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("is in use by another command; wait until it ends")


class Nameless:
    scores = None


class ThirdParty(AgentChoice):
    """An agent with a given design, which no registry has to know."""

    design = DESIGN  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("part", "made", "message"),
    [
        ("agent", Nameless, "its Nameless must have a name and scores"),
        ("network", dict, "its network is a dict, not an nn.Module"),
    ],
)
def test_a_design_is_checked_before_anything_is_written(
    planted, tmp_path, monkeypatch, part, made, message
):
    broken = dataclasses.replace(DESIGN, **{part: lambda *arguments: made()})
    monkeypatch.setattr(ThirdParty, "design", broken)
    found = ThirdParty("agents.reinforce:DESIGN", "tuned", ReinforceConfig(hidden_size=4))
    with pytest.raises(FrameSelectError, match=message):
        train_run(tmp_path / "run", Run(str(planted), found, settings()))
    assert not (tmp_path / "run").exists()
