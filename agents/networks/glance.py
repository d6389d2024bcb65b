"""The agents on Glance: their network, and the hyper-parameters that define the process."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.networks.bilstm import run_lstm
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_set import FrameActions
from agents.training.task import Task
from frame_select_env import FeatureCache

FAR = 12  # frames: greater distances are alike
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

    A BiLSTM reads the frames looked at, in the order of time: feature, prediction and place in the
    video. Each frame of the video is then seen as its place, its distance to the nearest one looked
    at on either side and the BiLSTM's state there, together with the mean state of the frames
    looked at, p1 and the number of looks. The arguments are those of `FrameSetNetwork`.
    """

    def __init__(
        self, feature_size: int, outputs: int, hidden_size: int = 128, dropout: float = 0.0
    ) -> None:
        super().__init__(feature_size, outputs + 1, hidden_size, dropout)
        half = self.encoded // 2
        self.from_before = nn.Linear(half, hidden_size)
        self.from_after = nn.Linear(half, hidden_size, bias=False)
        # Of the distance, at most FAR, to the frame looked at before, to the video's first one if
        # there is none, to the one looked at after, and to the video's last one.
        self.from_distance = nn.Embedding(4 * (FAR + 1), hidden_size)
        nn.init.normal_(self.from_distance.weight, std=0.3)
        self.from_place = nn.Linear(1, hidden_size, bias=False)
        self.from_looks = nn.Linear(self.encoded + outputs + 1, hidden_size)
        self.from_both = nn.Linear(hidden_size, hidden_size)
        self.head = nn.Linear(hidden_size, 1)
        self.stop_head = nn.Linear(hidden_size, 1)

    def codes(self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor) -> Tensor:
        """The heads' inputs, [B, T + 1, hidden_size + 1]: a row for each frame, then answering."""
        looked, valid = selected > 0, table.valid[table.index(video)]
        frame, features, predictions = table.looked(video, looked)
        count, length = looked.sum(1, keepdim=True), valid.sum(1, keepdim=True)
        seen = torch.arange(frame.shape[1], device=frame.device) < count
        place = (frame / length)[..., None]
        inputs = torch.cat([self.normal(features), predictions, place], dim=2)
        states = run_lstm(self.lstm, self.dropout(inputs), seen) * seen[..., None]
        several = count.clamp(min=1)
        means = [states.sum(1) / several, predictions.sum(1) / several, count / length]
        context = self.from_looks(torch.cat(means, dim=1))[:, None]
        every = torch.arange(valid.shape[1], device=frame.device) / length
        near = self._nearest(states, frame, looked, length) + self.from_place(every[..., None])
        frames = torch.relu(self.from_both(torch.relu(near + context)))
        made = torch.cat([self.dropout(frames), torch.relu(context)], dim=1)
        legal = torch.cat([valid & ~looked, count > 0], dim=1)
        return torch.cat([made, legal[..., None].float()], dim=2)

    def _nearest(self, states: Tensor, frame: Tensor, looked: Tensor, length: Tensor) -> Tensor:
        """What each frame's nearest frames looked at tell about it, [B, T, hidden_size].

        Args:
            states: [B, k, encoded], of the frames looked at; 0 beyond their number.
            frame: [B, k], which ones those are.
            looked: [B, T] bool, the same as a mask.
            length: [B, 1], the number of frames of the video.
        """
        count = looked.sum(1, keepdim=True)
        half, place = self.encoded // 2, torch.arange(looked.shape[1], device=looked.device)
        # Row 0 stands for none before, and the last one for none after.
        before = F.pad(self.from_before(states[..., :half]), (0, 0, 1, 0))
        after = F.pad(self.from_after(states[..., half:]), (0, 0, 0, 1))
        last = looked.cumsum(1)  # the number of the nearest one before, from 1
        first = last - looked.long()  # that of the nearest one after, from 0
        begins, ends = last == 0, first == count
        since = place - frame.gather(1, (last - 1).clamp(min=0)).masked_fill(begins, 0)
        until = frame.gather(1, first.clamp(max=frame.shape[1] - 1))
        until = torch.where(ends, length - 1, until) - place
        since = since.clamp(max=FAR) + (FAR + 1) * begins
        until = until.clamp(0, FAR) + (FAR + 1) * (2 + ends)  # below 0 at padding
        first = first.masked_fill(ends, frame.shape[1])
        return (
            _rows(before, last)
            + _rows(after, first)
            + self.from_distance(since)
            + self.from_distance(until)
        )


def _rows(values: Tensor, index: Tensor) -> Tensor:
    """Rows of values [B, k, n] by their index [B, T] in each: [B, T, n]."""
    start = torch.arange(len(values), device=values.device)[:, None] * values.shape[1]
    return values.flatten(0, 1).index_select(0, (start + index).flatten()).unflatten(0, index.shape)


def make_glance_network(cache: FeatureCache, task: Task, config: Any) -> GlanceNetwork:
    """The network of an agent on Glance."""
    sizes = cache.feature_size(task.stream, task.view), len(cache.classes)
    return GlanceNetwork(*sizes, config.hidden_size, config.dropout)
