"""Stable-Baselines3 without the bridge: PPO on OneShot, in SB3's own vector environment.

`make_vec_env` steps single environments one by one, and resets them itself. The bridge is faster,
see sb3_bridge.py.

Run it from a clone: python examples/sb3_plain.py --steps 60000
"""

import argparse

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

import frame_select_env

ENV, KEYWORDS = "FrameSelect/OneShot-v0", {"data": "digits", "observation": "flat"}


def main(steps: int) -> None:
    """Train for `steps` steps of all environments together."""
    torch.set_num_threads(1)  # networks this small are slower on several
    train = make_vec_env(ENV, n_envs=16, seed=0, env_kwargs={**KEYWORDS, "split": "train"})
    test = make_vec_env(ENV, env_kwargs={**KEYWORDS, "split": "test", "order": "once"})
    videos = len(frame_select_env.open_cache(KEYWORDS["data"]).rows("test"))
    model = PPO("MlpPolicy", train, n_steps=64, batch_size=256, learning_rate=1e-3, seed=0)
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
