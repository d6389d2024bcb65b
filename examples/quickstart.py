"""Play one video by hand, then train an agent for a few seconds and compare the two.

Run it from a clone: python examples/quickstart.py
"""

import dataclasses

import gymnasium as gym
import numpy as np
import torch

import frame_select_env  # noqa: F401 - registers the environments
from agents.evaluation import evaluate
from agents.evaluation.tables import print_table
from agents.reinforce import DESIGN, ReinforceConfig
from agents.task import make_task
from agents.training import train
from frame_select_env import open_cache


def play_by_hand() -> None:
    """Keep the 8 most confident frames and print the reward."""
    env = gym.make("FrameSelect/OneShot-v0", data="digits", split="train")
    observation, _ = env.reset(seed=0)
    confidence = observation["predictions"].max(axis=1)
    keep = np.zeros(25, np.int8)
    keep[np.argsort(confidence)[-8:]] = 1
    _, reward, _, _, info = env.step(keep)
    before, after = info["p0"][info["label"]], info["p1"][info["label"]]
    print(
        f"probability of the true class: {before:.2f} with all frames, {after:.2f} with 8 of them"
    )
    print(f"reward: {reward:+.0f}")


def train_and_compare() -> None:
    """Train REINFORCE for a few epochs and compare it with the reference rankings."""
    torch.set_num_threads(1)  # networks this small are slower on several
    cache = open_cache("digits")
    task = make_task(cache, "digits", select=8, seed=0)
    config = dataclasses.replace(ReinforceConfig(), epochs=15)
    agent = train(DESIGN, cache, task, config).agent
    validation = {"reinforce": [task.validation_rows]}
    print_table(evaluate(cache, {"reinforce": [agent]}, validation=validation, resamples=200))


if __name__ == "__main__":
    play_by_hand()
    train_and_compare()
