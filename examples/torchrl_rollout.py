"""TorchRL: masked rollouts of Pick, and a batch of the native vector environment.

TorchRL resets environments itself, so the vector environment runs with autoreset "Disabled".

Run it from a clone: pip install torchrl; python examples/torchrl_rollout.py
"""

import gymnasium as gym
from torchrl.envs import ActionMask, GymWrapper, TransformedEnv

import frame_select_env  # noqa: F401 - registers the environments
from frame_select_env.wrappers import MaskInObservation


def main() -> None:
    """Random legal picks, then random decisions on eight videos at once."""
    pick = gym.make("FrameSelect/Pick-v0", observation="index", picks=5)
    env = TransformedEnv(GymWrapper(MaskInObservation(pick, "torchrl")), ActionMask())
    env.set_seed(0)
    rollout = env.rollout(max_steps=10)
    kept = int(rollout["next", "selected"][-1].sum())
    print(
        f"Pick: {len(rollout)} steps, {kept} frames, reward {rollout['next', 'reward'].sum():+.0f}"
    )

    vector = gym.make_vec(
        "FrameSelect/Sequential-v0", num_envs=8, observation="index", autoreset_mode="Disabled"
    )
    batch = GymWrapper(vector).rollout(max_steps=100, break_when_any_done=False)
    print(
        f"Sequential: {tuple(batch.batch_size)} steps, {int(batch['next', 'done'].sum())} episodes"
    )


if __name__ == "__main__":
    main()
