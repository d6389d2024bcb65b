"""DFAN's time per video, as a ratio to a bare loop over the same layers."""

import dataclasses
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from agents.dfan import DESIGN, DFANConfig
from agents.training.task import make_task
from agents.training.trainer import make_learner
from frame_select_env import open_cache, write_cache
from tests.benchmarks.bare import cpu_seconds

ACTION, OBJECTS, SIZE = 512, 10, 84
VIDEOS, FRAMES, CLASSES, TURNS = 64, 25, 8, 9


class Bare(nn.Module):
    """Cells, attentions, dropout and predictions on inputs at hand: no masks and no scrambler.

    `keys` says whether the attention over time has keys of the frames, or a row for each frame.
    """

    def __init__(self, hidden: int, keys: bool, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.space = nn.LSTMCell(hidden + SIZE, hidden)
        self.object_hidden = nn.Linear(hidden, 1, bias=False)
        self.object_feature = nn.Linear(SIZE, 1)
        self.time = nn.LSTMCell(CLASSES + ACTION, hidden)
        rows = hidden if keys else FRAMES
        self.time_hidden = nn.Linear(hidden, rows, bias=False)
        self.time_seen = nn.Linear(SIZE + ACTION, rows)
        self.time_key = nn.Linear(SIZE + ACTION, hidden, bias=False) if keys else None
        self.predict = nn.Linear(hidden, CLASSES)

    def forward(self, frames: Tensor, objects: Tensor) -> Tensor:
        """Logits [B, T, C]."""
        frames, objects = self.dropout(frames), self.dropout(objects)
        average = objects.mean(2)
        seen_keys = torch.cat([average, frames], dim=2)
        keys = self.time_key(seen_keys) if self.time_key else None
        start = frames.new_zeros(len(frames), self.predict.in_features)
        space, time_state = (start, start), (start, start)
        prediction, made = frames.new_zeros(len(frames), CLASSES), []
        for t in range(frames.shape[1]):
            space = self.space(torch.cat([time_state[0], average[:, t]], dim=1), space)
            glimpse = self.object_hidden(space[0]) + self.object_feature(objects[:, t]).squeeze(2)
            looks = torch.softmax(torch.tanh(glimpse), dim=1)
            seen = torch.bmm(looks[:, None], objects[:, t]).squeeze(1)
            query = self.time_hidden(time_state[0])
            query = query + self.time_seen(torch.cat([seen, frames[:, t]], dim=1))
            logits = query if keys is None else torch.bmm(keys, query[:, :, None]).squeeze(2)
            weights = torch.softmax(torch.tanh(logits), dim=1)
            attended = torch.bmm(weights[:, None], frames).squeeze(1)
            time_state = self.time(torch.cat([prediction, attended], dim=1), time_state)
            made.append(self.predict(self.dropout(time_state[0])))
            prediction = torch.softmax(made[-1], dim=1)
        return torch.stack(made, dim=1)


def measure() -> list[dict[str, object]]:
    """A row per form of the attention over time: microseconds per video, and the ratio to bare."""
    torch.set_num_threads(1)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        names = [f"c{number}" for number in range(CLASSES)]
        path = Path(folder) / "emotions.h5"
        cache = open_cache(write_cache(path, _videos(), classes=names, axes={"objects": "object"}))
        task = make_task(cache, path, stream="action+objects", num_frames=FRAMES, holdout=False)
        for form in ("per-frame", "literal"):
            config = dataclasses.replace(DESIGN.presets["tuned"], time_attention=form)
            learner = make_learner(DESIGN, cache, task, config)
            learner.network.train()
            order, batch = np.random.default_rng(0), learner.batch_size

            def ours(learner=learner, order=order, batch=batch) -> None:
                learner.update(order.permutation(learner.rows)[:batch])

            runs = (ours, _bare(config, form == "per-frame", batch))
            turns = [[cpu_seconds(run) / batch * 1e6 for run in runs] for _ in range(TURNS)]
            rows.append(
                {
                    "time attention": form,
                    "batch": batch,
                    "dfan": statistics.median(turn[0] for turn in turns),
                    "bare": statistics.median(turn[1] for turn in turns),
                    "ratio": statistics.median(turn[0] / turn[1] for turn in turns),
                }
            )
    return rows


def _bare(config: DFANConfig, keys: bool, batch: int) -> Callable[[], None]:
    """Forward, backward and Adam on a batch at hand."""
    network = Bare(config.hidden_size, keys, config.dropout)
    frames = torch.randn(batch, FRAMES, ACTION)
    objects = torch.randn(batch, FRAMES, OBJECTS, SIZE)
    label = torch.randint(CLASSES, (batch,)).repeat_interleave(FRAMES)
    optimiser = torch.optim.Adam(network.parameters(), config.learning_rate)

    def run() -> None:
        loss = functional.cross_entropy(network(frames, objects).flatten(0, 1), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return run


def _videos() -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(0)
    for row in range(VIDEOS):
        yield {
            "id": str(row),
            "label": row % CLASSES,
            "split": "train",
            "features": {
                "action": rng.normal(size=(FRAMES, ACTION)).astype(np.float16),
                "objects": rng.normal(size=(FRAMES, OBJECTS, SIZE)).astype(np.float16),
            },
            "predictions": dict.fromkeys(
                ("action", "objects"), np.full((FRAMES, CLASSES), 1 / CLASSES, np.float32)
            ),
        }
