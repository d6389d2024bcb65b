"""The network of agents that build a set: one number a frame, given the frames picked so far."""

import torch
from torch import nn

from agents.feature_table import FeatureTable
from agents.networks.encoding import Encodings
from agents.networks.network import PooledCritic, StepNetwork

FORBIDDEN = -1e8  # finite: 0 times it, at the end of an episode, must be 0


class FrameSetNetwork(StepNetwork):
    """A number for adding each frame to the set, and for stopping: Q-values, or logits.

    A BiLSTM encodes the frames; then each is seen beside the mean code of the set, that of the
    video, p0, p1 and the number of frames picked. The result does not depend on the order in which
    the set was picked (Deep Sets, Zaheer et al., NeurIPS 2017).

    Args:
        feature_size: D.
        outputs: C.
        stop: Whether there is the action T, which ends the episode.
        hidden: Units of each layer; the BiLSTM has half of them in each direction.
        dropout: Dropout on the input and before the head.
    """

    encodings: Encodings

    def __init__(
        self,
        feature_size: int,
        outputs: int,
        stop: bool = False,
        hidden: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(feature_size, outputs, hidden, dropout)
        self.stop, seen = stop, self.encoded
        self.from_frame = nn.Linear(seen, hidden)
        self.from_set = nn.Linear(2 * seen + 2 * outputs + 1, hidden)
        self.head = nn.Linear(hidden, 1)
        self.stop_head = nn.Linear(hidden, 1) if stop else None

    def codes(
        self,
        table: FeatureTable,
        video: torch.Tensor,
        selected: torch.Tensor,
        cursor: torch.Tensor,
    ) -> torch.Tensor:
        """What the heads see, [B, n, hidden + 1]: a row for each frame, and one for stopping.

        The last channel is 1 where the action is legal: padding and picked frames are not.

        Args:
            table: Where features and predictions are looked up.
            video: [B] int, rows in the cache.
            selected: [B, T], 1 where a frame has been picked.
            cursor: [B] int, not used: the number of frames picked says as much.
        """
        place = table.place(video)
        codes, row = self.encodings(table, place)
        frames, kept, valid = codes[row], selected.float(), table.valid[place]
        count, length = kept.sum(1, keepdim=True), table.length[place][:, None]
        chosen = torch.bmm(kept[:, None], frames)[:, 0] / count.clamp(min=1)
        every = torch.bmm(valid.float()[:, None], frames)[:, 0] / length
        p1 = torch.bmm(kept[:, None], table.predictions[place])[:, 0] / count.clamp(min=1)
        context = torch.cat([chosen, every, table.p0[place], p1, count / length], dim=1)
        seen = self.from_set(context)[:, None]
        made = self.dropout(torch.relu(self.from_frame(frames) + seen))
        legal = (valid & (kept == 0)).float()[..., None]
        made = torch.cat([made, legal], dim=2)
        if self.stop:
            ending = torch.cat([torch.relu(seen), torch.ones_like(seen[..., :1])], dim=2)
            made = torch.cat([made, ending], dim=1)
        return made

    def act(self, codes: torch.Tensor) -> torch.Tensor:
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
