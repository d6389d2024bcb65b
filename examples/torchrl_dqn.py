"""TorchRL: a collector and DQN on Sequential, masked rollouts of Pick, and a native batch.

TorchRL resets environments itself: single ones by `GymEnv`, and the vector environment with
autoreset "Disabled".

Run it from a clone: pip install torchrl; python examples/torchrl_dqn.py --steps 20000
"""

import argparse

import gymnasium as gym
import numpy as np
import torch
from tensordict.nn import TensorDictSequential
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, ReplayBuffer
from torchrl.envs import ActionMask, GymEnv, GymWrapper, RewardSum, TransformedEnv
from torchrl.modules import MLP, EGreedyModule, QValueActor
from torchrl.objectives import DQNLoss, SoftUpdate

import frame_select_env  # noqa: F401 - registers the environments
from frame_select_env.wrappers import MaskInObservation

BATCH = 256  # steps from one update of the network to the next


def learn(steps: int) -> None:
    """DQN on flat observations; the collector hands over BATCH steps at a time."""
    keywords = {"data": "cues", "observation": "flat", "dense": True, "chunk": 5}
    env = TransformedEnv(GymEnv("FrameSelect/Sequential-v0", **keywords), RewardSum())
    env.set_seed(0)
    network = MLP(
        in_features=env.observation_spec["observation"].shape[0],
        out_features=2,
        num_cells=[128, 128],
    )
    actor = QValueActor(network, spec=env.action_spec)
    explore = EGreedyModule(env.action_spec, annealing_num_steps=max(1, steps // 2))
    loss = DQNLoss(actor, action_space=env.action_spec, delay_value=True)
    loss.make_value_estimator(gamma=1.0)
    target, optimiser = SoftUpdate(loss, tau=0.05), torch.optim.Adam(loss.parameters(), 1e-3)
    buffer = ReplayBuffer(storage=LazyTensorStorage(20_000), batch_size=128)
    policy = TensorDictSequential(actor, explore)
    collector = Collector(env, policy, frames_per_batch=BATCH, total_frames=steps)
    returns = []
    for batch in collector:
        buffer.extend(batch)
        explore.step(len(batch))
        for _ in range(16):
            value = loss(buffer.sample())["loss"]
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            target.step()
        ended = batch["next", "done"]
        returns.append(batch["next", "episode_reward"][ended].mean().item())
    collector.shutdown()
    some = max(1, len(returns) // 10)
    first, last = np.mean(returns[:some]), np.mean(returns[-some:])
    print(f"DQN: return {first:+.2f} in the first {some * BATCH} steps, {last:+.2f} in the last")


def roll_out_masked() -> None:
    """Random legal picks: `ActionMask` reads the mask from the observation."""
    pick = gym.make("FrameSelect/Pick-v0", observation="index", picks=5)
    env = TransformedEnv(GymWrapper(MaskInObservation(pick, "torchrl")), ActionMask())
    env.set_seed(0)
    rollout = env.rollout(max_steps=10)
    kept = int(rollout["next", "selected"][-1].sum())
    reward = rollout["next", "reward"].sum()
    print(f"Pick: {len(rollout)} steps, {kept} frames, reward {reward:+.0f}")


def roll_out_batch() -> None:
    """Random decisions on eight videos at once."""
    vector = gym.make_vec(
        "FrameSelect/Sequential-v0", num_envs=8, observation="index", autoreset_mode="Disabled"
    )
    batch = GymWrapper(vector).rollout(max_steps=100, break_when_any_done=False)
    ended = int(batch["next", "done"].sum())
    print(f"Sequential: {tuple(batch.batch_size)} steps, {ended} episodes")


def main(steps: int) -> None:
    """Train for `steps` steps, then roll out."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # networks this small are slower on several
    learn(steps)
    roll_out_masked()
    roll_out_batch()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    main(parser.parse_args().steps)
