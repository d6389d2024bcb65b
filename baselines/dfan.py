"""DFAN, the dual focus attention network: its equations, its vote and its loss, in plain torch.

Qiu, He and Wang, "Dual Focus Attention Network for Video Emotion Recognition", ICME 2020. A
recurrent cell goes through a video frame by frame. At step t it attends to the objects of frame t
and then to all frames of the video, and predicts the label from the attended frames.

What the paper leaves open is read as follows. Both recurrent cells start from zeros, and so does
the prediction P_0. The weights of Eq. 3 are shared by all objects. Missing objects and padding have
no weight, and steps at padding change nothing. The scrambler (Eq. 10) mixes both weights at once,
before Eq. 7, from the second step on. The loss is the cross-entropy, averaged over steps.
"""

import math
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from frame_select_env.errors import FrameSelectError

VOTES = 10  # steps, the last ones of a video, that predict its label
TIE = 1e-3  # what the mean probability counts, in votes
TimeAttention: TypeAlias = Literal["per-frame", "literal"]
State: TypeAlias = tuple[Tensor, Tensor]  # h and c of an LSTM cell, [B, H] each


class Focus(NamedTuple):
    """What the network saw and said at each step t of B videos; zeros at padding."""

    logits: Tensor  # [B, T, C], of the classes
    time: Tensor  # [B, T, T], at step t the weight of each frame
    objects: Tensor  # [B, T, K], at step t the weight of each object of frame t


class DFAN(nn.Module):
    """The dual focus attention network.

    Two forms of the time attention (Eq. 9) differ in what makes the logit of frame i at step t:

    - "literal": row i of W_Th h2 + W_Tf S_t + b_T, as printed. The rows are learnt, one for each of
      `num_frames` positions, so the logit of frame i never depends on what frame i shows.
    - "per-frame": the same sum has one row for each hidden unit and is a query q; the logit of
      frame i is q . (W_k S_i) / sqrt(H), where S_i holds the mean of frame i's objects, because the
      attention to them is not known yet. Any number of frames will do. The query has to be
      multiplied: added to S_i it would shift all logits alike, and the object attention, which
      has an effect only through S_t, would hardly learn.

    Args:
        frame_size: Size of a frame's features F, all streams but the objects side by side; 0 if
            there are none. The fused feature is then the mean of the objects.
        object_size: Size of an object's feature; 0 without objects.
        classes: C.
        hidden_size: H, units of both cells.
        time_attention: The form of the time attention.
        num_frames: Largest T of the literal form.
        object_focus: Attend to objects; False weights them equally ("T.Focus" in the paper).
        beta: What a weight keeps when the scrambler mixes it with its neighbour's, while training;
            1 mixes nothing.
        learned_scale: Multiply the bounded logits, of objects and of frames, by learnt numbers. The
            tanh is in [-1, 1], so no weight exceeds e^2 / (e^2 + T - 1): .24 of 25 frames.
        dropout: Probability of dropping an input or a unit of what predicts.
    """

    def __init__(
        self,
        frame_size: int,
        object_size: int,
        classes: int,
        hidden_size: int = 128,
        *,
        time_attention: TimeAttention = "per-frame",
        num_frames: int = 25,
        object_focus: bool = True,
        beta: float = 0.6,
        learned_scale: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.frame_size, self.object_size, self.beta = frame_size, object_size, beta
        self.hidden_size, self.classes = hidden_size, classes
        self.literal, self.object_focus = time_attention == "literal", object_focus
        seen = object_size + frame_size
        self.dropout = nn.Dropout(dropout)
        if object_size and object_focus:
            self.space = nn.LSTMCell(hidden_size + object_size, hidden_size)
            self.object_hidden = nn.Linear(hidden_size, 1, bias=False)
            self.object_feature = nn.Linear(object_size, 1)
        self.time = nn.LSTMCell(classes + (frame_size or object_size), hidden_size)
        rows = num_frames if self.literal else hidden_size
        self.time_hidden = nn.Linear(hidden_size, rows, bias=False)
        self.time_seen = nn.Linear(seen, rows)
        if not self.literal:
            self.time_key = nn.Linear(seen, hidden_size, bias=False)
        self.predict = nn.Linear(hidden_size, classes)
        self.log_scale = nn.Parameter(torch.zeros(2), requires_grad=learned_scale)

    def forward(self, frames: Tensor, objects: Tensor, present: Tensor, valid: Tensor) -> Focus:
        """Go through videos.

        Args:
            frames: [B, T, frame_size].
            objects: [B, T, K, object_size]; K is 0 without objects.
            present: [B, T, K] bool, which objects there are.
            valid: [B, T] bool, False at padding, which is at the end.
        """
        videos, steps = valid.shape
        if self.literal and steps > self.time_hidden.out_features:
            raise FrameSelectError(
                f"dfan: the literal time attention is for {self.time_hidden.out_features} frames, "
                f"not {steps}; time_attention=per-frame is for any number"
            )
        frames, objects = self.dropout(frames), self.dropout(objects)
        average = weighted_sum(present / present.sum(2, keepdim=True).clamp(min=1), objects)
        fused = frames if self.frame_size else average
        keys = None if self.literal else self.time_key(torch.cat([average, frames], dim=2))
        start = frames.new_zeros(videos, self.hidden_size)
        space, time = (start, start), (start, start)
        prediction = frames.new_zeros(videos, self.classes)
        made: list[tuple[Tensor, Tensor, Tensor]] = []
        for t in range(steps):
            live = valid[:, t, None]
            object_weights, seen = present[:, t].float(), average[:, t]
            if self.object_size and self.object_focus:
                new = self.space(torch.cat([time[0], average[:, t]], dim=1), space)  # Eq. 4
                space = _where(live, new, space)
                object_weights = self.look(space[0], objects[:, t], present[:, t])
                seen = weighted_sum(object_weights, objects[:, t])  # Eq. 1
            else:
                object_weights = object_weights / object_weights.sum(1, keepdim=True).clamp(min=1)
            seen = torch.cat([seen, frames[:, t]], dim=1)
            weights = self.attend(time[0], seen, keys, valid)
            if self.training and t:
                weights = scramble(weights, t, self.beta)
            attended = weighted_sum(weights, fused)  # Eq. 7
            new = self.time(torch.cat([prediction, attended], dim=1), time)  # Eq. 6
            time = _where(live, new, time)
            logits = self.predict(self.dropout(time[0]))
            prediction = torch.softmax(logits, dim=1)  # Eq. 5
            made.append((logits * live, weights * live, object_weights * live))
        return Focus(*(torch.stack(parts, dim=1) for parts in zip(*made, strict=True)))

    def look(self, hidden: Tensor, objects: Tensor, present: Tensor) -> Tensor:
        """Weights of a frame's objects [B, K, object_size], [B, K] (Eq. 2 and 3)."""
        glimpse = torch.tanh(self.object_hidden(hidden) + self.object_feature(objects).squeeze(2))
        return masked_softmax(self.log_scale[0].exp() * glimpse, present)

    def attend(self, hidden: Tensor, seen: Tensor, keys: Tensor | None, valid: Tensor) -> Tensor:
        """Weights of all frames, [B, T], from h2 [B, H] and S_t [B, S] (Eq. 8 and 9)."""
        query = self.time_hidden(hidden) + self.time_seen(seen)
        if keys is None:
            glimpse = query[:, : valid.shape[1]]
        else:
            glimpse = torch.bmm(keys, query[:, :, None]).squeeze(2) / math.sqrt(self.hidden_size)
        return masked_softmax(self.log_scale[1].exp() * torch.tanh(glimpse), valid)


def masked_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Weights [B, n] that sum to 1 where `mask` is True; all are 0 where it is True nowhere."""
    # The least finite number: with -inf everywhere the softmax and its gradient would be NaN.
    lowest = torch.finfo(logits.dtype).min
    return torch.softmax(logits.masked_fill(~mask, lowest), dim=-1) * mask


def weighted_sum(weights: Tensor, values: Tensor) -> Tensor:
    """The sum over n of weights [..., n] times values [..., n, D]: [..., D]."""
    return torch.matmul(weights.unsqueeze(-2), values).squeeze(-2)


def scramble(weights: Tensor, t: int, beta: float) -> Tensor:
    """Mix the weights of frames t - 1 and t, counted from 0, of weights [B, T] (Eq. 10)."""
    before, here = weights[:, t - 1], weights[:, t]
    mixed = weights.clone()
    mixed[:, t - 1] = beta * before + (1 - beta) * here
    mixed[:, t] = (1 - beta) * before + beta * here
    return mixed


def loss_of(logits: Tensor, valid: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy with the label [B], averaged over each video's steps, then over videos."""
    likelihood = functional.log_softmax(logits, dim=2)
    own = likelihood.gather(2, label[:, None, None].expand(-1, logits.shape[1], 1)).squeeze(2)
    return -((own * valid).sum(1) / valid.sum(1)).mean()


def entropy(weights: Tensor) -> Tensor:
    """The mean entropy, in nats, of the rows of weights [B, T, n] that are not all 0."""
    there = weights.sum(2) > 0
    found = -torch.xlogy(weights, weights).sum(2)
    return found.sum() / there.sum().clamp(min=1)


def voting_steps(valid: Tensor) -> Tensor:
    """The last ten valid steps of each video, [B, T] bool; all of a video with fewer."""
    left = valid.sum(1, keepdim=True) - torch.arange(valid.shape[1], device=valid.device)
    return valid & (left <= VOTES)


def vote(logits: Tensor, valid: Tensor) -> Tensor:
    """Probabilities of the classes, [B, C] float64: the share of votes at the last ten steps.

    The mean probability counts a thousandth of a vote: it decides ties and nothing else.
    """
    voting = voting_steps(valid)[:, :, None].double()
    probabilities = torch.softmax(logits.double(), dim=2)
    votes = functional.one_hot(logits.argmax(2), logits.shape[2]) * voting
    count = voting.sum(1)
    return (votes.sum(1) + TIE * (probabilities * voting).sum(1) / count) / (count + TIE)


def frame_probabilities(logits: Tensor, valid: Tensor) -> Tensor:
    """Probabilities of the classes at each step, [B, T, C]; zeros at padding."""
    return torch.softmax(logits, dim=2) * valid[:, :, None]


def importance(time: Tensor, valid: Tensor) -> Tensor:
    """Importance scores [B, T]: the time attention, averaged over the steps that vote."""
    voting = voting_steps(valid)
    return (time * voting[:, :, None]).sum(1) / voting.sum(1, keepdim=True)


def _where(live: Tensor, new: State, old: State) -> State:
    """The new state of an LSTM cell where a step is valid, else the old one."""
    return torch.where(live, new[0], old[0]), torch.where(live, new[1], old[1])
