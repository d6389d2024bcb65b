"""A BiLSTM over videos of different lengths, whose backward direction starts at the last frame."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

# On a CPU, torch's dense LSTM is two to five times as fast as its packed one on small inputs, and
# half as fast on large ones.
DENSE_SIZE = 512


def run_lstm(lstm: nn.LSTM, inputs: Tensor, valid: Tensor) -> Tensor:
    """The states [B, T, 2H] of a bidirectional LSTM, meaningless at padding.

    Args:
        lstm: Bidirectional, `batch_first`, and without dropout.
        inputs: [B, T, D].
        valid: [B, T] bool, True for the first frames of each video.
    """
    if inputs.device.type == "cpu" and inputs.shape[2] > DENSE_SIZE:
        lengths = valid.sum(1)
        packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        del inputs  # the copy is enough
        states, frames = lstm(packed)[0], valid.shape[1]
        return pad_packed_sequence(states, batch_first=True, total_length=frames)[0]
    batch, frames, _ = inputs.shape
    order = _backwards(valid)
    start = inputs.new_zeros(1, batch, lstm.hidden_size)
    for layer in range(lstm.num_layers):
        forward, backward = map(tuple, lstm.all_weights[2 * layer : 2 * layer + 2])
        one = _one_way(inputs, start, forward)
        other = _reorder(_one_way(_reorder(inputs, order), start, backward), order)
        inputs = torch.cat([one, other], dim=2)
    return inputs


def _one_way(inputs: Tensor, start: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    # has_biases, num_layers, dropout, train (keep what the gradient needs), bidirectional,
    # batch_first.
    how = (True, 1, 0.0, torch.is_grad_enabled(), False, True)
    return torch.lstm(inputs, (start, start), weights, *how)[0]


def _backwards(valid: Tensor) -> Tensor:
    """Where each frame of the reversed videos comes from, as rows of [B * T, ...]: its own inverse.

    Valid frames change places, padding stays.
    """
    batch, frames = valid.shape
    place = torch.arange(frames, device=valid.device)
    last = valid.sum(1, keepdim=True) - 1
    first = torch.arange(batch, device=valid.device)[:, None] * frames
    return (first + torch.where(valid, last - place, place)).flatten()


def _reorder(values: Tensor, order: Tensor) -> Tensor:
    return values.flatten(0, 1).index_select(0, order).view_as(values)
