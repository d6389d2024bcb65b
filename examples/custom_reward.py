"""A reward of your own in five lines.

Run it from a clone: python examples/custom_reward.py
"""

import gymnasium as gym
import numpy as np

from frame_select_env import Outcome, register_reward


@register_reward("margin_after", needs=("label",))
def margin_after(outcome: Outcome) -> np.ndarray:
    """The true class's lead over the best other class: p_c - max over k != c of p_k."""
    rows = np.arange(len(outcome))
    others = outcome.p1.copy()
    others[rows, outcome.label] = -np.inf
    return outcome.p1[rows, outcome.label] - others.max(axis=1)


def main() -> None:
    """Keep fewer and fewer of the most confident frames of 200 videos and print the rewards."""
    envs = gym.make_vec(
        "FrameSelect/OneShot-v0",
        num_envs=200,
        data="digits",
        split="train",
        reward={"margin_after": 1.0, "budget": 0.1},
        target_frames=8,
    )
    observation, _ = envs.reset(seed=0)
    confidence = observation["predictions"].max(axis=2)
    order = np.argsort(-confidence, axis=1)
    for frames in (25, 16, 8, 4):
        envs.reset(seed=0)
        keep = np.zeros((200, 25), np.int8)
        np.put_along_axis(keep, order[:, :frames], 1, axis=1)
        _, reward, _, _, info = envs.step(keep)
        terms = {
            name: round(float(info["reward_terms"][name].mean()), 3)
            for name in ("margin_after", "budget")
        }
        print(f"{frames:2d} most confident frames: reward {reward.mean():+.3f}, of which {terms}")


if __name__ == "__main__":
    main()
