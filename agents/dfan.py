"""DFAN, the dual focus attention network, as an agent: its time attention ranks the frames.

The network and its loss are in `baselines.dfan`. Nothing is sampled, and the environment scores
nothing: the network learns to predict the label of the video.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from agents.networks.network import Standardised, mean_and_scale
from agents.networks.streams import Range, stream_ranges
from agents.rankings import at_least_mean
from agents.training.design import AgentDesign
from agents.training.learner import BatchLearner, TrainingConfig, Validated
from agents.training.task import Task, known_labels
from baselines.dfan import (
    DFAN,
    Focus,
    TimeAttention,
    entropy,
    frame_probabilities,
    importance,
    loss_of,
    vote,
)
from baselines.pooled_frames import PooledFrames
from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.cache import View


@dataclass(frozen=True)
class DFANConfig(TrainingConfig):
    """Hyper-parameters of the dual focus attention network."""

    #: The time attention (Eq. 9). `literal` is as printed: its logits are learnt for positions, and
    #: that of frame i never depends on what frame i shows. `per-frame` compares every frame with
    #: the state and the frame at hand; it can tell frames apart, so it is the default.
    time_attention: TimeAttention = "per-frame"
    #: Attend to objects (O.Focus); without, they are averaged (T.Focus in the paper's tables).
    object_focus: bool = True
    #: Maximum number of objects of a frame: the first, which are the most confident.
    max_objects: int = 16
    #: What makes a video of its frames: focus, the time attention; or average or max, the paper's
    #: pooling of ten frames, which has no attention at all.
    pooling: Literal["focus", "average", "max"] = "focus"
    #: What a weight of the time attention keeps when it is mixed with its neighbour's while
    #: training, the paper's beta; 1 mixes nothing.
    scrambler: float = 0.6
    #: Multiply the attentions' logits, which the tanh bounds, by learnt numbers.
    learned_scale: bool = False
    #: Dropout on the network's input and on the state that predicts.
    dropout: float = 0.3
    #: L2 penalty in Adam.
    weight_decay: float = 1e-4
    #: Number of videos per update.
    batch_size: int = 32
    #: What is validated: the network's own answer, its vote; or the mean of the cache's predictions
    #: at the m best frames, the selection.
    validate: Validated = "answer"


@dataclass(frozen=True)
class Layout:
    """Where streams lie in a frame's features, which hold them side by side.

    The stream with an axis of objects has the role of objects. All others (actions, scenes, audio)
    are of whole frames, and side by side they are the fused feature.

    Attributes:
        frames: Begin and end of each stream of whole frames. objects: Those of the objects.
        shape: Number of objects of a frame and size of each; (0, 0) without objects.
    """

    frames: tuple[Range, ...]
    objects: Range = (0, 0)
    shape: tuple[int, int] = (0, 0)

    @classmethod
    def of(
        cls,
        cache: FeatureCache,
        stream: str | None,
        view: View = None,
        max_objects: int = DFANConfig.max_objects,
    ) -> "Layout":
        """The layout of a stream, or of several, "a+b"; of the objects, the first `max_objects`.

        Raises:
            FrameSelectError: for two streams of objects.
        """
        frames: list[Range] = []
        objects, shape = (0, 0), (0, 0)
        for part, (begin, end) in stream_ranges(cache, stream, view).items():
            extent = cache.features_extent(part)
            if extent.axes != "object":
                frames.append((begin, end))
            elif shape != (0, 0):
                raise FrameSelectError(
                    f"dfan: {cache.path.name} has several streams of objects in {stream!r}; name "
                    "the streams to use, with one of objects: --stream a+b"
                )
            else:
                count, size = min(int(extent.shape[1]), max_objects), int(extent.shape[2])
                objects, shape = (begin, begin + count * size), (count, size)
        return cls(tuple(frames), objects, shape)


class DFANNetwork(Standardised):
    """The dual focus attention network on the features of a cache.

    Missing objects are rows of zeros. Statistics of the objects are over all that are there.
    """

    def __init__(self, feature_size: int, layout: Layout, dfan: DFAN | PooledFrames) -> None:
        super().__init__(feature_size)
        self.layout, self.dfan = layout, dfan

    def forward(self, features: Tensor, valid: Tensor) -> Focus:
        """Go through videos: features [B, T, D] and valid [B, T]."""
        inputs = self.normal(features)
        frames = [inputs[..., begin:end] for begin, end in self.layout.frames]
        present = self._present(features)
        objects = self._objects(inputs) * present[..., None]
        return self.dfan(torch.cat([inputs[..., :0], *frames], dim=2), objects, present, valid)

    def standardise(self, features: Tensor, valid: Tensor) -> None:
        """Set mean and scale from the valid frames of [n, T, D], each stream by itself."""
        self.standardise_parts(features, valid, self.layout.frames)
        begin, end = self.layout.objects
        if end > begin:
            there = self._present(features) & valid[..., None]
            mean, scale = mean_and_scale(self._objects(features).flatten(1, 2), there.flatten(1))
            count = self.layout.shape[0]
            self.mean[begin:end], self.scale[begin:end] = mean.repeat(count), scale.repeat(count)

    def _objects(self, features: Tensor) -> Tensor:
        """The objects' features, [..., K, size]."""
        begin, end = self.layout.objects
        return features[..., begin:end].unflatten(-1, self.layout.shape)

    def _present(self, features: Tensor) -> Tensor:
        """Which objects there are, [..., K] bool, from features as stored."""
        return (self._objects(features) != 0).any(-1)


class DFANAgent:
    """Ranks frames by their time attention, averaged over the last ten steps.

    Its free choice is the frames with at least the mean weight.
    """

    def __init__(self, name: str, network: DFANNetwork) -> None:
        self.name, self.network = name, network.eval()

    def scores(self, clips: Clips) -> np.ndarray:
        """The frames' weights, [B, T] float32, which sum to 1; -inf at padding."""
        weights = self._ask(clips, lambda focus, valid: importance(focus.time, valid))
        return np.where(clips.valid, weights, -np.inf)

    def select(self, clips: Clips) -> np.ndarray:
        """The frames whose weight is at least 1 / L, [B, T] bool; there is always one."""
        return at_least_mean(self.scores(clips), clips.valid)

    def predict(self, clips: Clips) -> np.ndarray:
        """What the network itself says of the videos, [B, C] float64.

        It is the share of each class in the votes of the last ten steps, as in the paper; a tie
        goes to the higher mean probability.
        """
        return self._ask(clips, lambda focus, valid: vote(focus.logits, valid))

    def predict_frames(self, clips: Clips) -> np.ndarray:
        """What the network says at each step, [B, T, C] float32: after it has come to that frame.

        It has seen all frames through its attention by then, but walked through the first ones.
        """
        return self._ask(clips, lambda focus, valid: frame_probabilities(focus.logits, valid))

    def object_attention(self, clips: Clips) -> np.ndarray:
        """The weight of each object of each frame, [B, T, K] float32; 0 at missing ones."""
        return self._ask(clips, lambda focus, valid: focus.objects)

    def _ask(self, clips: Clips, read: Callable[[Focus, Tensor], Tensor]) -> np.ndarray:
        device = self.network.mean.device
        with torch.no_grad():
            valid = torch.from_numpy(clips.valid).to(device)
            focus = self.network(torch.from_numpy(clips.features).to(device), valid)
            return read(focus, valid).cpu().numpy()


class DFANLearner(BatchLearner):
    """Network, optimiser and labels."""

    def __init__(
        self, network: DFANNetwork, cache: FeatureCache, task: Task, config: DFANConfig
    ) -> None:
        super().__init__(network, cache, task, config)
        self.labels = known_labels(cache, task)

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the training videos; returns the means of the metrics of its updates."""
        self.network.train()
        return super().epoch(number)

    def update(self, videos: np.ndarray) -> dict[str, Tensor | float]:
        """One step of cross-entropy on the videos [B]; entropies of the attentions are in nats."""
        features, _, valid = self.table(videos)
        label = self.labels[torch.from_numpy(self.table.rows(videos)).to(self.labels.device)]
        focus = self.network(features, valid)
        loss = loss_of(focus.logits, valid, label)
        self.descend(loss)
        figures: dict[str, Tensor | float] = {"loss": loss.detach()}
        figures["time_entropy"] = entropy(focus.time.detach())
        if focus.objects.shape[2]:
            figures["object_entropy"] = entropy(focus.objects.detach())
        return figures


def make_dfan(cache: FeatureCache, task: Task, config: DFANConfig) -> DFANNetwork:
    """The network on the task's streams.

    Raises:
        FrameSelectError: for a regression, or several streams of objects.
    """
    if cache.task == "regression":
        raise FrameSelectError(
            f"dfan: predicts classes, but {cache.path.name} is a regression; use another agent"
        )
    layout = Layout.of(cache, task.stream, task.view, config.max_objects)
    sizes = (sum(end - begin for begin, end in layout.frames), layout.shape[1], len(cache.classes))
    dfan: DFAN | PooledFrames
    if config.pooling != "focus":
        dfan = PooledFrames(*sizes, config.hidden_size, config.pooling, config.dropout)
    else:
        dfan = DFAN(
            *(*sizes, config.hidden_size),
            time_attention=config.time_attention,
            num_frames=task.num_frames,
            object_focus=config.object_focus,
            beta=config.scrambler,
            learned_scale=config.learned_scale,
            dropout=config.dropout,
        )
    return DFANNetwork(cache.feature_size(task.stream, task.view), layout, dfan)


DESIGN = AgentDesign(
    name="dfan",
    config=DFANConfig,
    presets={"tuned": DFANConfig()},
    network=make_dfan,
    agent=lambda network, task, config: DFANAgent("dfan", network),
    learner=DFANLearner,
    search={
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "hidden_size": (64, 128),
        "dropout": (0.0, 0.3, 0.5),
        "weight_decay": (1e-5, 1e-4, 1e-3),
        "time_attention": ("per-frame", "literal"),
        "scrambler": (0.6, 0.8, 1.0),
        "learned_scale": (False, True),
        "max_objects": (4, 16),
    },
    all_streams=True,
    modules=("baselines.dfan", "baselines.pooled_frames"),
    supervised=True,
)
