"""The network of attention-aware sampling: a BiLSTM that scores every frame of a video."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from agents.networks.bilstm import run_lstm
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_summary import SUMMARY_SIZE, summary
from agents.networks.network import Network
from agents.training.task import Task
from frame_select_env import FeatureCache, FrameSelectError

State = Literal["feature", "feature+prediction", "summary"]


@dataclass(frozen=True)
class FrameScorerConfig:
    """Hyper-parameters of a frame scorer."""

    #: What the network sees of a frame: its feature; feature and prediction; or a summary, eleven
    #: numbers on confidence, agreement with the video, change and position (classification only).
    state: State = "feature"
    #: Number of layers of the LSTM.
    num_layers: int = 1


@dataclass(frozen=True)
class OneShotConfig(FrameScorerConfig):
    """The frame scorer and the decision process."""

    def env(self, task: Task) -> tuple[str, dict[str, Any]]:
        """The environment's id and keywords, without those of the task."""
        return "FrameSelect/OneShot-v0", {}

    def steps(self, task: Task) -> int:
        """The number of decisions in an episode."""
        return 1


def attention(logits: Tensor, valid: Tensor) -> Tensor:
    """Weights over the valid frames, summing to 1: [B, T] from logits [B, T]; 0 at padding."""
    return torch.softmax(logits.masked_fill(~valid, -torch.inf), dim=1)


class FrameScorer(Network):
    """BiLSTM and a fully connected layer: one logit of keeping per frame (AS, section "Agent").

    It sees features of size D, features and predictions of C `outputs`, or a `summary` of both, as
    `state` says. Each direction has `hidden_size` units. Dropout is on the input and on the LSTM's
    output.
    """

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        state: State = "feature+prediction",
        hidden_size: int = 256,
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(feature_size)
        self.state, self.code_size = state, 2 * hidden_size
        size = feature_size + (outputs if state == "feature+prediction" else 0)
        size = SUMMARY_SIZE if state == "summary" else size
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(size, hidden_size, num_layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden_size, 1)
        with torch.no_grad():
            self.head.bias.zero_()  # every frame is kept with a probability near 1/2

    def encode(self, features: Tensor, predictions: Tensor, valid: Tensor) -> Tensor:
        """The LSTM's states [B, T, 2H], from features [B, T, D], predictions [B, T, C], valid."""
        if self.state == "summary":
            inputs = summary(self.normal(features), predictions, valid)
            inputs = functional.dropout(inputs, self.dropout.p, self.training, inplace=True)
            return self.dropout(run_lstm(self.lstm, inputs, valid))
        if self.state == "feature":
            predictions = predictions[..., :0]
        return self.dropout(super().encode(features, predictions, valid))

    def forward(self, features: Tensor, predictions: Tensor, valid: Tensor) -> Tensor:
        """Logits of keeping, [B, T], meaningless at padding, from the same inputs as `encode`."""
        return self.head(self.encode(features, predictions, valid)).squeeze(2)

    def codes(self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor) -> Tensor:
        """The mean state over a video's frames, and the logits of keeping them, [B, 2H + T].

        They depend on the video alone: each distinct one is scored once, for all its selections.
        """
        distinct, row = torch.unique(table.index(video), return_inverse=True)
        encodings, place = self.encodings(table, distinct)
        states, weight = encodings[place], table.valid[distinct].float()
        mean = torch.bmm(weight[:, None], states)[:, 0] / weight.sum(1, keepdim=True)
        # 0 at padding: its terms cancel out of a ratio of probabilities and have no gradient.
        logits = self.head(states).squeeze(2) * weight
        return torch.cat([mean, logits], dim=1)[row]

    def act(self, codes: Tensor) -> Tensor:
        """Logits of keeping [B, T] from codes."""
        return codes[:, self.code_size :]

    def critic(self) -> nn.Module:
        """A new value head: [B, 1] from codes."""
        return MeanCritic(self.code_size)


class MeanCritic(nn.Module):
    """A value from the mean state of a video, the first `size` numbers of its codes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.head = nn.Linear(size, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """[B, 1] from codes."""
        return self.head(codes[:, : self.head.in_features])


def make_frame_scorer(cache: FeatureCache, task: Task, config: Any) -> FrameScorer:
    """The network of an agent on OneShot.

    Raises:
        FrameSelectError: for a summary of predictions that are values, not probabilities.
    """
    if config.state == "summary" and cache.task == "regression":
        raise FrameSelectError(
            f"state=summary: is of class probabilities, but {cache.path.name} is a regression; use "
            "state=feature or state=feature+prediction"
        )
    sizes = cache.feature_size(task.stream, task.view), len(cache.classes)
    return FrameScorer(*sizes, config.state, config.hidden_size, config.num_layers, config.dropout)
