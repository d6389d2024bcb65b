"""An algorithm of your own: the cross-entropy method on OneShot.

Of the selections sampled of a video, the network learns to repeat the one with the highest reward.
Run it from this folder:

    frame-select train --agent my_agent:DESIGN --data digits --out runs/mine --budget 3200
    frame-select evaluate runs/mine --data digits --trust-code
"""

from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
from torch.nn import functional as F

from agents.networks.frame_scorer import make_frame_scorer
from agents.rankings import ScorerAgent
from agents.training.design import AgentDesign
from agents.training.learner import ScorerConfig, ScorerLearner
from agents.training.task import env_keywords, make_task
from agents.training.trainer import train
from frame_select_env import open_cache


@dataclass(frozen=True)
class CrossEntropyConfig(ScorerConfig):
    """Hyper-parameters; those that every learner has are inherited."""

    #: Number of selections sampled per video and update.
    episodes: int = 8


class CrossEntropyLearner(ScorerLearner):
    """One update; seeding, epochs, checkpoints and validation are inherited."""

    def update(self, videos: np.ndarray) -> dict[str, float]:
        """Sample selections of the videos [B] and take one step towards the best of each video."""
        count = self.config.episodes
        env = gym.make_vec(
            "FrameSelect/OneShot-v0", num_envs=count * len(videos), **env_keywords(self.task)
        )
        env.reset(options={"video": np.tile(videos, count)})
        features, predictions, valid = self.table(videos)
        logits = self.network(features, predictions, valid)
        actions = torch.rand(count, *logits.shape) < torch.sigmoid(logits)
        _, paid, *_ = env.step(actions.flatten(0, 1).numpy())
        rewards = torch.from_numpy(paid).reshape(count, -1)
        best = actions[rewards.argmax(0), torch.arange(len(videos))].float()
        loss = F.binary_cross_entropy_with_logits(logits[valid], best[valid])
        self.descend(loss)
        self.episodes += env.num_envs
        self.timesteps += env.num_envs
        return {"reward": float(rewards.mean()), "loss": loss.item()}


DESIGN = AgentDesign(
    name="cross-entropy",
    config=CrossEntropyConfig,
    presets={"tuned": CrossEntropyConfig()},
    network=make_frame_scorer,
    agent=lambda network, task, config: ScorerAgent("cross-entropy", network),
    learner=CrossEntropyLearner,
)

if __name__ == "__main__":
    cache = open_cache("digits")
    trained = train(DESIGN, cache, make_task(cache, "digits", budget=3200))
    before, after = trained.validation.all_frames[0], trained.validation(trained.agent)[0]
    print(f"validation accuracy: all frames {before:.3f}, top 8 frames {after:.3f}")
