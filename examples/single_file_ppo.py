"""PPO in one file, to read and to change, as CleanRL writes it; it uses nothing from agents/.

It picks 8 frames of a video one by one. Actions are masked, each step pays what the frame adds, and
the native vector environment begins the next video in the same step ("SameStep").

Run it from a clone: python examples/single_file_ppo.py --steps 100000
"""

import argparse
from collections.abc import Callable

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical

import frame_select_env

ENV, KEYWORDS = "FrameSelect/Pick-v0", {"data": "cues", "observation": "flat+mask", "dense": True}
N_ENVS, N_STEPS, N_EPOCHS, MINIBATCHES, SEED = 64, 16, 4, 4, 0
LEARNING_RATE, GAMMA, GAE_LAMBDA, CLIP_RANGE, ENT_COEF, VF_COEF = 1e-3, 1.0, 0.95, 0.2, 0.01, 0.5
HIDDEN = 64


class ActorCritic(nn.Module):
    """Convolutions over time: a logit for every frame, and the value of the state."""

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
        self.actor, self.critic = nn.Conv1d(HIDDEN, 1, kernel_size=1), nn.Linear(HIDDEN, 1)

    def forward(self, observation: Tensor) -> tuple[Categorical, Tensor]:
        """The policy over T frames and the values [B] of flat observations [B, n]."""
        parts = self.layout.split(observation)
        marks = torch.stack([parts["selected"], parts["valid"]], dim=2)
        frames = torch.cat([parts["features"], parts["predictions"], marks], dim=2)
        codes = self.body(frames.transpose(1, 2))  # [B, HIDDEN, T]
        logits = self.actor(codes)[:, 0].masked_fill(parts["action_mask"] == 0, -1e9)
        return Categorical(logits=logits), self.critic(codes.mean(2))[:, 0]


def make(split: str, count: int) -> gym.vector.VectorEnv:
    """`count` environments side by side."""
    return gym.make_vec(ENV, num_envs=count, split=split, autoreset_mode="SameStep", **KEYWORDS)


def mean_return(act: Callable[[Tensor], Tensor]) -> float:
    """The mean return over the test videos, an episode each."""
    rows = frame_select_env.open_cache(KEYWORDS["data"]).rows("test")
    envs = make("test", len(rows))
    observation, _ = envs.reset(seed=SEED, options={"video": rows})
    returns, going = np.zeros(len(rows)), np.ones(len(rows), bool)
    while going.any():
        action = act(torch.from_numpy(observation)).numpy()
        observation, reward, terminated, _, _ = envs.step(action)
        returns += reward * going
        going &= ~terminated
    return float(returns.mean())


def advantages(reward: Tensor, value: Tensor, done: Tensor, ahead: Tensor) -> Tensor:
    """Generalised advantage estimates [N_STEPS, B]; `ahead` [B] is the value after the last step.

    Episodes terminate and are never cut, so nothing is added after a step that is `done`.
    """
    found, last = torch.zeros_like(value), torch.zeros_like(ahead)
    for step in reversed(range(N_STEPS)):
        going = 1 - done[step]
        delta = reward[step] + GAMMA * going * ahead - value[step]
        found[step] = last = delta + GAMMA * GAE_LAMBDA * going * last
        ahead = value[step]
    return found


def main(steps: int) -> None:
    """Train for `steps` steps of all environments together."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # networks this small are slower on several
    envs = make("train", N_ENVS)
    network = ActorCritic(envs)
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE, eps=1e-5)
    observation, _ = envs.reset(seed=SEED)
    batch = N_ENVS * N_STEPS
    for update in range(1, max(1, steps // batch) + 1):
        rollout: list[tuple[Tensor, ...]] = []
        with torch.no_grad():
            for _ in range(N_STEPS):
                seen = torch.from_numpy(observation)
                policy, value = network(seen)
                action = policy.sample()
                observation, reward, terminated, _, _ = envs.step(action.numpy())
                paid, done = (torch.from_numpy(one).float() for one in (reward, terminated))
                rollout.append((seen, action, policy.log_prob(action), value, paid, done))
            ahead = network(torch.from_numpy(observation))[1]
        seen, action, log_prob, value, reward, done = map(torch.stack, zip(*rollout, strict=True))
        advantage = advantages(reward, value, done, ahead)
        target = advantage + value
        data = [one.flatten(0, 1) for one in (seen, action, log_prob, advantage, target)]
        for _ in range(N_EPOCHS):
            for some in torch.randperm(batch).chunk(MINIBATCHES):
                seen_, action_, old, gain, goal = (one[some] for one in data)
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
                policy, predicted = network(seen_)
                ratio = (policy.log_prob(action_) - old).exp()
                clipped = ratio.clamp(1 - CLIP_RANGE, 1 + CLIP_RANGE)
                surrogate = torch.minimum(ratio * gain, clipped * gain).mean()
                error = (predicted - goal).square().mean()
                loss = VF_COEF * error - surrogate - ENT_COEF * policy.entropy().mean()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 0.5)
                optimiser.step()
        if update % 20 == 0:
            print(f"step {update * batch}: return {reward.sum() / done.sum().clamp(1):+.2f}")

    def uniform(seen: Tensor) -> Tensor:
        return network.layout.split(seen)["action_mask"].multinomial(1)[:, 0]

    with torch.no_grad():
        learnt = mean_return(lambda seen: network(seen)[0].logits.argmax(1))
    print(f"test return: PPO {learnt:+.2f}, random picks {mean_return(uniform):+.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    main(parser.parse_args().steps)
