"""REINFORCE in one file, to read and to change; it uses nothing from agents/.

A small network scores every frame from its feature and its neighbours'; selections are sampled,
the environment rewards them, and the mean reward of a video's other selections is the baseline.

Run it from a clone: python examples/single_file_reinforce.py
"""

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from frame_select_env import open_cache, top_frames
from frame_select_env.consensus import consensus, is_correct

VIDEOS, SELECTIONS, FRAMES, KEEP = 32, 8, 25, 8
UPDATES, LEARNING_RATE, SEED = 200, 3e-3, 0


def accuracy_on_test(network: nn.Module) -> tuple[float, float]:
    """Test accuracy with all frames, and with the 8 highest-scored ones."""
    right_all, right_kept = [], []
    cache = open_cache("digits")
    for clips in cache.clips("test", num_frames=FRAMES):
        label = cache.labels[clips.video]
        with torch.no_grad():
            scores = network(torch.from_numpy(clips.features).float().transpose(1, 2))[:, 0].numpy()
        kept = top_frames(scores, clips.valid, KEEP)
        for right, selected in ((right_all, clips.valid), (right_kept, kept)):
            right += is_correct(consensus(clips.predictions, selected, clips.valid), label).tolist()
    return float(np.mean(right_all)), float(np.mean(right_kept))


def main() -> None:
    """Train for a few seconds."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    cache = open_cache("digits")
    envs = gym.make_vec(
        "FrameSelect/OneShot-v0",
        num_envs=VIDEOS * SELECTIONS,
        data="digits",
        split="train",
        observation="index",
        autoreset_mode="Disabled",
    )
    features = torch.from_numpy(cache.read(np.arange(len(cache)), FRAMES).features).float()
    network = nn.Sequential(
        nn.Conv1d(features.shape[2], 64, kernel_size=7, padding=3),
        nn.ReLU(),
        nn.Conv1d(64, 64, kernel_size=7, padding=3),
        nn.ReLU(),
        nn.Conv1d(64, 1, kernel_size=1),
    )
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    rng = np.random.default_rng(SEED)
    rows = cache.rows("train")
    for update in range(1, UPDATES + 1):
        videos = rng.choice(rows, VIDEOS, replace=False)
        envs.reset(options={"video": np.tile(videos, SELECTIONS)})
        logits = network(features[videos].transpose(1, 2))[:, 0]
        policy = torch.distributions.Bernoulli(logits=logits)
        actions = policy.sample((SELECTIONS,))
        _, reward, _, _, _ = envs.step(actions.reshape(-1, FRAMES).numpy())
        reward = torch.from_numpy(reward).float().reshape(SELECTIONS, VIDEOS)
        advantage = (reward - reward.mean(0)) * SELECTIONS / (SELECTIONS - 1)
        chance = policy.log_prob(actions).sum(2)
        sampling = (policy.probs.mean(1) - KEEP / FRAMES).abs().mean()  # AS Eq. 9
        loss = sampling - (advantage * chance).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if update % 50 == 0:
            print(f"update {update}: reward {reward.mean():+.2f}, kept {policy.probs.mean():.2f}")
    every, kept = accuracy_on_test(network)
    print(f"test accuracy: all frames {100 * every:.1f} %, the {KEEP} best {100 * kept:.1f} %")


if __name__ == "__main__":
    main()
