"""Training a judge: the network of `frame_select_env/judge.py` in torch, on the videos' labels.

It learns to predict a video from random subsets of its frames, of every size, because it will be
asked about any subset. A network is near-perfect on the videos it was trained on, and would leave
nothing to flip there; so the training videos are divided into parts, and each part is judged by a
network trained on the others. A last network, trained on all of them, judges all other videos. What
the labels of a part decide about its own network is one number, the epoch of all parts at which the
networks stop, that of the lowest loss on held-out videos; the last network trains as long.
"""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from frame_select_env.cache import FeatureCache, View
from frame_select_env.errors import FrameSelectError
from frame_select_env.judge import JudgeFile
from frame_select_env.splits import divide_videos, labelled_rows

STATISTICS_BLOCK = 64  # clips whose mean and deviation are summed at a time
SUBSETS = 4  # subsets of a held-out clip whose loss chooses the epoch


@dataclass(frozen=True)
class JudgeConfig:
    """Hyper-parameters of a judge."""

    #: Number of embeddings of a frame, and of changes between two.
    hidden_size: int = 32
    #: Dropout on the features.
    dropout: float = 0.3
    #: Learning rate of Adam.
    learning_rate: float = 3e-3
    #: L2 penalty in Adam.
    weight_decay: float = 1e-4
    #: Number of videos per update.
    batch_size: int = 32
    #: Maximum number of epochs.
    epochs: int = 40
    #: Number of parts of the training videos; each is judged by a network trained on the others.
    parts: int = 5

    def __post_init__(self) -> None:
        for name, least in (("hidden_size", 1), ("batch_size", 1), ("epochs", 1), ("parts", 2)):
            if getattr(self, name) < least:
                wrong = f"{name}={getattr(self, name)}: must be at least {least}"
                raise FrameSelectError(wrong)
        if not 0 <= self.dropout < 1:
            raise FrameSelectError(f"dropout={self.dropout}: must be at least 0 and below 1")
        if self.learning_rate <= 0:
            raise FrameSelectError(f"learning_rate={self.learning_rate}: must be above 0")
        if self.weight_decay < 0:
            raise FrameSelectError(f"weight_decay={self.weight_decay}: must be at least 0")


class JudgeNetwork(nn.Module):
    """The network; `NetworkJudge` is the same in NumPy.

    Args:
        mean: [D]. scale: [D], 1 / standard deviation; of the features.
        outputs: C, classes or targets.
        config: Hyper-parameters.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, outputs: int, config: JudgeConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(len(mean), hidden)
        self.change = nn.Linear(hidden, hidden, bias=False)
        self.raw_threshold = nn.Parameter(torch.full((hidden,), -2.0))
        self.output = nn.Linear(2 * hidden, outputs)

    @property
    def threshold(self) -> Tensor:
        """[G], what a change must exceed; positive, so that equal frames make none."""
        return functional.softplus(self.raw_threshold)

    def forward(self, features: Tensor, selected: Tensor) -> Tensor:
        """Logits or values [B, C] of `features` [B, T, D], of which `selected` [B, T] count.

        At least one frame of each video is selected.
        """
        normal = self.dropout((features - self.mean) * self.scale)
        embedded = functional.relu(self.embed(normal))
        chosen = embedded.gather(1, in_order(selected)[:, :, None].expand_as(embedded))
        steps = self.change(chosen[:, 1:] - chosen[:, :-1]) - self.threshold
        change = functional.pad(steps, (0, 0, 1, 0)).amax(1)  # 0 where no step exceeds it
        return self.output(torch.cat([chosen.amax(1), change], dim=1))


def in_order(selected: Tensor) -> Tensor:
    """The selected frames [B, T] as numbers in time order, [B, T] int64, the last repeated."""
    order = torch.argsort((~selected).int(), dim=1, stable=True)
    last = (selected.sum(1, keepdim=True) - 1).clamp(min=0)
    place = torch.arange(selected.shape[1], device=selected.device)
    return order.gather(1, torch.minimum(place[None], last))


@dataclass(frozen=True)
class TrainingClips:
    """The training videos' clips, and which video each is of."""

    features: Tensor  # [n, T, D], the cache's dtype
    valid: Tensor  # [n, T] bool
    label: Tensor  # [n] int64 or [n, K] float32
    video: np.ndarray  # [n] rows in the cache

    @classmethod
    def read(
        cls,
        cache: FeatureCache,
        rows: np.ndarray,
        num_frames: int,
        fold: str,
        stream: str | None,
        view: View,
    ) -> "TrainingClips":
        """Those of the videos in `rows`."""
        video, single = cache.clips_of(rows, stream, view)
        clips = cache.read(video, num_frames, fold, stream, single)
        label = torch.from_numpy(cache.labels[video])
        return cls(torch.from_numpy(clips.features), torch.from_numpy(clips.valid), label, video)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The numbers of the clips of the videos in `rows`."""
        return np.flatnonzero(np.isin(self.video, rows))

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and 1 / standard deviation, 0 for constant features, [D] float32 each."""
        total, sums = self.valid.sum(), []
        for power in (1, 2):
            blocks = zip(
                self.features.split(STATISTICS_BLOCK),
                self.valid.split(STATISTICS_BLOCK),
                strict=True,
            )
            sums.append(
                torch.stack([(f.double() ** power * v[..., None]).sum((0, 1)) for f, v in blocks])
            )
        mean, square = (one.sum(0) / total for one in sums)
        deviation = (square - mean**2).clamp(min=0).sqrt()
        varies = deviation > 1e-4 * deviation.max()
        return mean.float(), torch.where(varies, 1 / deviation.clamp(min=1e-12), 0.0).float()


def random_subsets(valid: Tensor, generator: torch.Generator) -> Tensor:
    """A random subset of each clip's frames, [B, T] bool, of any size from 1 with equal weight.

    Each frame of `valid` [B, T] is kept with a probability that is drawn uniformly for the clip,
    and one frame in any case.
    """
    share = torch.rand((len(valid), 1), generator=generator)
    draw = torch.rand(valid.shape, generator=generator).masked_fill(~valid, 2.0)
    return (draw <= torch.maximum(share, draw.min(dim=1, keepdim=True).values)) & valid


def train_judge(
    cache: FeatureCache,
    config: JudgeConfig | None = None,
    *,
    fold: str = "default",
    split: str = "train",
    stream: str | None = None,
    view: View = None,
    num_frames: int = 25,
    seed: int = 0,
    on_epoch: Callable[[int, int], None] = lambda network, epoch: None,
) -> JudgeFile:
    """Train a judge on the labelled videos of a split.

    Args:
        cache: The cache.
        config: Hyper-parameters; None for the defaults.
        fold: The fold whose split is trained on.
        split: The split.
        stream: The stream of features, or several, "a+b"; None for the only one.
        view: The view of a stream with several: None for all side by side, "random" for all, each
            as a clip of its own.
        num_frames: T. The judge takes any number.
        seed: Of parts, first weights, batches, subsets and dropout.
        on_epoch: Called with the number of a network, from 0, and of the epoch it has finished.

    Raises:
        FrameSelectError: for hyper-parameters out of range, or too few videos.
    """
    config, stream = config or JudgeConfig(), cache.stream(stream)
    cache.check_view(view, stream)
    rows = labelled_rows(cache, split, fold)
    clips = TrainingClips.read(cache, rows, num_frames, fold, stream, view)
    statistics = clips.statistics()
    divided = divide_videos(cache.labels[rows], None, config.parts, seed)
    part = np.full(len(cache), len(divided))
    held_out: list[list[float]] = []
    kept: list[list[dict[str, Tensor]]] = []  # the networks of every part after every epoch
    for number, (outside, inside) in enumerate(divided):
        part[rows[inside]] = number
        trainer = _Trainer(clips, statistics, len(cache.classes), config, seed, number)
        losses, states = [], []
        for epoch in range(config.epochs):
            trainer.epoch(clips.of(rows[outside]))
            losses.append(trainer.loss(clips.of(rows[inside])))
            states.append(copy.deepcopy(trainer.network.state_dict()))
            on_epoch(number, epoch)
        held_out.append(losses)
        kept.append(states)
    epochs = int(np.mean(held_out, axis=0).argmin()) + 1
    last = _Trainer(clips, statistics, len(cache.classes), config, seed, len(divided))
    for epoch in range(epochs):
        last.epoch(np.arange(len(clips.video)))
        on_epoch(len(divided), epoch)
    states = [*(own[epochs - 1] for own in kept), last.network.state_dict()]
    facts = {
        "task": cache.task,
        "classes": list(cache.classes),
        "stream": stream,
        "view": view,
        "feature_size": cache.feature_size(stream, view),
        "bounds": [0.0, 1.0] if cache.task == "classification" else _bounds(cache.labels[rows]),
        "cache": cache.path.name,
        "digest": cache.digest,
        "fold": fold,
        "split": split,
        "num_frames": num_frames,
        "seed": seed,
        "stopped_at": epochs,
        "hyper": asdict(config),
    }
    return judge_file(facts, [last.with_state(state) for state in states], part)


def judge_file(facts: dict[str, Any], networks: list[JudgeNetwork], part: np.ndarray) -> JudgeFile:
    """The networks as NumPy runs them."""

    def stack(read: Callable[[JudgeNetwork], Tensor]) -> np.ndarray:
        return torch.stack([read(one).detach() for one in networks]).numpy()

    first = networks[0].state_dict()
    return JudgeFile(
        facts,
        mean=first["mean"].numpy(),
        scale=first["scale"].numpy(),
        embed_weight=stack(lambda one: one.embed.weight),
        embed_bias=stack(lambda one: one.embed.bias),
        change_weight=stack(lambda one: one.change.weight),
        change_threshold=stack(lambda one: one.threshold),
        output_weight=stack(lambda one: one.output.weight),
        output_bias=stack(lambda one: one.output.bias),
        part=part,
    )


def _bounds(label: np.ndarray) -> list[float]:
    return [float(label.min()), float(label.max())]


class _Trainer:
    """One network, its optimiser and its random numbers."""

    def __init__(
        self,
        clips: TrainingClips,
        statistics: tuple[Tensor, Tensor],
        outputs: int,
        config: JudgeConfig,
        seed: int,
        number: int,
    ) -> None:
        self._clips, self._config, self._outputs = clips, config, outputs
        own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        self._generator = torch.Generator().manual_seed(own)
        with torch.random.fork_rng([]):
            torch.manual_seed(own)
            self.network = JudgeNetwork(*statistics, outputs, config)
            self._dropout_state = torch.get_rng_state()
        if clips.label.ndim == 2:
            self.network.output.bias.data.copy_(clips.label.mean(0))
        self._optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )

    def epoch(self, numbers: np.ndarray) -> None:
        """One pass over the clips `numbers` [n], a random subset of the frames of each."""
        self.network.train()
        order = torch.from_numpy(numbers)[torch.randperm(len(numbers), generator=self._generator)]
        with torch.random.fork_rng([]):  # dropout draws from the global generator
            torch.set_rng_state(self._dropout_state)
            for some in order.split(self._config.batch_size):
                loss = self._loss(some, random_subsets(self._clips.valid[some], self._generator))
                self._optimiser.zero_grad()
                loss.backward()
                self._optimiser.step()
            self._dropout_state = torch.get_rng_state()

    @torch.no_grad()
    def loss(self, numbers: np.ndarray) -> float:
        """The mean loss on the clips `numbers` [n], over the same few subsets at every call."""
        self.network.eval()
        some, generator = torch.from_numpy(numbers), torch.Generator().manual_seed(0)
        subsets = [random_subsets(self._clips.valid[some], generator) for _ in range(SUBSETS)]
        every = [*subsets, self._clips.valid[some]]
        return float(np.mean([self._loss(some, selected).item() for selected in every]))

    def _loss(self, some: Tensor, selected: Tensor) -> Tensor:
        """Cross-entropy; for a regression the squared error of labels in units of their spread."""
        label = self._clips.label[some]
        values = self.network(self._clips.features[some], selected)
        if label.ndim == 1:
            return functional.cross_entropy(values, label)
        spread = self._clips.label.std(0, correction=0).clamp(min=1e-6)
        return ((values - label) / spread).square().mean()

    def with_state(self, state: dict[str, Tensor]) -> JudgeNetwork:
        """A copy of the network with other weights."""
        network = copy.deepcopy(self.network)
        network.load_state_dict(state)
        return network.eval()
