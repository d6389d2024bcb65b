"""Stable-Baselines3 through the bridge: MaskablePPO on Pick.

`BatchVecEnv` makes the native vector environment an SB3 VecEnv: a batch is one NumPy computation,
and the action masks come along.

Run it from a clone: python examples/sb3_bridge.py --steps 60000
"""

import argparse

import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy

from agents.stable_baselines.vec_env import BatchVecEnv

ENV, KEYWORDS = "FrameSelect/Pick-v0", {"data": "cues", "observation": "flat", "dense": True}


def main(steps: int) -> None:
    """Train for `steps` steps of all environments together."""
    torch.set_num_threads(1)  # networks this small are slower on several
    train = BatchVecEnv(ENV, num_envs=64, split="train", **KEYWORDS)
    test = BatchVecEnv(ENV, num_envs=64, split="test", order="once", **KEYWORDS)
    videos = len(test.env.cache.rows("test"))
    model = MaskablePPO(
        "MlpPolicy", train, n_steps=16, batch_size=256, learning_rate=1e-3, gamma=1.0, seed=0
    )
    for state in ("untrained", "trained"):
        test.seed(0)  # each video once, from the first on
        mean, _ = evaluate_policy(model, test, videos)
        print(f"test return, {state}: {mean:+.2f}")
        if state == "untrained":
            model.learn(steps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60_000)
    main(parser.parse_args().steps)
