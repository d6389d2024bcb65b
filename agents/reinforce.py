"""REINFORCE with a BiLSTM: attention-aware sampling (Dong, Zhang and Tan, AAAI 2019), Alg. 1.

The file reads from top to bottom: hyper-parameters, the loss, one epoch, training.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import gymnasium as gym
import numpy as np
import torch
from torch.nn import functional as F

from agents.agent import ScorerAgent
from agents.feature_table import FeatureTable
from agents.networks import FrameScorer, State
from agents.runs import Epoch
from agents.task import Task
from agents.validation import Validation
from frame_select_env import FeatureCache, FrameSelectError

NAME = "reinforce"


@dataclass(frozen=True)
class ReinforceConfig:
    """Hyper-parameters; the defaults are the preset `tuned`."""

    #: What the network sees of a frame.
    state: State = "feature"
    #: Units of the LSTM in each direction.
    hidden: int = 128
    #: Layers of the LSTM.
    layers: int = 1
    #: Dropout on the network's input and on the LSTM's output.
    dropout: float = 0.3
    #: Standardise the features on the videos that are trained on.
    standardise: bool = True
    #: Adam's step size.
    learning_rate: float = 1e-3
    #: L2 penalty in Adam.
    weight_decay: float = 1e-4
    #: After these epochs the learning rate is divided by 10.
    decay_epochs: tuple[int, ...] = ()
    #: Passes over the training videos, at most.
    epochs: int = 60
    #: Stop after so many epochs without a better validation score; 0 trains to the end.
    patience: int = 15
    #: Videos per update.
    batch_size: int = 32
    #: N of Eq. 8: selections sampled per video and update; they share one forward pass.
    episodes: int = 8
    #: What a selection's reward is compared with: the mean of the video's other selections; the
    #: video's moving average (Alg. 1, line 13); or the reward of the greedy selection.
    baseline: Literal["leave-one-out", "moving-average", "self-critical"] = "leave-one-out"
    #: Momentum of the moving average, which starts at 0 and is updated after the step.
    momentum: float = 0.9
    #: Weight of L_sampling, Eq. 9.
    beta: float = 1.0
    #: Weight of the policy's mean entropy per frame.
    entropy: float = 0.0
    #: Largest norm of the gradient; 0 does not clip.
    clip: float = 5.0
    #: Momentum of the average of the weights over updates, which is what is kept; 0 keeps the last
    #: weights.
    average: float = 0.98


# The paper's numbers; hidden, layers, N and batch size, which it does not give, are ours. The paper
# also trains on in-sample predictions: import the features with --crossfit none for that.
PAPER = ReinforceConfig(
    state="feature+prediction",
    hidden=256,
    dropout=0.0,
    standardise=False,
    learning_rate=1e-5,
    weight_decay=1e-5,
    decay_epochs=(20, 40),
    epochs=45,
    patience=0,
    batch_size=1,
    episodes=5,
    baseline="moving-average",
    beta=0.1,
    entropy=0.0,
    clip=0.0,
    average=0.0,
)
PRESETS = {"tuned": ReinforceConfig(), "paper": PAPER}
PRESET_SELECT = {"tuned": 8, "paper": 12}


def sampling_loss(keep: torch.Tensor, valid: torch.Tensor, frames: int) -> torch.Tensor:
    """L_sampling of AS Eq. 9: | mean_t p_t - m / L |, averaged over videos.

    Args:
        keep: [B, T] probabilities of keeping.
        valid: [B, T] bool; the mean is over a video's L valid frames.
        frames: m; a video with fewer valid frames is to keep all of them.
    """
    length = valid.sum(1)
    mean = (keep * valid).sum(1) / length
    return (mean - length.clamp(max=frames) / length).abs().mean()


def log_probability(
    logits: torch.Tensor, actions: torch.Tensor, valid: torch.Tensor
) -> torch.Tensor:
    """Log pi(a | s), summed over valid frames: [N, B] from logits [B, T] and actions [N, B, T]."""
    # log sigmoid(z) for keeping, log sigmoid(-z) for discarding.
    signed = torch.where(actions, logits, -logits)
    return (F.logsigmoid(signed) * valid).sum(2)


def leave_one_out(rewards: torch.Tensor) -> torch.Tensor:
    """Each of the rewards [N, B] minus the mean of the same video's N - 1 others."""
    return (rewards - rewards.mean(0)) * (len(rewards) / (len(rewards) - 1))


class Learner:
    """The state of a training run: network, optimiser, environment and the video baselines.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
    """

    def __init__(self, cache: FeatureCache, task: Task, config: ReinforceConfig) -> None:
        self.config, self.task = config, task
        self.rows = task.fit_rows
        self.videos = min(config.batch_size, len(self.rows))
        greedy = config.baseline == "self-critical"
        self.selections = config.episodes + greedy  # the last one is the greedy selection
        self.env = gym.make_vec(
            "FrameSelect/OneShot-v0",
            num_envs=self.videos * self.selections,
            data=str(task.data),
            split=task.split,
            fold=task.fold,
            num_frames=task.num_frames,
            observation="index",
            reward=task.reward,
            alpha=task.alpha,
            stream=task.stream,
            target_frames=min(task.select, task.num_frames),
            autoreset_mode="Disabled",
        )
        self.table = FeatureTable(
            cache, self.rows, task.num_frames, task.fold, task.stream, task.device
        )
        self.network = untrained(cache, task, config).network
        if config.standardise:
            self.network.standardise(self.table.features, self.table.valid)
        self.average = untrained(cache, task, config).network
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.MultiStepLR(
            self.optimiser, list(config.decay_epochs), 0.1
        )
        self.baseline = torch.zeros(len(cache), device=task.device)
        self.order = np.random.default_rng(task.seed)
        self.draws = torch.Generator(task.device).manual_seed(task.seed)
        self.updates = 0

    def epoch(self) -> dict[str, float]:
        """One pass over the training videos; returns the means of what `update` returns."""
        self.network.train()
        shuffled = self.order.permutation(self.rows)
        totals: dict[str, float] = {}
        batches = len(shuffled) // self.videos
        for batch in shuffled[: batches * self.videos].reshape(batches, self.videos):
            for name, value in self.update(batch).items():
                totals[name] = totals.get(name, 0.0) + value / batches
        self.schedule.step()
        return totals

    def update(self, videos: np.ndarray) -> dict[str, float]:
        """Sample N selections of every video in `videos` [B], score them and take one step."""
        config, count = self.config, self.selections
        asked = np.tile(videos, count)
        observation, _ = self.env.reset(options={"video": asked})
        seen = observation["video"][: len(videos), 0]
        features, predictions, valid = self.table(seen)
        logits = self.network(features, predictions, valid)
        keep = torch.sigmoid(logits)
        with torch.no_grad():
            draw = torch.rand((count, *keep.shape), generator=self.draws, device=keep.device)
            if config.baseline == "self-critical":
                draw[-1] = 0.5
            actions = draw < keep
        flat = actions.reshape(-1, actions.shape[2]).cpu().numpy()
        _, paid, _, _, _ = self.env.step(flat)
        rewards = torch.from_numpy(paid).float().to(keep.device).reshape(count, -1)
        place = torch.from_numpy(videos).to(keep.device)
        if config.baseline == "self-critical":
            greedy, rewards, actions = rewards[-1], rewards[:-1], actions[:-1]
            advantage = rewards - greedy
        elif config.baseline == "leave-one-out":
            advantage = leave_one_out(rewards)
        else:
            advantage = rewards - self.baseline[place]

        policy = -(advantage * log_probability(logits, actions, valid)).mean()
        sampling = sampling_loss(keep, valid, self.task.select)
        certainty = F.logsigmoid(logits) * keep + F.logsigmoid(-logits) * (1 - keep)
        entropy = -(certainty * valid).sum() / valid.sum()
        loss = policy + config.beta * sampling - config.entropy * entropy
        self.optimiser.zero_grad()
        loss.backward()
        if config.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimiser.step()
        self.updates += 1
        self._average()
        self.baseline[place] = config.momentum * self.baseline[place] + (
            1 - config.momentum
        ) * rewards.mean(0)
        return {
            "reward": float(rewards.mean()),
            "loss": loss.item(),
            "sampling_loss": sampling.item(),
            "entropy": entropy.item(),
            "kept": float((actions & valid).sum() / (len(actions) * valid.sum())),
        }

    def _average(self) -> None:
        """Move the averaged weights towards the current ones; early on, by a plain mean."""
        momentum = min(self.config.average, 1 - 1 / self.updates)
        with torch.no_grad():
            for mean, value in zip(
                self.average.parameters(), self.network.parameters(), strict=True
            ):
                mean.lerp_(value, 1 - momentum)


def untrained(cache: FeatureCache, task: Task, config: ReinforceConfig) -> ScorerAgent:
    """The agent before its first update: the network as the seed initialises it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed)
        network = FrameScorer(
            cache.feature_size(task.stream),
            len(cache.classes),
            config.state,
            config.hidden,
            config.layers,
            config.dropout,
        )
    return ScorerAgent(NAME, network.to(task.device))


def train(
    cache: FeatureCache,
    task: Task,
    config: ReinforceConfig,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> ScorerAgent:
    """Train an agent; the weights with the best validation score are kept.

    Args:
        cache: The cache.
        task: What is trained on, and for which reward.
        config: Hyper-parameters.
        on_epoch: Called after every epoch with its figures.

    Raises:
        FrameSelectError: for hyper-parameters that make no sense.
    """
    check(config)
    # Dropout draws from torch's global generator: seed it, and leave it as it was found.
    with torch.random.fork_rng(devices=[] if task.device == "cpu" else None):
        torch.manual_seed(task.seed)
        return _train(Learner(cache, task, config), Validation(cache, task), on_epoch)


def _train(
    learner: Learner, validation: Validation, on_epoch: Callable[[Epoch], None]
) -> ScorerAgent:
    config = learner.config
    agent = ScorerAgent(NAME, learner.average)
    best, best_epoch, kept = (-np.inf, -np.inf), 0, {}
    start = time.perf_counter()
    for number in range(1, config.epochs + 1):
        figures = learner.epoch()
        score = validation(agent)
        if score > best:
            best, best_epoch = score, number
            kept = {name: value.clone() for name, value in learner.average.state_dict().items()}
        seconds = time.perf_counter() - start
        episodes = learner.updates * learner.env.num_envs
        on_epoch(Epoch(number, episodes, learner.updates, seconds, score, best_epoch, figures))
        if config.patience and number - best_epoch >= config.patience:
            break
    learner.average.load_state_dict(kept)
    return agent


def check(config: ReinforceConfig) -> None:
    """Refuse hyper-parameters that make no sense.

    Raises:
        FrameSelectError: naming the hyper-parameter and what is allowed.
    """
    for name in ("hidden", "layers", "epochs", "batch_size", "episodes"):
        if getattr(config, name) < 1:
            raise FrameSelectError(f"{name}={getattr(config, name)}: must be at least 1")
    if config.baseline == "leave-one-out" and config.episodes < 2:
        raise FrameSelectError("episodes=1: the leave-one-out baseline needs at least 2")
    for name in ("dropout", "momentum", "average"):
        if not 0 <= getattr(config, name) < 1:
            raise FrameSelectError(f"{name}={getattr(config, name)}: must be in [0, 1)")
