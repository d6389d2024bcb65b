"""RLlib: PPO on Sequential, on OneShot, or on Pick with its mask.

For Sequential and OneShot RLlib calls `make_vec` with the id and `env_config`; VECTOR_ENTRY_POINT
asks for the native vector environment. It expects resets in the step after an episode's end:
"NextStep", the default. For Pick RLlib's masked module finds the mask in the observation, where
the wrapper puts it; RLlib makes single environments of it.

Run it from a clone, in an environment of its own (RLlib pins an older Gymnasium):
    pip install --editable ".[rllib]"
    python examples/rllib_ppo.py --environment sequential --steps 60000
"""

import argparse
from typing import Any

import gymnasium as gym
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from ray.tune.registry import register_env

from frame_select_env.wrappers import MaskInObservation

FLAT = {"data": "cues", "split": "train", "observation": "flat"}
KEYWORDS: dict[str, dict[str, Any]] = {
    "sequential": {**FLAT, "dense": True, "chunk": 5},
    "one-shot": {**FLAT, "action": "multi_discrete"},
    "pick": {**FLAT, "dense": True},
}
NATIVE = {"sequential": "FrameSelect/Sequential-v0", "one-shot": "FrameSelect/OneShot-v0"}
N_ENVS, BATCH_SIZE = 16, 2048


def masked_pick(keywords: dict[str, Any]) -> gym.Env[Any, Any]:
    """Pick with its mask in the observation."""
    return MaskInObservation(gym.make("FrameSelect/Pick-v0", **keywords), "rllib")


def main(environment: str, steps: int) -> None:
    """Train for about `steps` steps of all environments together."""
    ray.init(num_cpus=1, object_store_memory=2**27, include_dashboard=False, logging_level="error")
    register_env("pick", masked_pick)
    batch = min(BATCH_SIZE, steps)
    config = (
        PPOConfig()
        .environment(NATIVE.get(environment, "pick"), env_config=KEYWORDS[environment])
        # The environments and the learner stay in this process.
        .env_runners(num_env_runners=0, num_envs_per_env_runner=N_ENVS)
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
    if environment in NATIVE:
        config.env_runners(gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT)
    else:
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=ActionMaskingTorchRLModule))
    algorithm = config.build_algo()
    for update in range(1, max(1, steps // batch) + 1):
        result = algorithm.train()["env_runners"]
        print(f"step {update * batch}: return {result['episode_return_mean']:+.2f}", flush=True)
    algorithm.stop()
    ray.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", choices=KEYWORDS, default="sequential")
    parser.add_argument("--steps", type=int, default=60_000)
    options = parser.parse_args()
    main(options.environment, options.steps)
