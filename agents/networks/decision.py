"""The agents on Sequential: their network, and the hyper-parameters that define the process."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from agents.networks.feature_table import FeatureTable
from agents.networks.network import StepNetwork
from agents.training.task import Task
from frame_select_env import FeatureCache, FrameSelectError

Encoder = Literal["frame", "video"]


@dataclass(frozen=True)
class DecisionConfig:
    """The encoder and the decision process; equal for agents that are to be compared."""

    #: What the network sees: the frames at the cursor, or a BiLSTM over the whole video there.
    encoder: Encoder = "video"
    #: Pay the change of the reward at each step, instead of the whole reward at the last step.
    dense: bool = False
    #: Number of contiguous frames that one decision keeps or discards.
    chunk: int = 1

    def env(self, task: Task) -> tuple[str, dict[str, Any]]:
        """The environment's id and keywords, without those of the task."""
        return "FrameSelect/Sequential-v0", {"dense": self.dense, "chunk": self.chunk}

    def steps(self, task: Task) -> int:
        """The largest number of decisions in an episode."""
        return -(-task.num_frames // self.chunk)


class DecisionNetwork(StepNetwork):
    """Two numbers per decision, for discarding and for keeping: Q-values, or a policy's logits.

    The encoder "frame" sees the frames that the decision is about, averaged over the chunk;
    "video" sees the states of a BiLSTM over the whole video at these frames. Both also see the rest
    of the observation "frame": p0, p1, and the shares of the frames seen and kept so far.

    Sizes are D and C; a decision is about `chunk` contiguous frames. Each layer has `hidden_size`
    units, half of them in each direction of the BiLSTM. Dropout is on input and before the head.
    """

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        encoder: Encoder = "video",
        chunk: int = 1,
        hidden_size: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(feature_size, outputs, hidden_size, dropout, encoder == "video")
        self.encoder, self.chunk = encoder, chunk
        seen = feature_size if encoder == "frame" else self.encoded
        first = nn.Linear(seen + 3 * outputs + 2, hidden_size)
        second = nn.Linear(hidden_size, hidden_size)
        self.layers = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
        self.head = nn.Linear(hidden_size, 2)

    def codes(self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor) -> Tensor:
        """The head's inputs, [B, hidden_size]; past the end of the video, no frame is seen."""
        index = table.index(video)
        frames = table.features.shape[1]
        at = cursor.long()[:, None] + torch.arange(self.chunk, device=index.device)
        # The last chunk may reach past the video's end; frames there do not count.
        inside = (at < table.length[index][:, None]).float()
        weight = inside / inside.sum(1, keepdim=True).clamp(min=1)
        at = at.clamp(max=frames - 1)
        if self.encoder == "frame":
            seen = self.normal(table.features[index[:, None], at])
        else:
            encodings, row = self.encodings(table, index)
            seen = encodings[row[:, None], at]
        seen = _weighted(seen, weight)
        prediction = _weighted(table.predictions[index[:, None], at], weight)
        # Neither padding nor frames past the cursor are ever selected.
        kept = selected.float()
        count = kept.sum(1, keepdim=True)
        p1 = _weighted(table.predictions[index], kept) / count.clamp(min=1)
        length = table.length[index][:, None]
        context = (cursor[:, None].float() / length, count / length)
        inputs = torch.cat([seen, prediction, table.p0[index], p1, *context], dim=1)
        return self.dropout(self.layers(self.dropout(inputs)))

    def act(self, codes: Tensor) -> Tensor:
        """The numbers for discarding and keeping, [B, 2], from codes."""
        return self.head(codes)


def make_decision_network(cache: FeatureCache, task: Task, config: Any) -> DecisionNetwork:
    """The network of an agent on Sequential; FrameSelectError if a chunk exceeds the video."""
    if not 1 <= config.chunk <= task.num_frames:
        raise FrameSelectError(
            f"chunk={config.chunk}: must be from 1 to the number of frames, {task.num_frames}"
        )
    sizes = cache.feature_size(task.stream, task.view), len(cache.classes)
    return DecisionNetwork(*sizes, config.encoder, config.chunk, config.hidden_size, config.dropout)


def _weighted(values: Tensor, weight: Tensor) -> Tensor:
    """The sum over k of values [B, k, E] times weights [B, k]."""
    return torch.bmm(weight[:, None], values)[:, 0]
