"""The agents on Glance: their network, and the hyper-parameters that define the process."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agents.networks.bilstm import run_lstm
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_set import FrameActions
from agents.training.task import Task
from frame_select_env import FeatureCache

# What training pays: an answer that is nearly right is better than one that is far from it.
GLANCE_REWARD = {"correct": 0.5, "confidence": 0.5, "looks": -0.01}


@dataclass(frozen=True)
class GlanceConfig:
    """The decision process; equal for agents that are to be compared."""

    #: Maximum number of looks, at most T.
    picks: int = 12
    #: Pay the change of the reward at each step, instead of the whole reward at the last step.
    dense: bool = False

    def env(self, task: Task) -> tuple[str, dict[str, Any]]:
        """The environment's id and keywords, without those of the task."""
        return "FrameSelect/Glance-v0", {"picks": self.steps(task), "dense": self.dense}

    def steps(self, task: Task) -> int:
        """The largest number of decisions in an episode."""
        return min(self.picks, task.num_frames)


# What the presets of all learners on Glance share.
GLANCE_PRESET: dict[str, Any] = {
    **{"hidden_size": 64, "episodes": 8, "reward_scale": 1.0},
    **{"epochs": 30, "keep": "last", "patience": 0},
}


class GlanceNetwork(FrameActions):
    """A number for looking at each frame, and one for answering: logits, or Q-values.

    A BiLSTM goes over all T places of the video. At a frame that was looked at it reads the
    feature and the prediction, elsewhere zeros, and everywhere whether the frame was looked at and
    where it stands in the video. Each place is then seen together with the mean state of the frames
    looked at, that of all places, p1 and the number of looks. The arguments are those of
    `FrameSetNetwork`.
    """

    def __init__(
        self, feature_size: int, outputs: int, hidden_size: int = 128, dropout: float = 0.0
    ) -> None:
        super().__init__(feature_size, outputs + 2, hidden_size, dropout)
        self.from_frame = nn.Linear(self.encoded, hidden_size)
        self.from_looks = nn.Linear(2 * self.encoded + outputs + 1, hidden_size)
        self.head = nn.Linear(hidden_size, 1)
        self.stop_head = nn.Linear(hidden_size, 1)

    def codes(self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor) -> Tensor:
        """The heads' inputs, [B, T + 1, hidden_size + 1]: a row for each frame, then answering."""
        features, predictions, valid = table.looked(video, selected)
        looked, length = selected.float(), valid.sum(1, keepdim=True)
        place = torch.arange(valid.shape[1], device=valid.device) / length
        known = self.normal(features) * looked[..., None]
        inputs = [known, predictions, torch.stack([looked, place], dim=2)]
        states = run_lstm(self.lstm, self.dropout(torch.cat(inputs, dim=2)), valid)
        count = looked.sum(1, keepdim=True)
        chosen = _weighted_sum(states, looked) / count.clamp(min=1)
        every = _weighted_sum(states, valid.float()) / length
        p1 = _weighted_sum(predictions, looked) / count.clamp(min=1)
        seen = self.from_looks(torch.cat([chosen, every, p1, count / length], dim=1))[:, None]
        frames = self.dropout(torch.relu(self.from_frame(states) + seen))
        made = torch.cat([frames, torch.relu(seen)], dim=1)
        legal = torch.cat([valid & (looked == 0), count > 0], dim=1)
        return torch.cat([made, legal[..., None].float()], dim=2)


def _weighted_sum(values: Tensor, weight: Tensor) -> Tensor:
    """The sum over frames of values [B, T, n], weighted by [B, T]: [B, n]."""
    return torch.bmm(weight[:, None], values)[:, 0]


def make_glance_network(cache: FeatureCache, task: Task, config: Any) -> GlanceNetwork:
    """The network of an agent on Glance."""
    sizes = cache.feature_size(task.stream, task.view), len(cache.classes)
    return GlanceNetwork(*sizes, config.hidden_size, config.dropout)
