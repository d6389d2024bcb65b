"""DQN in one file, to read and to change, as CleanRL writes it; it uses nothing from agents/.

It keeps or discards the frames of a video one after the other. Each step pays what the decision
adds, double Q-learning (van Hasselt et al., 2016) sets the targets, and the native vector
environment begins the next video in the same step ("SameStep").

Run it from a clone: python examples/single_file_dqn.py --steps 40000
"""

import argparse
from collections.abc import Callable

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor, nn

import frame_select_env

ENV, KEYWORDS = "FrameSelect/Sequential-v0", {"data": "cues", "observation": "flat", "dense": True}
N_ENVS, BUFFER_SIZE, BATCH_SIZE, SEED = 16, 20_000, 128, 0
LEARNING_STARTS, TRAIN_FREQ, TARGET_UPDATE_INTERVAL = 1_000, 16, 1_600  # in steps
LEARNING_RATE, GAMMA, EXPLORATION_FRACTION, FINAL_EPSILON = 1e-3, 1.0, 0.5, 0.05
HIDDEN = 64


class QNetwork(nn.Module):
    """Convolutions over time, read at the cursor: the values of discarding and of keeping."""

    def __init__(self, envs: gym.vector.VectorEnv) -> None:
        super().__init__()
        self.layout = envs.unwrapped.flat_layout()
        inputs = sum(self.layout.shapes[name][1] for name in ("features", "predictions")) + 2
        self.body = nn.Sequential(
            nn.Conv1d(inputs, HIDDEN, kernel_size=7, padding=3),
            nn.ReLU(),
            nn.Conv1d(HIDDEN, HIDDEN, kernel_size=7, padding=3),
            nn.ReLU(),
        )
        self.values = nn.Linear(2 * HIDDEN, 2)

    def forward(self, observation: Tensor) -> Tensor:
        """Q-values [B, 2] of flat observations [B, n]."""
        parts = self.layout.split(observation)
        marks = torch.stack([parts["selected"], parts["valid"]], dim=2)
        frames = torch.cat([parts["features"], parts["predictions"], marks], dim=2)
        codes = self.body(frames.transpose(1, 2))  # [B, HIDDEN, T]
        cursor = parts["cursor"].long().clamp(max=codes.shape[2] - 1)
        here = codes.take_along_dim(cursor[:, None], dim=2)[:, :, 0]
        return self.values(torch.cat([here, codes.mean(2)], dim=1))


class ReplayBuffer:
    """The last BUFFER_SIZE transitions."""

    def __init__(self, size: int) -> None:
        self.seen, self.then = (torch.zeros(BUFFER_SIZE, size) for _ in range(2))
        self.action = torch.zeros(BUFFER_SIZE, dtype=torch.int64)
        self.reward, self.done = (torch.zeros(BUFFER_SIZE) for _ in range(2))
        self.count = 0

    def add(self, *transitions: np.ndarray) -> None:
        """A transition of each environment."""
        rows = torch.arange(self.count, self.count + len(transitions[0])) % BUFFER_SIZE
        places = (self.seen, self.action, self.reward, self.then, self.done)
        for place, values in zip(places, transitions, strict=True):
            place[rows] = torch.from_numpy(values).to(place.dtype)
        self.count += len(rows)

    def sample(self) -> tuple[Tensor, ...]:
        """BATCH_SIZE transitions: observation, action, reward, next observation, end."""
        rows = torch.randint(min(self.count, BUFFER_SIZE), (BATCH_SIZE,))
        return tuple(
            one[rows] for one in (self.seen, self.action, self.reward, self.then, self.done)
        )


def make(split: str, count: int) -> gym.vector.VectorEnv:
    """`count` environments side by side."""
    return gym.make_vec(ENV, num_envs=count, split=split, autoreset_mode="SameStep", **KEYWORDS)


def mean_return(act: Callable[[np.ndarray], np.ndarray]) -> float:
    """The mean return over the test videos, an episode each."""
    rows = frame_select_env.open_cache(KEYWORDS["data"]).rows("test")
    envs = make("test", len(rows))
    observation, _ = envs.reset(seed=SEED, options={"video": rows})
    returns, going = np.zeros(len(rows)), np.ones(len(rows), bool)
    while going.any():
        observation, reward, terminated, _, _ = envs.step(act(observation))
        returns += reward * going
        going &= ~terminated
    return float(returns.mean())


def main(steps: int) -> None:
    """Train for `steps` steps of all environments together."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # networks this small are slower on several
    rng = np.random.default_rng(SEED)
    envs = make("train", N_ENVS)
    network, target = QNetwork(envs), QNetwork(envs)
    target.load_state_dict(network.state_dict())
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    buffer = ReplayBuffer(*envs.single_observation_space.shape)

    def greedy(observation: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(observation)).argmax(1).numpy()

    def uniform(observation: np.ndarray) -> np.ndarray:
        return rng.integers(2, size=len(observation))

    observation, _ = envs.reset(seed=SEED)
    paid, episodes = 0.0, 0
    for step in range(0, steps, N_ENVS):
        epsilon = max(1 - step / (EXPLORATION_FRACTION * steps), FINAL_EPSILON)
        explore = rng.random(N_ENVS) < epsilon
        action = np.where(explore, uniform(observation), greedy(observation))
        then, reward, terminated, _, _ = envs.step(action)
        # At an episode's end `then` is the next video; its value is not used, as `terminated` is 1.
        buffer.add(observation, action, reward, then, terminated)
        observation, paid, episodes = then, paid + reward.sum(), episodes + terminated.sum()
        if step >= LEARNING_STARTS and step % TRAIN_FREQ == 0:
            seen, action_, reward_, then_, done = buffer.sample()
            with torch.no_grad():
                best = network(then_).argmax(1, keepdim=True)
                ahead = target(then_).gather(1, best)[:, 0]
            value = network(seen).gather(1, action_[:, None])[:, 0]
            loss = nn.functional.smooth_l1_loss(value, reward_ + GAMMA * (1 - done) * ahead)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10)
            optimiser.step()
        if step % TARGET_UPDATE_INTERVAL == 0:
            target.load_state_dict(network.state_dict())
        if step and step % (10 * TARGET_UPDATE_INTERVAL) == 0:
            print(f"step {step}: return {paid / max(episodes, 1):+.2f}, epsilon {epsilon:.2f}")
            paid, episodes = 0.0, 0
    learnt, random = mean_return(greedy), mean_return(uniform)
    print(f"test return: DQN {learnt:+.2f}, random decisions {random:+.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40_000)
    main(parser.parse_args().steps)
