"""RLlib: PPO on Sequential.

RLlib calls `make_vec` with the id and `env_config`. VECTOR_ENTRY_POINT asks for the native vector
environment. It expects resets in the step after an episode's end: "NextStep", the default.

Run it from a clone, in an environment of its own (RLlib pins an older Gymnasium):
    pip install --editable ".[rllib]"
    python examples/rllib_ppo.py --steps 60000
"""

import argparse

import gymnasium as gym
import ray
from ray.rllib.algorithms.ppo import PPOConfig

import frame_select_env  # noqa: F401 - registers the environments

KEYWORDS = {"data": "cues", "split": "train", "observation": "flat", "dense": True, "chunk": 5}
N_ENVS, BATCH_SIZE = 16, 2048


def main(steps: int) -> None:
    """Train for about `steps` steps of all environments together."""
    ray.init(num_cpus=1, object_store_memory=2**27, include_dashboard=False, logging_level="error")
    batch = min(BATCH_SIZE, steps)
    config = (
        PPOConfig()
        .environment("FrameSelect/Sequential-v0", env_config=KEYWORDS)
        # The environments and the learner stay in this process.
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=N_ENVS,
            gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT,
        )
        .learners(num_learners=0)
        .training(
            train_batch_size_per_learner=batch,
            minibatch_size=batch // 4,
            num_epochs=4,
            lr=1e-3,
            gamma=1.0,
        )
        .debugging(seed=0, log_level="ERROR")
    )
    algorithm = config.build_algo()
    for update in range(1, max(1, steps // batch) + 1):
        result = algorithm.train()["env_runners"]
        print(f"step {update * batch}: return {result['episode_return_mean']:+.2f}")
    algorithm.stop()
    ray.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60_000)
    main(parser.parse_args().steps)
