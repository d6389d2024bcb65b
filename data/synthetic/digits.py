"""The digits videos: a small untrimmed problem made from scikit-learn's scanned digits.

A run of clear frames of one digit, among frames that show little or something else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from data.sources.source import Source
from data.synthetic.scans import Images, divide_images, shift

BACKBONE_VIDEOS = 400
VIDEOS = {"train": 320, "val": 80, "test": 200}
# Shares of each class's images; no image is used for two purposes.
SHARES = {"backbone": 0.30, "train": 0.36, "val": 0.10, "test": 0.24}

LENGTHS = (18, 32)  # minimum and maximum frames per video
KEY_SHARE = (0.10, 0.45)  # of the frames
SHARP_SHARE = 0.35  # of the distractors are as clear as a key frame, of any class, and isolated
DECOY_SHARE = 0.5  # of the clear distractors show the same wrong digit, the video's decoy
SCANS = 2  # images that the key frames of one video show
FRAMES_PER_SECOND = 5.0
KEY_CONTRAST, KEY_NOISE = (0.85, 1.0), 0.10
FADED_CONTRAST, FADED_NOISE = (0.25, 0.7), 0.15

FEATURES = 24
HIDDEN = 64
EPOCHS = 40
BATCH = 32
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-4


@dataclass(frozen=True)
class DigitVideo:
    """One video of L frames."""

    thumbnails: np.ndarray  # [L, 8, 8] uint8, the backbone's input
    importance: np.ndarray  # [L] float32, 1 on the key frames
    time: np.ndarray  # [L] float32, seconds
    label: int  # the digit that the key frames show


def digits_source(seed: int = 0) -> Source:
    """Make the 600 videos and their features; the same seed gives the same videos.

    The backbone trains on videos made from other images; no two splits share an image.
    """
    rng = np.random.default_rng(seed)
    images = divide_images(SHARES, rng)
    with one_thread():
        body = train_backbone(make_videos(images["backbone"], BACKBONE_VIDEOS, rng), seed)
        made = {split: make_videos(images[split], count, rng) for split, count in VIDEOS.items()}
        videos = [video for chosen in made.values() for video in chosen]
        with torch.no_grad():
            features = [body(pixels_of(video)).numpy().astype(np.float16) for video in videos]
    numbered = [(split, number) for split, count in VIDEOS.items() for number in range(count)]
    return Source(
        path=Path("scikit-learn digits"),
        task="classification",
        outputs=[str(digit) for digit in range(10)],
        ids=np.array([f"{split}_{number:03d}" for split, number in numbered]),
        labels=np.array([video.label for video in videos], np.int64),
        splits={"default": np.array([split for split, _ in numbered])},
        lengths=np.array([len(video.importance) for video in videos], np.int64),
        features={"main": lambda row: features[row]},
        frames={
            "time": lambda row: videos[row].time,
            "importance": lambda row: videos[row].importance,
            "thumbnail": lambda row: videos[row].thumbnails,
        },
    )


def make_videos(images: Images, count: int, rng: np.random.Generator) -> list[DigitVideo]:
    """`count` videos made from `images`, with equally frequent labels in random order."""
    labels = rng.permutation(np.arange(count) % 10)
    return [make_video(images, int(label), rng) for label in labels]


def make_video(images: Images, label: int, rng: np.random.Generator) -> DigitVideo:
    """One video: a contiguous run shows `label`, the other frames are distractors.

    Most distractors are faded, shifted and noisy digits of any class. Some are as clear as a key
    frame, half of these of the same wrong class: a classifier is as confident about them as about a
    key frame, and only the disagreement with their neighbours gives them away.
    """
    length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
    run = max(2, round(rng.uniform(*KEY_SHARE) * length))
    first = int(rng.integers(0, length - run + 1))
    key = np.zeros(length, bool)
    key[first : first + run] = True
    sharp = _isolated(~key & (rng.random(length) < SHARP_SHARE), key)

    digit = rng.integers(0, 10, length)
    decoy = (label + rng.integers(1, 10)) % 10
    digit[sharp & (rng.random(length) < DECOY_SHARE)] = decoy
    pixels = np.concatenate([images.draw(int(d), 1, rng) for d in digit])
    pixels[key] = images.draw(label, SCANS, rng)[rng.integers(0, SCANS, run)]
    clear = key | sharp
    for t in np.flatnonzero(~clear):
        pixels[t] = shift(pixels[t], rng)
    low, high = np.where(clear[:, None], KEY_CONTRAST, FADED_CONTRAST).T
    contrast = rng.uniform(low, high)
    noise = np.where(clear, KEY_NOISE, FADED_NOISE)
    pixels = pixels * contrast[:, None, None]
    pixels += rng.normal(size=pixels.shape) * noise[:, None, None]
    return DigitVideo(
        thumbnails=np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8),
        importance=key.astype(np.float32),
        time=(np.arange(length) / FRAMES_PER_SECOND).astype(np.float32),
        label=label,
    )


def _isolated(wanted: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Thin out `wanted` [L] so that none is adjacent to another or to a key frame."""
    taken = key.copy()
    for t in np.flatnonzero(wanted):
        if not taken[max(t - 1, 0) : t + 2].any():
            taken[t] = True
    return taken & ~key


@contextmanager
def one_thread() -> Iterator[None]:
    """Deterministic torch on one thread, so that a seed always gives the same weights."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def train_backbone(videos: list[DigitVideo], seed: int) -> nn.Sequential:
    """Train a network from pixels [L, 64] to features [L, FEATURES] on the videos' labels."""
    generator = torch.Generator().manual_seed(seed)
    first, second = nn.Linear(64, HIDDEN), nn.Linear(HIDDEN, FEATURES)
    head = nn.Linear(FEATURES, 10)
    body = nn.Sequential(first, nn.ReLU(), second, nn.LeakyReLU())
    with torch.no_grad():
        # Torch's default initialisation, but without touching the global random state.
        for layer in (first, second, head):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)
    network = nn.Sequential(body, head)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    pixels = [pixels_of(video) for video in videos]
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


def pixels_of(video: DigitVideo) -> torch.Tensor:
    """The backbone's input, [L, 64] float32 in [0, 1]."""
    thumbnails = video.thumbnails
    return torch.from_numpy(thumbnails).reshape(len(thumbnails), 64).float() / 255
