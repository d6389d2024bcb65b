"""The paper's pooling rows beside DFAN: ten frames, pooled, and one hidden layer, in plain torch.

Qiu, He and Wang, "Dual Focus Attention Network for Video Emotion Recognition", ICME 2020, Table 2:
"For Max and Average pooling, we uniformly sample 10 frames from visual features for pooling". What
reads the pooled features the paper leaves open: here a hidden layer with as many units as DFAN has.
Objects are averaged over a frame, as without O.Focus.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from baselines.dfan import Focus, weighted_sum

SAMPLED = 10  # frames of a video


class PooledFrames(nn.Module):
    """A classifier of the features of ten frames, their mean or their element-wise maximum.

    It answers once for a video, and its `Focus` has this answer at every step. The weights over
    time are the share of the hidden layer's input that is from each frame: equal for the mean; for
    the maximum, the share of the features that are largest there.

    Args:
        frame_size: Size of a frame's features, all streams but the objects side by side.
        object_size: Size of an object's feature; 0 without objects.
        classes: C.
        hidden_size: Units of the hidden layer.
        pooling: "average" or "max".
        dropout: Probability of dropping an input or a hidden unit.
    """

    def __init__(
        self,
        frame_size: int,
        object_size: int,
        classes: int,
        hidden_size: int = 128,
        pooling: Literal["average", "max"] = "average",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.pooling = pooling
        self.classify = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(frame_size + object_size, hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, classes),
        )

    def forward(self, frames: Tensor, objects: Tensor, present: Tensor, valid: Tensor) -> Focus:
        """Go through videos; the arguments are those of `DFAN.forward`."""
        shares = present / present.sum(2, keepdim=True).clamp(min=1)
        seen = torch.cat([weighted_sum(shares, objects), frames], dim=2)
        sampled = sampled_frames(valid)
        if self.pooling == "max":
            pooled, frame = seen.masked_fill(~sampled[:, :, None], -torch.inf).max(dim=1)
            numbers = torch.arange(valid.shape[1], device=valid.device)
            weights = (frame[:, None] == numbers[:, None]).float().mean(2)
        else:
            weights = sampled / sampled.sum(1, keepdim=True)
            pooled = weighted_sum(weights, seen)
        steps = valid[:, :, None]
        return Focus(self.classify(pooled)[:, None] * steps, weights[:, None] * steps, shares)


def sampled_frames(valid: Tensor) -> Tensor:
    """Ten frames of each video, [B, T] bool: floor((i + 1/2) L / 10) of L, or all of up to ten."""
    length = valid.sum(1, keepdim=True)
    place = torch.arange(SAMPLED, device=valid.device)
    index = ((2 * place + 1) * length).div(2 * SAMPLED, rounding_mode="floor")
    chosen = torch.zeros_like(valid).scatter(1, index, True)
    return torch.where(length > SAMPLED, chosen, valid)
