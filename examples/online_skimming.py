"""Online skimming in one file: read a video once, skip what does not pay, keep little, and answer.

The policy is a GRU that sees the frame at the cursor and nothing ahead of it. It skips 1, 2, 4 or 8
frames, keeps the frame, or answers; a frame that is skipped is never seen, and each look costs. PPO
(Schulman et al., 2017) trains it on whole episodes.

Run it from a clone: python examples/online_skimming.py --price 0.01
"""

from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
import tyro
from torch import Tensor, nn
from torch.distributions import Categorical

from frame_select_env import Clips, open_cache
from frame_select_env.consensus import consensus, is_correct
from frame_select_env.ranking import evenly_spaced_frames

DATA, FRAMES, SKIPS = "cues", 25, (1, 2, 4, 8)
ACTIONS = len(SKIPS) + 2  # and keep, and answer
FIRST = (1.0, -1.0, -1.0, -1.0, 0.0, -4.0)  # the first logits: it reads on, mostly frame by frame
EPISODES, N_EPOCHS, MINIBATCHES = 256, 4, 4  # of an update
LEARNING_RATE, CLIP_RANGE, GAE_LAMBDA, VF_COEF, ENT_COEF = 1e-3, 0.2, 0.95, 0.5, 0.01
HIDDEN = 128


class Skimmer(nn.Module):
    """From what was seen up to each step to the logits of the next action, and the value."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.normal = nn.BatchNorm1d(inputs, affine=False, momentum=0.01)
        self.gru = nn.GRU(inputs, HIDDEN)
        self.policy, self.value = nn.Linear(HIDDEN, ACTIONS), nn.Linear(HIDDEN, 1)
        with torch.no_grad():
            self.policy.bias.copy_(torch.tensor(FIRST))

    def forward(self, seen: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [S, B, ACTIONS], values [S, B] and the state, of S steps of B episodes."""
        codes, state = self.gru(self.normal(seen.flatten(0, 1)).view_as(seen), state)
        return self.policy(codes), self.value(codes)[..., 0], state


@dataclass
class Episodes:
    """An episode of each of B videos, in S steps."""

    seen: Tensor  # [S, B, inputs]
    action: Tensor  # [S, B]
    log_prob: Tensor  # [S, B]
    value: Tensor  # [S, B]
    reward: Tensor  # [S, B]
    going: Tensor  # [S, B] bool, False after the episode's end
    correct: np.ndarray  # [B] bool
    looks: np.ndarray  # [B] int

    def advantage(self) -> Tensor:
        """The generalised advantage estimate without discount, [S, B]."""
        found, last, ahead = torch.zeros_like(self.value), torch.zeros(()), torch.zeros(())
        for step in reversed(range(len(self.value))):
            last = self.reward[step] + ahead - self.value[step] + GAE_LAMBDA * last
            found[step] = last = last * self.going[step]
            ahead = self.value[step] * self.going[step]
        return found


def make(split: str, count: int, price: float) -> gym.vector.VectorEnv:
    """`count` environments side by side."""
    return gym.make_vec(
        "FrameSelect/Sequential-v0",
        num_envs=count,
        data=DATA,
        split=split,
        num_frames=FRAMES,
        observation="looked",
        skips=list(SKIPS),
        reward={"correct": 0.5, "confidence": 0.5, "looks": -price},
        dense=True,
        autoreset_mode="SameStep",
    )


def at_cursor(observation: dict[str, np.ndarray]) -> Tensor:
    """The frame at the cursor, p1 of the frames kept, their number, and the place, [B, inputs]."""
    cursor = np.minimum(observation["cursor"], FRAMES - 1)
    every = np.arange(len(cursor))
    frame = [observation[name][every, cursor[:, 0]] for name in ("features", "predictions")]
    kept = observation["selected"].sum(axis=1, keepdims=True)
    return torch.from_numpy(np.hstack([*frame, observation["p1"], kept, cursor]).astype(np.float32))


def play(
    network: Skimmer, envs: gym.vector.VectorEnv, videos: np.ndarray, greedy: bool = False
) -> Episodes:
    """Play an episode of each of the videos [B]; what an environment begins next is not read."""
    network.eval()
    observation, _ = envs.reset(options={"video": videos})
    going, state, steps = np.ones(len(videos), bool), None, []
    correct, looks = np.zeros(len(videos), bool), np.zeros(len(videos), np.int64)
    while going.any():
        seen = at_cursor(observation)
        with torch.no_grad():
            logits, value, state = network(seen[None], state)
        policy = Categorical(logits=logits[0])
        action = logits[0].argmax(1) if greedy else policy.sample()
        observation, reward, ended, _, infos = envs.step(action.numpy())
        paid = torch.from_numpy(reward).float()
        now = torch.from_numpy(going.copy())
        steps.append((seen, action, policy.log_prob(action), value[0], paid, now))
        if (over := going & ended).any():
            final = infos["final_info"]
            correct[over] = final["correct_after"][over]
            looks[over] = final["looked"][over].sum(axis=1)
        going &= ~ended
    return Episodes(*(torch.stack(one) for one in zip(*steps, strict=True)), correct, looks)


def update(network: Skimmer, optimiser: torch.optim.Optimizer, played: Episodes) -> None:
    """Some epochs over the episodes, a part of them at a time."""
    network.train()
    advantage = played.advantage()
    target = advantage + played.value
    scale = advantage[played.going].std() + 1e-6
    for _ in range(N_EPOCHS):
        for some in torch.randperm(len(played.looks)).chunk(MINIBATCHES):
            logits, value, _ = network(played.seen[:, some])
            policy, going = Categorical(logits=logits), played.going[:, some]
            ratio = (policy.log_prob(played.action[:, some]) - played.log_prob[:, some]).exp()
            gain = advantage[:, some] / scale
            clipped = ratio.clamp(1 - CLIP_RANGE, 1 + CLIP_RANGE)
            surrogate = torch.minimum(ratio * gain, clipped * gain) + ENT_COEF * policy.entropy()
            error = (value - target[:, some]).square()
            loss = (VF_COEF * error - surrogate)[going].mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.5)
            optimiser.step()


def accuracy(clips: Clips, label: np.ndarray, kept: np.ndarray) -> float:
    """The accuracy of the mean predictions of the frames kept [B, T]."""
    return float(is_correct(consensus(clips.predictions, kept, clips.valid), label).mean())


def main(updates: int = 80, price: float = 0.01, seed: int = 0) -> None:
    """Train for about half a minute, and compare.

    Args:
        updates: Number of rollouts of 256 episodes.
        price: What a look costs; a right answer is worth 1 at most.
        seed: Seed of every random draw.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    cache, rng = open_cache(DATA), np.random.default_rng(seed)
    envs = make("train", EPISODES, price)
    observation, _ = envs.reset(seed=seed)
    network = Skimmer(at_cursor(observation).shape[1])
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    for number in range(1, updates + 1):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * (1 - (number - 1) / updates)
        played = play(network, envs, rng.choice(cache.rows("train"), EPISODES, replace=False))
        update(network, optimiser, played)
        if number % 10 == 0:
            right, looks = 100 * played.correct.mean(), played.looks.mean()
            print(f"update {number}: {right:.1f} % right after {looks:.1f} looks")

    rows = cache.rows("test")
    skimmed = play(network, make("test", len(rows), price), rows, greedy=True)
    clips, label = cache.read(rows, FRAMES), cache.labels[rows]
    even = evenly_spaced_frames(clips.valid, skimmed.looks)
    print("\ntest videos, accuracy and looks per video")
    for name, right, looks in (
        ("skimming", skimmed.correct.mean(), skimmed.looks),
        ("evenly spaced", accuracy(clips, label, even), even.sum(axis=1)),
        ("every frame", accuracy(clips, label, clips.valid), clips.valid.sum(axis=1)),
    ):
        print(f"{name:14s} {100 * right:5.1f} % {looks.mean():6.1f}")


if __name__ == "__main__":
    tyro.cli(main)
