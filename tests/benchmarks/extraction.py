"""Peak memory of extraction, by the number of videos.

Decoding and networks must not take more of it the more videos there are. The head that is trained
at the end does: it holds at most 64 frames of every training video.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.resident import peak_mib
from tests.shared.shape_videos import CLASSES, shape_pictures, write_video

COUNTS = (30, 120, 480)


def measure() -> list[dict[str, object]]:
    """A row a number of videos, each extracted by a process of its own."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            videos = Path(folder) / str(count)
            _write(videos, count)
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.extraction", videos, f"{videos}.h5"],
                capture_output=True,
                text=True,
                check=True,
            )
            shards, whole, seconds = map(float, done.stdout.split()[-3:])
            rows.append(
                {
                    "videos": count,
                    "peak of extraction, MiB": shards,
                    "peak with the head, MiB": whole,
                    "videos a second": count / seconds,
                }
            )
    return rows


def _write(folder: Path, count: int) -> None:
    """A few different videos of five seconds, copied under many names."""
    rng = np.random.default_rng(0)
    for label, kind in enumerate(CLASSES):
        (folder / kind).mkdir(parents=True)
        first = write_video(folder / kind / "0.mp4", shape_pictures(kind, 10, label, rng))
        for number in range(1, count // len(CLASSES)):
            shutil.copy(first, folder / kind / f"{number}.mp4")


def extract(videos: str, out: str) -> None:
    """Extract with ResNet-18; print peaks of resident memory in MiB, and the seconds of it all."""
    import time

    import torch

    from data.__main__ import main
    from data.extraction import pipeline

    def merging(*arguments: object) -> object:
        peaks.append(peak_mib())
        return shards_source(*arguments)

    peaks: list[float] = []
    shards_source = pipeline.shards_source
    pipeline.shards_source = merging  # type: ignore[assignment]
    torch.set_num_threads(1)
    start = time.perf_counter()
    size = "resnet18@size=64,weights=none"
    main(["extract", videos, out, "--backbone", size, "--num-frames", "25"])
    print(peaks[0], peak_mib(), time.perf_counter() - start)


if __name__ == "__main__":
    extract(*sys.argv[1:])
