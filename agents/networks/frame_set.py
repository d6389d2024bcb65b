"""The agents on Pick: their network, and the hyper-parameters that define the process."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agents.networks.feature_table import FeatureTable
from agents.networks.network import StepNetwork
from agents.training.task import Task
from frame_select_env import FeatureCache

FORBIDDEN = -1e8  # finite, because 0 times it, at the end of an episode, must be 0


@dataclass(frozen=True)
class PickConfig:
    """The decision process; equal for agents that are to be compared."""

    #: Allow the agent to end the episode before it has picked m frames.
    stop: bool = True
    #: Pay the change of the reward at each step, instead of the whole reward at the last step.
    dense: bool = False

    def env(self, task: Task) -> tuple[str, dict[str, Any]]:
        """The environment's id and keywords, without those of the task."""
        keywords = {"picks": task.target_frames, "stop": self.stop, "dense": self.dense}
        return "FrameSelect/Pick-v0", keywords

    def steps(self, task: Task) -> int:
        """The largest number of decisions in an episode."""
        return task.target_frames


class FrameActions(StepNetwork):
    """Heads for networks with an action per frame, and perhaps one more, T, that ends the episode.

    Codes are [B, n, hidden_size + 1]; their last channel is 1 where the action is legal.
    """

    head: nn.Linear
    stop_head: nn.Linear | None

    def act(self, codes: Tensor) -> Tensor:
        """A number for each action, [B, n]; FORBIDDEN where it is not legal."""
        inside, legal = codes[..., :-1], codes[..., -1] > 0
        if self.stop_head is None:
            values = self.head(inside)
        else:
            values = torch.cat([self.head(inside[:, :-1]), self.stop_head(inside[:, -1:])], dim=1)
        return values.squeeze(2).masked_fill(~legal, FORBIDDEN)

    def critic(self) -> nn.Module:
        """A new value head: [B, 1] from codes."""
        return PooledCritic(self.code_size)


class FrameSetNetwork(FrameActions):
    """A number for adding each frame to the set, and for stopping: Q-values, or logits.

    A BiLSTM encodes the frames. Each frame is then seen together with the mean encoding of the set,
    that of the video, p0, p1 and the number of frames picked. The order in which the set was picked
    makes no difference (Deep Sets, Zaheer et al., NeurIPS 2017). With `stop` there is the action T,
    which ends the episode; the other arguments are as in `DecisionNetwork`.
    """

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        stop: bool = False,
        hidden_size: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(feature_size, outputs, hidden_size, dropout)
        self.stop, seen = stop, self.encoded
        self.from_frame = nn.Linear(seen, hidden_size)
        self.from_set = nn.Linear(2 * seen + 2 * outputs + 1, hidden_size)
        self.head = nn.Linear(hidden_size, 1)
        self.stop_head = nn.Linear(hidden_size, 1) if stop else None

    def codes(self, table: FeatureTable, video: Tensor, selected: Tensor, cursor: Tensor) -> Tensor:
        """The heads' inputs, [B, n, hidden_size + 1]: a row for each frame, and one for stopping.

        The last channel is 1 where the action is legal: not for padding nor for picked frames.
        """
        index = table.index(video)
        encodings, row = self.encodings(table, index)
        frames, kept, valid = encodings[row], selected.float(), table.valid[index]
        count, length = kept.sum(1, keepdim=True), table.length[index][:, None]
        chosen = torch.bmm(kept[:, None], frames)[:, 0] / count.clamp(min=1)
        every = torch.bmm(valid.float()[:, None], frames)[:, 0] / length
        p1 = torch.bmm(kept[:, None], table.predictions[index])[:, 0] / count.clamp(min=1)
        context = torch.cat([chosen, every, table.p0[index], p1, count / length], dim=1)
        seen = self.from_set(context)[:, None]
        made = self.dropout(torch.relu(self.from_frame(frames) + seen))
        legal = (valid & (kept == 0)).float()[..., None]
        made = torch.cat([made, legal], dim=2)
        if self.stop:
            ending = torch.cat([torch.relu(seen), torch.ones_like(seen[..., :1])], dim=2)
            made = torch.cat([made, ending], dim=1)
        return made


class PooledCritic(nn.Module):
    """A value from the mean code over the frames (or actions) whose last channel is 1."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.head = nn.Linear(size, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """[B, 1] from codes [B, n, size + 1]."""
        weight = codes[..., -1:]
        mean = (codes[..., :-1] * weight).sum(1) / weight.sum(1).clamp(min=1)
        return self.head(mean)


def make_frame_set_network(cache: FeatureCache, task: Task, config: Any) -> FrameSetNetwork:
    """The network of an agent on Pick."""
    sizes = cache.feature_size(task.stream, task.view), len(cache.classes)
    return FrameSetNetwork(*sizes, config.stop, config.hidden_size, config.dropout)
