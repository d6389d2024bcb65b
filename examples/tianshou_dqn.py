"""Tianshou: masked DQN on Pick.

Tianshou's vector environments reset the environments themselves. Its Q-learning reads the mask from
observations of the form {"obs", "mask"}, which `MaskInObservation` makes.

Run it from a clone, in an environment of its own (Tianshou needs an older pandas than agents/):
    pip install --editable ".[tianshou]"
    python examples/tianshou_dqn.py --steps 20000
"""

import argparse

import gymnasium as gym
import numpy as np
import torch
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net

import frame_select_env  # noqa: F401 - registers the environments
from frame_select_env.wrappers import MaskInObservation

N_ENVS, BATCH_SIZE, LEARNING_RATE, SEED = 16, 64, 1e-3, 0


def make(split: str) -> gym.Env:
    """A masked Pick environment that pays after every pick."""
    pick = gym.make(
        "FrameSelect/Pick-v0", data="cues", split=split, observation="flat", picks=4, dense=True
    )
    return MaskInObservation(pick, "tianshou")


def main(steps: int) -> None:
    """Train for about `steps` steps of all environments together."""
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    torch.set_num_threads(1)  # networks this small are slower on several
    train = DummyVectorEnv([lambda: make("train") for _ in range(N_ENVS)])
    test = DummyVectorEnv([lambda: make("test") for _ in range(N_ENVS)])
    train.seed(SEED)
    test.seed(SEED)
    env = make("train")
    assert isinstance(env.action_space, gym.spaces.Discrete)
    policy = DiscreteQLearningPolicy(
        model=Net(
            state_shape=env.observation_space["obs"].shape,
            action_shape=int(env.action_space.n),
            hidden_sizes=[128, 128],
        ),
        action_space=env.action_space,
        eps_training=0.2,
        eps_inference=0.0,
    )
    algorithm = DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=LEARNING_RATE),
        gamma=1.0,
        target_update_freq=200,
    )
    buffer = VectorReplayBuffer(20_000, N_ENVS)
    learner = Collector[CollectStats](algorithm, train, buffer, exploration_noise=True)
    player = Collector[CollectStats](algorithm, test)
    # Random picks, repeats included: they fill the buffer, and their return is the one to beat.
    random = learner.collect(
        n_step=max(steps // 10, 2 * BATCH_SIZE), random=True, reset_before_collect=True
    )
    epoch = max(steps // 4, 10 * N_ENVS)
    algorithm.run_training(
        OffPolicyTrainerParams(
            training_collector=learner,
            test_collector=None,
            max_epochs=max(1, steps // epoch),
            epoch_num_steps=epoch,
            collection_step_num_env_steps=10 * N_ENVS,
            update_step_num_gradient_steps_per_sample=1 / N_ENVS,
            batch_size=BATCH_SIZE,
            show_progress=False,
        )
    )
    learnt = player.collect(n_episode=10 * N_ENVS, reset_before_collect=True)
    means = learnt.returns.mean(), random.returns.mean()
    print(f"return: DQN on test videos {means[0]:+.2f}, random picks {means[1]:+.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    main(parser.parse_args().steps)
