"""The reaction network's time per video, as a ratio to a bare loop over torch's own layers."""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from agents.reaction import DESIGN, ReactionConfig
from agents.training.task import make_task
from agents.training.trainer import make_learner
from frame_select_env import open_cache, write_cache
from tests.benchmarks.bare import cpu_seconds

SIZES = {"holistic": 512, "local": 35, "audio": 88}
VISUAL = SIZES["holistic"] + SIZES["local"]
VIDEOS, FRAMES, TARGETS, TURNS = 64, 25, 7, 9


class Bare(nn.Module):
    """GRUs, transformers and a head, as torch has them, on what is already standardised."""

    def __init__(self, config: ReactionConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.grus = nn.ModuleList(
            nn.GRU(inputs, size, config.num_layers, batch_first=True)
            for inputs in (VISUAL, SIZES["audio"])
        )
        self.tokens = nn.Parameter(torch.randn(2, size))
        self.transformers = nn.ModuleList(
            nn.TransformerEncoder(
                nn.TransformerEncoderLayer(
                    *(size, config.num_heads, size, config.dropout, functional.gelu),
                    batch_first=True,
                    norm_first=True,
                ),
                config.depth,
                enable_nested_tensor=False,
            )
            for _ in range(2)
        )
        self.head = nn.Sequential(
            nn.Linear(2 * size, size, bias=False),
            nn.Dropout(config.head_dropout),
            nn.Linear(size, TARGETS, bias=False),
        )

    def forward(self, modalities: list[Tensor], padding: Tensor) -> Tensor:
        """Logits [B, K]."""
        read = []
        for place, frames in enumerate(modalities):
            token = self.tokens[place].expand(len(frames), 1, -1)
            states = torch.cat([token, self.grus[place](frames)[0]], dim=1)
            read.append(self.transformers[place](states, src_key_padding_mask=padding)[:, 0])
        return self.head(torch.cat(read, dim=1))


def measure() -> list[dict[str, object]]:
    """A row per preset: microseconds per video of training, and the ratio to bare."""
    torch.set_num_threads(1)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        targets = [f"t{number}" for number in range(TARGETS)]
        path = write_cache(Path(folder) / "reactions.h5", _videos(), targets=targets)
        cache = open_cache(path)
        task = make_task(cache, path, stream="+".join(SIZES), num_frames=FRAMES, holdout=False)
        for preset, config in DESIGN.presets.items():
            learner = make_learner(DESIGN, cache, task, config)
            learner.network.train()
            batch = learner.batch_size
            modalities = [torch.randn(batch, FRAMES, size) for size in (VISUAL, SIZES["audio"])]
            padding = torch.zeros(batch, FRAMES + 1, dtype=torch.bool)
            target, bare = torch.rand(batch, TARGETS), Bare(config)
            optimiser = torch.optim.AdamW(bare.parameters(), config.learning_rate)
            order = np.random.default_rng(0)

            def ours(learner=learner, batch=batch, order=order) -> None:
                learner.update(order.permutation(learner.rows)[:batch])

            def plain(
                bare=bare,
                optimiser=optimiser,
                modalities=modalities,
                padding=padding,
                target=target,
            ) -> None:
                loss = functional.mse_loss(torch.sigmoid(bare(modalities, padding)), target)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

            turns = [
                [cpu_seconds(run) / batch * 1e6 for run in (ours, plain)] for _ in range(TURNS)
            ]
            rows.append(
                {
                    "preset": preset,
                    "batch": batch,
                    "reaction": statistics.median(turn[0] for turn in turns),
                    "bare": statistics.median(turn[1] for turn in turns),
                    "ratio": statistics.median(turn[0] / turn[1] for turn in turns),
                }
            )
    return rows


def _videos() -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(0)
    for row in range(VIDEOS):
        yield {
            "id": str(row),
            "label": rng.random(TARGETS).astype(np.float32),
            "split": "train",
            "features": {
                name: rng.normal(size=(FRAMES, size)).astype(np.float16)
                for name, size in SIZES.items()
            },
            "predictions": {name: np.zeros((FRAMES, TARGETS), np.float32) for name in SIZES},
        }
