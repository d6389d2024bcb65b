"""Supervised terms beside REINFORCE: imitation of the oracle, and a list-wise ranking loss.

Both read the label of training videos directly, so what they gain is not reinforcement learning's.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agents.networks.feature_table import FeatureTable
from agents.networks.frame_scorer import attention
from agents.training.task import Task, known_labels
from baselines import Oracle
from baselines.splits import row_batches
from frame_select_env import FeatureCache, top_frames


class FrameTargets:
    """What the terms teach about the frames of a task's training videos.

    Attributes:
        picked: [n, T] bool, the m frames that the greedy oracle picks first; m is the task's.
        relevance: [n, T] float32, how much a frame alone supports the label: the logarithm of the
            true class's probability; for a regression, minus the absolute error (mean over
            targets). -inf at padding.
    """

    def __init__(self, cache: FeatureCache, task: Task, table: FeatureTable) -> None:
        self._table = table
        labels = known_labels(cache, task).numpy(force=True)
        picked, relevance = [], []
        for rows in row_batches(task.fit_rows):
            video, view = cache.clips_of(rows, task.stream, task.view)
            clips = cache.read(video, task.num_frames, task.fold, task.stream, view)
            label = labels[video]
            scores = Oracle().scores(clips, label=label)
            picked.append(top_frames(scores, clips.valid, task.target_frames))
            relevance.append(np.where(clips.valid, support(clips.predictions, label), -np.inf))
        device = table.features.device
        self.picked = torch.from_numpy(np.concatenate(picked)).to(device)
        self.relevance = torch.from_numpy(np.concatenate(relevance)).float().to(device)

    def __call__(self, entries: np.ndarray) -> tuple[Tensor, Tensor]:
        """`picked` and `relevance` [B, T] of entries [B] of the table."""
        index = self._table.index(torch.as_tensor(entries).to(self.picked.device))
        return self.picked[index], self.relevance[index]


def support(predictions: np.ndarray, label: np.ndarray) -> np.ndarray:
    """How much each frame alone supports the label: [B, T] from predictions [B, T, C]."""
    if label.ndim == 2:
        return -np.abs(predictions - label[:, None]).mean(axis=2)
    own = np.take_along_axis(predictions, label[:, None, None], axis=2)[:, :, 0]
    return np.log(np.maximum(own, np.finfo(np.float32).tiny))


def imitation_loss(logits: Tensor, picked: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy of keeping the `picked` frames, a mean over valid frames [B, T]."""
    each = F.binary_cross_entropy_with_logits(logits, picked.float(), reduction="none")
    return (each * valid).sum() / valid.sum()


def listwise_loss(logits: Tensor, relevance: Tensor, valid: Tensor) -> Tensor:
    """ListNet's top-one loss (Cao et al., ICML 2007), a mean over videos.

    The cross-entropy between the softmax of `relevance` and that of the logits, [B, T] each, over
    valid frames.
    """
    target = attention(relevance, valid)
    told = F.log_softmax(logits.masked_fill(~valid, -torch.inf), dim=1)
    return -(target * told.masked_fill(~valid, 0.0)).sum(1).mean()
