"""Making the digits videos: images, videos, backbone, features, as a source to import."""

from pathlib import Path

import numpy as np

from data.digits.backbone import features_of, one_thread, train_backbone
from data.digits.images import part_images
from data.digits.videos import DigitVideo, make_videos
from data.source import Source

BACKBONE_VIDEOS = 400
VIDEOS = {"train": 320, "val": 80, "test": 200}


def digits_source(seed: int = 0) -> Source:
    """Make the 600 videos and their features; the same seed gives the same videos.

    The backbone trains on videos made of other images; no two splits share an image.
    """
    rng = np.random.default_rng(seed)
    images = part_images(rng)
    with one_thread():
        body = train_backbone(make_videos(images["backbone"], BACKBONE_VIDEOS, rng), seed)
        videos: list[DigitVideo] = []
        splits: list[str] = []
        for split, count in VIDEOS.items():
            videos += make_videos(images[split], count, rng)
            splits += [split] * count
        features = [features_of(body, video.thumbnails) for video in videos]
    numbers = [number for count in VIDEOS.values() for number in range(count)]
    return Source(
        path=Path("scikit-learn digits"),
        task="classification",
        outputs=[str(digit) for digit in range(10)],
        ids=np.array([f"{split}_{n:03d}" for split, n in zip(splits, numbers, strict=True)]),
        labels=np.array([video.label for video in videos], np.int64),
        splits={"default": np.array(splits)},
        lengths=np.array([len(video.importance) for video in videos], np.int64),
        features={"main": lambda row: features[row]},
        frames={
            "time": lambda row: videos[row].time,
            "importance": lambda row: videos[row].importance,
            "thumbnail": lambda row: videos[row].thumbnails,
        },
    )
