"""The reaction network as an agent: its token's attention ranks the frames.

The network and its losses are in `baselines.reaction`. Nothing is sampled, and the environment
scores nothing: the network learns to predict the targets, or the class, of the video.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agents.networks.network import Standardised
from agents.networks.streams import Range, stream_ranges
from agents.rankings import at_least_mean
from agents.training.design import AgentDesign, check_ranges
from agents.training.learner import ScheduledLearner, TrainingConfig, Validated
from agents.training.task import Task, known_labels
from baselines.reaction import Loss, Reaction, Reading, reaction_loss
from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.cache import View


@dataclass(frozen=True)
class ReactionConfig(TrainingConfig):
    """Hyper-parameters of the reaction network."""

    #: Number of units of the GRU's layers, of the transformer and of the head.
    hidden_size: int = 64
    #: Streams that are side by side in one modality, if the task has them; every other stream is a
    #: modality of its own.
    side_by_side: tuple[str, ...] = ("holistic", "local")
    #: Number of layers of the GRU.
    num_layers: int = 1
    #: Number of layers of the transformer. Before the last of several, frames are mixed: those that
    #: it attends to need not be those that tell.
    depth: int = 1
    #: Number of heads of the transformer's attention, which share the hidden units.
    num_heads: int = 4
    #: Dropout in the transformer.
    dropout: float = 0.2
    #: Dropout between the head's two layers.
    head_dropout: float = 0.3
    #: The loss of a regression: mse, l1, or pcc, 1 - Pearson's correlation over the batch. It is of
    #: predictions scaled to [0, 1]. Classes are learnt by cross-entropy.
    loss: Loss = "mse"
    #: Learning rate of AdamW.
    learning_rate: float = 3e-3
    #: Weight decay in AdamW.
    weight_decay: float = 0.01
    #: Halve the learning rate every so many epochs; 0 never does.
    halve_every: int = 0
    #: Number of videos per update.
    batch_size: int = 16
    #: What is validated: the network's own answer; or the mean of the cache's predictions at the m
    #: best frames, the selection.
    validate: Validated = "answer"


PAPER = ReactionConfig(
    hidden_size=256,
    num_layers=2,
    depth=4,
    learning_rate=1e-4,
    weight_decay=0.5,
    halve_every=10,
    epochs=100,
    patience=0,
    max_grad_norm=1.0,
    ema_decay=0.0,
    validation_metric="pcc",
)


def modality_ranges(
    cache: FeatureCache, stream: str | None, together: Sequence[str], view: View = None
) -> tuple[tuple[Range, ...], ...]:
    """Where the streams of each modality lie in a frame's features.

    The streams named in `together` are one modality, each other stream is one by itself. The
    modalities are in the order of their first streams.
    """
    found: dict[str, tuple[Range, ...]] = {}
    for name, place in stream_ranges(cache, stream, view).items():
        modality = together[0] if name in together else name
        found[modality] = (*found.get(modality, ()), place)
    return tuple(found.values())


class ReactionNetwork(Standardised):
    """The reaction network on the features of a cache.

    Attributes:
        low, high: [K] float32, the range of each target; of classes there is none, K = 0.
    """

    low: Tensor
    high: Tensor

    def __init__(
        self,
        feature_size: int,
        modalities: Sequence[Sequence[Range]],
        reaction: Reaction,
        labels: np.ndarray,
    ) -> None:
        """The network; `labels` [n, K] of the training videos, or [n] of classes, say the range."""
        super().__init__(feature_size)
        self.modalities, self.reaction = modalities, reaction
        targets = torch.as_tensor(labels if labels.ndim == 2 else labels[:, None][:, :0])
        self.register_buffer("low", targets.amin(0).float())
        self.register_buffer("high", targets.amax(0).float())

    def forward(self, features: Tensor, valid: Tensor) -> Reading:
        """Read videos: features [B, T, D] and valid [B, T]."""
        inputs = self.normal(features)
        parts = [
            torch.cat([inputs[..., begin:end] for begin, end in places], dim=2)
            for places in self.modalities
        ]
        return self.reaction(parts, valid)

    def standardise(self, features: Tensor, valid: Tensor) -> None:
        """Set mean and scale from the valid frames of [n, T, D], each stream by itself."""
        self.standardise_parts(features, valid, [one for own in self.modalities for one in own])

    def answer(self, logits: Tensor) -> Tensor:
        """Values of the targets, or probabilities of the classes, [B, K] from logits [B, K]."""
        if not len(self.low):
            return torch.softmax(logits, dim=1)
        return self.low + (self.high - self.low) * torch.sigmoid(logits)

    def loss(self, logits: Tensor, label: Tensor, kind: Loss) -> Tensor:
        """The loss of logits [B, K] for labels [B, K] of targets, or [B] of classes."""
        if not len(self.low):
            return functional.cross_entropy(logits, label)
        # A target that is the same in all training videos is always at the low end of its range.
        place = (label - self.low) / (self.high - self.low).clamp(min=1e-12)
        return reaction_loss(torch.sigmoid(logits), place, kind)


class ReactionAgent:
    """Ranks frames by the token's attention to them in the last layer of the transformer.

    It is averaged over heads, then over modalities. Its free choice is the frames with at least the
    mean weight.
    """

    def __init__(self, name: str, network: ReactionNetwork) -> None:
        self.name, self.network = name, network.eval()

    def scores(self, clips: Clips) -> np.ndarray:
        """The frames' weights, [B, T] float32, -inf at padding.

        They sum to at most 1: the rest is the token's attention to itself.
        """
        return np.where(clips.valid, self._read(clips).attention.cpu().numpy(), -np.inf)

    def select(self, clips: Clips) -> np.ndarray:
        """The frames with at least the mean weight, [B, T] bool; there is always one."""
        return at_least_mean(self.scores(clips), clips.valid)

    def predict(self, clips: Clips) -> np.ndarray:
        """What the network itself says of the videos, [B, K] float64: values, or probabilities."""
        with torch.no_grad():
            return self.network.answer(self._read(clips).logits).double().cpu().numpy()

    def predict_frames(self, clips: Clips) -> np.ndarray:
        """What the network says after each frame, [B, T, K] float64: of the video so far."""
        answers = []
        for frame in range(clips.valid.shape[1]):
            seen = clips.valid & (np.arange(clips.valid.shape[1]) <= frame)
            answers.append(self.predict(replace(clips, valid=seen)))
        return np.stack(answers, axis=1)

    def _read(self, clips: Clips) -> Reading:
        device = self.network.mean.device
        with torch.no_grad():
            valid = torch.from_numpy(clips.valid).to(device)
            return self.network(torch.from_numpy(clips.features).to(device), valid)


class ReactionLearner(ScheduledLearner):
    """Network, optimiser, schedule and labels."""

    make_optimiser = torch.optim.AdamW

    def __init__(
        self, network: ReactionNetwork, cache: FeatureCache, task: Task, config: ReactionConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        self.labels = known_labels(cache, task)
        factor = 0.5 if config.halve_every else 1.0
        self.schedule = torch.optim.lr_scheduler.StepLR(
            self.optimiser, config.halve_every or 1, factor
        )

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """One step of the loss on the videos [B]."""
        features, _, valid = self.table(videos)
        label = self.labels[torch.from_numpy(self.table.rows(videos)).to(self.labels.device)]
        read = self.network(features, valid)
        loss = self.network.loss(read.logits, label, self.config.loss)
        self.descend(loss)
        return {"loss": loss.detach()}


def make_reaction(cache: FeatureCache, task: Task, config: ReactionConfig) -> ReactionNetwork:
    """The network on the task's streams.

    Raises:
        FrameSelectError: for a loss of regressions on classes.
    """
    if config.loss != "mse" and cache.task != "regression":
        raise FrameSelectError(
            f"loss={config.loss}: is for regressions, but {cache.path.name} has classes, which are "
            "learnt by cross-entropy; leave it out"
        )
    modalities = modality_ranges(cache, task.stream, config.side_by_side, task.view)
    reaction = Reaction(
        [sum(end - begin for begin, end in places) for places in modalities],
        len(cache.classes),
        config.hidden_size,
        num_layers=config.num_layers,
        depth=config.depth,
        num_heads=config.num_heads,
        dropout=config.dropout,
        head_dropout=config.head_dropout,
    )
    size = cache.feature_size(task.stream, task.view)
    return ReactionNetwork(size, modalities, reaction, cache.labels[task.fit_rows])


def check_reaction(config: ReactionConfig) -> None:
    """Raise FrameSelectError if a hyper-parameter is out of its range."""
    check_ranges(config)
    if config.hidden_size % config.num_heads:
        raise FrameSelectError(
            f"num_heads={config.num_heads}: must divide hidden_size={config.hidden_size}"
        )


DESIGN = AgentDesign(
    name="reaction",
    config=ReactionConfig,
    presets={"tuned": ReactionConfig(), "paper": PAPER},
    network=make_reaction,
    agent=lambda network, task, config: ReactionAgent("reaction", network),
    learner=ReactionLearner,
    check=check_reaction,
    search={
        "learning_rate": (1e-3, 3e-3, 1e-2),
        "hidden_size": (64, 128),
        "num_layers": (1, 2),
        "weight_decay": (0.01, 0.5),
    },
    all_streams=True,
    modules=("baselines.reaction",),
    supervised=True,
)
