"""Minari: record random picks as a data set, infos included, and load it again.

Minari stores an episode as arrays over its steps, so the info of each step must have the same keys.
Ours tells the outcome in an episode's last step only: `SameKeys` puts zeros for it in the others.

Run it from a clone:
    pip install --editable ".[minari]"
    python examples/minari_dataset.py --steps 800
It writes to ./minari, unless MINARI_DATASETS_PATH names another folder.
"""

import argparse
import os
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np

# Minari would write to your home folder.
os.environ.setdefault("MINARI_DATASETS_PATH", os.path.abspath("minari"))

import minari

import frame_select_env  # noqa: F401 - registers the environments

NAME = "frame-select/pick-random-v0"


class SameKeys(minari.StepDataCallback):
    """Complete each step's info: what it lacks is 0, in the form it has in `template`."""

    def __init__(self, template: dict[str, Any]) -> None:
        self.blank = zeros(template)

    def __call__(self, env: gym.Env, **step: Any) -> Any:
        """The step as it is stored."""
        data = super().__call__(env, **step)
        data["info"] = {**self.blank, **data["info"]}
        return data


def zeros(info: dict[str, Any]) -> dict[str, Any]:
    """The same keys, all zero."""
    return {
        key: zeros(value) if isinstance(value, dict) else np.zeros_like(value)
        for key, value in info.items()
    }


def play(env: gym.Env, seed: int | None = None) -> tuple[int, dict[str, Any]]:
    """Random legal picks until the episode ends: the number of steps, and the last info."""
    _, info = env.reset(seed=seed)
    steps, over = 0, False
    while not over:
        action = env.action_space.sample(info["action_mask"])
        _, _, terminated, truncated, info = env.step(action)
        steps, over = steps + 1, terminated or truncated
    return steps, info


def main(steps: int) -> None:
    """Record at least `steps` steps."""
    env = gym.make("FrameSelect/Pick-v0", data="cues", split="train", observation="flat")
    env.action_space.seed(0)
    _, template = play(env, seed=0)
    collector = minari.DataCollector(env, partial(SameKeys, template), record_infos=True)
    done = 0
    while done < steps:
        done += play(collector)[0]
    if NAME in minari.list_local_datasets():
        minari.delete_dataset(NAME)
    collector.create_dataset(NAME, algorithm_name="random picks", description="Random legal picks.")
    dataset = minari.load_dataset(NAME)
    returns = [episode.rewards.sum() for episode in dataset.iterate_episodes()]
    right = [episode.infos["correct_after"][-1] for episode in dataset.iterate_episodes()]
    print(f"{dataset.total_episodes} episodes, {dataset.total_steps} steps")
    print(f"mean return {np.mean(returns):+.2f}, {100 * np.mean(right):.0f} % right")
    print(f"made by {dataset.recover_environment().spec.id}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=800)
    main(parser.parse_args().steps)
