"""A run that is interrupted at any epoch and resumed equals one that was not, to the bit."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from agents.registry import parse_agent
from agents.training.checkpoint import CHECKPOINT, load_checkpoint, pack, unpack
from agents.training.trainer import Run, train_run
from frame_select_env import FrameSelectError

AGENTS = [
    "reinforce@hidden_size=8,episodes=3",
    "reinforce@hidden_size=8,episodes=3,baseline=moving-average,decay_epochs=[2]",
    "reinforce@hidden_size=8,episodes=3,keep=last,warm_start=2,listwise_coef=0.5",
    "plackett-luce@hidden_size=8,episodes=3,frames=[1,2]",
    "soft-attention@hidden_size=8",
    "dfan@hidden_size=8,learned_scale=true",
    "reaction@hidden_size=8,dropout=0.3,halve_every=2",
    "q-factored@hidden_size=8,episodes=3,memory=5",
    "reinforce-sequential@hidden_size=8",
    "reinforce-glance@hidden_size=8",
    "ppo@hidden_size=8,rollout_episodes=2,repeats=2",
    "ppo-sequential@hidden_size=8",
    "dqn@hidden_size=8,dropout=0.2,target_update_interval=100,n_steps=2,double_q=true",
    "dqn@hidden_size=8,encoder=frame,dense=true,buffer_size=800,prioritized_replay=true",
    "dqn@hidden_size=8,learning_starts=700",
    "dqn-chunk@hidden_size=8,chunk=3",
    "dqn-pick@hidden_size=8,n_steps=1,munchausen=true,prioritized_replay=true",
    "maskable-ppo@hidden_size=8",
    "dqn-glance@hidden_size=8,picks=3,gradient_steps=1",
    "sb3:A2C@hidden_size=8,episodes=1",
    "sb3:TRPO@hidden_size=8,episodes=1,n_critic_updates=2",
    "sb3:QRDQN@hidden_size=8,episodes=1,target_update_interval=50",
    "sb3:RecurrentPPO@hidden_size=8,episodes=1",
]


class StoppedError(Exception):
    """Raised at the end of an epoch, as if the process had been killed there."""


@pytest.mark.parametrize("agent", AGENTS)
def test_a_resumed_run_equals_an_uninterrupted_one(planted: Path, tmp_path: Path, agent: str):
    choice = parse_agent(agent)
    config = dataclasses.replace(choice.config, epochs=4, patience=0, **_small(choice.config))
    choice = dataclasses.replace(choice, config=config)
    run = Run(str(planted), choice, {"num_frames": 8, "target_frames": 3, "seed": 5})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_run(whole, run)

    for stop in (1, 3, 3):  # the second time at the epoch it is already in

        def interrupt(epoch, stop=stop):
            if epoch.number > stop:  # the row of this epoch is written, its checkpoint is not
                raise StoppedError

        with pytest.raises(StoppedError):
            train_run(parts, run, interrupt, checkpoint_seconds=0)
        assert load_checkpoint(parts)["epoch"]["number"] == stop
    last = train_run(parts, run).last

    assert last.number == 4
    assert not (parts / CHECKPOINT).exists()
    one, two = (load_file(folder / "model.safetensors") for folder in (whole, parts))
    for name, value in one.items():
        assert torch.equal(value, two[name]), name
    assert _metrics(whole) == _metrics(parts)


def _small(config: object) -> dict[str, int]:
    batch = 64 if hasattr(config, "num_envs") else 16
    names = {field.name for field in dataclasses.fields(config)}
    started = min(getattr(config, "learning_starts", 30), 700)  # 700: in the second epoch
    small = {
        "batch_size": batch,
        "num_envs": 16,
        "n_epochs": 2,
        "gradient_steps": min(getattr(config, "gradient_steps", 2), 2),
        "learning_starts": started if started == 700 else 30,
    }
    return {name: value for name, value in small.items() if name in names}


def _metrics(folder: Path) -> list[list[str]]:
    """metrics.csv without what the clock says."""
    rows = [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()]
    timed = [rows[0].index(name) for name in ("seconds", "cpu_seconds")]
    return [[cell for place, cell in enumerate(row) if place not in timed] for row in rows]


def test_a_state_survives_packing():
    state = {
        "a": [1, 2.5, None, "x", True, (1, 2)],
        3: {"t": torch.arange(3), "deep": [{"u": torch.ones(2, dtype=torch.float16)}]},
        "empty": torch.zeros(0),
        "infinite": -np.inf,
    }
    tensors: dict[str, torch.Tensor] = {}
    found = unpack(pack(state, tensors), tensors)
    assert found["a"] == [1, 2.5, None, "x", True, [1, 2]] and found["infinite"] == -np.inf
    assert torch.equal(found[3]["t"], torch.arange(3)) and found["empty"].shape == (0,)
    assert found[3]["deep"][0]["u"].dtype == torch.float16


def test_a_damaged_checkpoint_is_named(tmp_path: Path):
    (tmp_path / CHECKPOINT).write_bytes(b"nonsense")
    with pytest.raises(FrameSelectError, match="is damaged .* delete it to train from the"):
        load_checkpoint(tmp_path)
    assert load_checkpoint(tmp_path / "absent") is None
