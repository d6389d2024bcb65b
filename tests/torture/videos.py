"""Mutated videos: one is skipped or used, and the others are extracted as ever."""

import os
import shutil
import signal
from pathlib import Path

import h5py
import numpy as np

from tests.shared import shape_videos
from tests.torture import surface
from tests.torture.commands import Ended, run, run_here
from tests.torture.damage import damage
from tests.torture.processes import Finding, Tell

HANG_SECONDS = 10.0  # a command that decodes seven short videos takes a third of a second
FORMS = {
    "mp4": {},
    "mkv": {"codec": "mpeg4"},
    "avi": {"codec": "mpeg4", "between": 0},
    "webm": {"codec": "libvpx", "between": 0},
    "mov": {"codec": "mjpeg", "pixels": "yuvj420p", "between": 0},
}


def grey_or_crash(frames: np.ndarray) -> np.ndarray:
    """A backbone that ends its process as a decoder's fault would, where a video is all white."""
    if frames.min() > 200:
        os.kill(os.getpid(), signal.SIGSEGV)
    return frames.mean(axis=(1, 2)).astype(np.float32)


class Videos:
    """One damaged video among sound ones; one trial in fifty crashes the process that reads it."""

    name, count, seconds, cpu_seconds, jobs = "videos", 200, 200.0, 0.0, 2

    def prepare(self, folder: Path, seed: int) -> None:
        self.seed, self.videos = seed, folder / "videos"
        rng = np.random.default_rng(0)
        for number in range(6):
            kind = ("disc", "ring")[number % 2]
            home = self.videos / kind
            home.mkdir(parents=True, exist_ok=True)
            pictures = shape_videos.shape_pictures(kind, 2, number % 2, rng)
            shape_videos.write_video(home / f"{number}.mp4", pictures)
        self.damaged = []
        pictures = shape_videos.shape_pictures("disc", 3, 1, rng)
        sound = rng.normal(0, 0.1, 16000 * 3).astype(np.float32)
        for suffix, how in FORMS.items():
            with_sound = sound if suffix in ("mp4", "mkv") else None
            path = folder / f"damaged.{suffix}"
            shape_videos.write_video(path, pictures, sound=with_sound, **how)  # type: ignore[arg-type]
            self.damaged.append(path)
        self.white = folder / "white.mp4"
        shape_videos.write_video(self.white, np.full((12, 72, 96, 3), 255, np.uint8))
        # In this process, so that every fork finds all modules imported.
        done = run_here(surface.extract(self.videos, folder / "whole.h5"))
        assert done.code == 0, done.errors
        self.features = _features(folder / "whole.h5")

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 3, number])
        videos = shutil.copytree(self.videos, folder / "videos")
        source = self.damaged[int(rng.integers(len(self.damaged)))]
        crash = number % 50 == 25
        if crash:
            source, told = self.white, "a backbone that crashes on it"
            data = source.read_bytes()
        else:
            data, told = damage(source.read_bytes(), rng)
            while rng.random() < 0.5:
                data, more = damage(data, rng)
                told += f"; {more}"
        # Neither the first nor the last in its class.
        (videos / "ring" / f"2{source.suffix}").write_bytes(data)
        tell(f"{source.name}: {told}")
        out = folder / "out.h5"
        command = surface.extract(videos, out)
        if crash:
            command[command.index("--backbone") + 1] = "tests.torture.videos:grey_or_crash"
        ended = run(command, folder / "log", seconds=HANG_SECONDS)
        if ended.code < 0 and not ended.hung:
            # A crash costs one video: the next attempt skips it, after trying it in a process of
            # its own, which imports everything again.
            ended = run([*command, "--resume"], folder / "log", seconds=3 * HANG_SECONDS)
        return self._judge(ended, out, crash)

    def _judge(self, ended: Ended, out: Path, crash: bool) -> Finding:
        if ended.wrong:
            return Finding(ended.wrong, True, ended.where, ended.detail)
        if ended.code:
            return Finding("one video stops all", True, ended.where, ended.errors[-500:])
        features = _features(out)
        missing = sorted(set(self.features) - set(features))
        changed = [] if crash else [
            video for video, values in self.features.items()
            if video in features and not np.array_equal(values, features[video])
        ]  # fmt: skip
        if missing or changed:
            return Finding(
                "other videos changed", True, "", f"missing {missing}, changed {changed}"
            )
        used = len(features) > len(self.features)
        return Finding("used" if used else "skipped", detail=ended.errors[-300:])


def _features(path: Path) -> dict[str, np.ndarray]:
    """The features of every video of a cache, by its id."""
    with h5py.File(path) as h5:
        ids, start = h5["videos/id"].asstr()[:], h5["videos/start"][:]
        values = h5["streams/main/features"][:]
    return {
        video: values[first:last] for video, first, last in zip(ids, start, start[1:], strict=False)
    }
