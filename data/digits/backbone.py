"""The backbone: a small network trained on videos of its own, by their labels alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from data.digits.videos import DigitVideo

FEATURES = 24
HIDDEN = 64
EPOCHS = 40
BATCH = 32
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-4


@contextmanager
def one_thread() -> Iterator[None]:
    """Deterministic torch on one thread, so that a seed gives the same weights every time."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def train_backbone(videos: list[DigitVideo], seed: int) -> nn.Sequential:
    """Train a network on videos through the consensus; its last layer is cut off.

    The loss is the cross-entropy of a video's averaged probabilities, so the network is never told
    which frames show the digit.

    Returns:
        The network from pixels [L, 64] in [0, 1] to features [L, FEATURES].
    """
    generator = torch.Generator().manual_seed(seed)
    body = nn.Sequential(
        nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, FEATURES), nn.LeakyReLU()
    )
    head = nn.Linear(FEATURES, 10)
    for layer in (body[0], body[2], head):
        _initialise(layer, generator)
    network = nn.Sequential(body, head)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    pixels = [pixels_of(video.thumbnails) for video in videos]
    labels = torch.tensor([video.label for video in videos])
    for _ in range(EPOCHS):
        order = torch.randperm(len(videos), generator=generator)
        for batch in order.split(BATCH):
            chosen = [pixels[row] for row in batch.tolist()]
            owner = torch.repeat_interleave(torch.tensor([len(frames) for frames in chosen]))
            probabilities = network(torch.cat(chosen)).softmax(dim=1)
            sums = torch.zeros(len(batch), 10).index_add(0, owner, probabilities)
            mean = sums / torch.bincount(owner)[:, None]
            loss = nn.functional.nll_loss(mean.clamp_min(1e-9).log(), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    return body


def features_of(body: nn.Sequential, thumbnails: np.ndarray) -> np.ndarray:
    """The backbone's features [L, FEATURES] float16 of thumbnails [L, 8, 8] uint8."""
    with torch.no_grad():
        return body(pixels_of(thumbnails)).numpy().astype(np.float16)


def pixels_of(thumbnails: np.ndarray) -> torch.Tensor:
    """Thumbnails [L, 8, 8] uint8 as the backbone takes them: [L, 64] float32 in [0, 1]."""
    return torch.from_numpy(thumbnails).reshape(len(thumbnails), 64).float() / 255


def _initialise(layer: nn.Module, generator: torch.Generator) -> None:
    """Torch's own default, but from `generator`: the global one belongs to the caller."""
    assert isinstance(layer, nn.Linear)
    bound = layer.in_features**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
