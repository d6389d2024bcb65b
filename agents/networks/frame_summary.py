"""Eleven numbers that summarise a frame, for networks that read them in place of its feature."""

import torch
from torch import Tensor
from torch.nn import functional

from frame_select_env.consensus import SMALLEST

SUMMARY_SIZE = 11


def summary(features: Tensor, predictions: Tensor, valid: Tensor) -> Tensor:
    """How certain, how typical and how far from its neighbours each frame is, [B, T, 11].

    With x_t a frame's feature of size D, p_t its class probabilities, and p0 the mean of p_t over
    the video's L valid frames:

        0   confidence     max_k p_tk
        1   margin         the largest p_tk minus the second largest (minus 0 if there is one class)
        2   entropy        -sum_k p_tk log p_tk, in nats
        3   agreement      p_t . p0
        4   divergence     KL(p_t || p0) = sum_k p_tk (log p_tk - log p0_k), in nats
        5   norm           ||x_t|| / sqrt(D)
        6   motion         ||x_t - x_s|| / sqrt(D), averaged over the valid neighbours s = t - 1 and
                           s = t + 1; 0 if there are none
        7   position       t / (L - 1), from 0 to 1; 0 if the video has one frame
        8   confidence,  9 agreement and 10 norm, averaged over t and its valid neighbours

    Probabilities are clipped at 1e-6 in logarithms. What stands at padding changes no valid frame.

    Args:
        features: [B, T, D] of any dtype, standardised if the network standardises.
        predictions: [B, T, C], probabilities.
        valid: [B, T] bool, True for the first frames of each video.

    Returns:
        [B, T, 11] float32, 0 at padding.
    """
    features, predictions = features.float(), predictions.float()
    predictions = predictions.masked_fill(~valid[..., None], 0.0)
    length = valid.sum(1, keepdim=True)
    p0 = predictions.sum(1, keepdim=True) / length.clamp(min=1)[..., None]
    log_p, log_p0 = (one.clamp(min=SMALLEST).log() for one in (predictions, p0))
    first, second = functional.pad(predictions, (0, 1)).topk(2, dim=2).values.unbind(2)
    agreement = (predictions * p0).sum(2)
    root = features.shape[2] ** 0.5
    norm = _masked(torch.linalg.vector_norm(features, dim=2) / root, valid)
    step = torch.linalg.vector_norm(features[:, 1:] - features[:, :-1], dim=2) / root
    place = torch.arange(valid.shape[1], device=valid.device)
    numbers = [
        first,
        first - second,
        -(predictions * log_p).sum(2),
        agreement,
        (predictions * (log_p - log_p0)).sum(2),
        norm,
        _beside(step, valid[:, 1:] & valid[:, :-1]),
        place / (length - 1).clamp(min=1),
        *(_around(values, valid) for values in (first, agreement, norm)),
    ]
    return torch.stack([_masked(values, valid) for values in numbers], dim=2)


def _beside(step: Tensor, both: Tensor) -> Tensor:
    """The mean of the steps [B, T - 1] before and after each frame, of those in `both`, [B, T]."""
    total, count = (
        functional.pad(values, (1, 0)) + functional.pad(values, (0, 1))
        for values in (_masked(step, both), both.float())
    )
    return total / count.clamp(min=1)


def _around(values: Tensor, valid: Tensor) -> Tensor:
    """The mean of values [B, T], 0 at padding, over each frame and its valid neighbours, [B, T]."""
    total, count = (
        one + functional.pad(one[:, :-1], (1, 0)) + functional.pad(one[:, 1:], (0, 1))
        for one in (values, valid.float())
    )
    return total / count.clamp(min=1)


def _masked(values: Tensor, valid: Tensor) -> Tensor:
    return values.masked_fill(~valid, 0.0)
