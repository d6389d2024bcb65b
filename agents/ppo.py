"""PPO on OneShot: the BiLSTM of REINFORCE as actor, one logit a frame, and a pooled critic."""

from dataclasses import dataclass

from agents.agent import ScorerAgent
from agents.design import AgentDesign
from agents.networks import State
from agents.scorer_training import initial_network
from agents.stable_baselines.learner import check_algorithm
from agents.stable_baselines.ppo_learner import PPOConfig, PPOLearner


@dataclass(frozen=True)
class OneShotPPOConfig(PPOConfig):
    """Hyper-parameters."""

    #: What the network sees of a frame.
    state: State = "feature"
    #: Layers of the LSTM.
    layers: int = 1
    batch_size: int = 512
    passes: int = 8
    entropy: float = 0.003
    waves: int = 8
    repeats: int = 4


DESIGN = AgentDesign(
    name="ppo",
    config=OneShotPPOConfig,
    presets={"tuned": OneShotPPOConfig()},
    check=check_algorithm,
    network=initial_network,
    agent=lambda network, task, config: ScorerAgent("ppo", network),
    learner=lambda cache, task, config: PPOLearner(
        cache, task, config, initial_network, ("FrameSelect/OneShot-v0", {})
    ),
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden": (64, 128),
        "passes": (2, 4, 8),
        "batch_size": (128, 256, 512),
        "entropy": (0.0, 0.003, 0.01),
        "clip_range": (0.1, 0.2),
    },
)
