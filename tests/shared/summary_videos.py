"""Made files of video summarisation, in the layout in which TVSum circulates."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

STRIDE = 15  # frames of the original video for each step, as in TVSum


def summary_file(
    path: Path,
    videos: int = 10,
    shots: int = 8,
    raters: int = 4,
    planted: bool = True,
    size: int = 8,
    seed: int = 0,
) -> Path:
    """Videos of `shots` shots, of which 15 % are events; the others show the same scene.

    Each event has a scene of its own. Raters score every frame from 1 to 5, higher in events where
    they are `planted`, and each keeps the 15 % of the shots that it likes best. The datasets are
    those of eccv16_dataset_tvsum_google_pool5.h5, and user_scores.
    """
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        for number in range(1, videos + 1):
            for name, values in _video(rng, shots, raters, planted, size).items():
                file[f"video_{number}/{name}"] = values
    return path


def _video(
    rng: np.random.Generator, shots: int, raters: int, planted: bool, size: int
) -> dict[str, Any]:
    steps = rng.integers(3, 7, shots)  # of each shot
    # Shots do not end where a step does.
    ends = np.cumsum(steps) * STRIDE - rng.integers(1, STRIDE, shots)
    frames = int(ends[-1])
    first = np.concatenate([[0], ends[:-1]])
    shot = np.searchsorted(ends, np.arange(frames), side="right")
    picks = np.arange(0, frames, STRIDE)
    count = max(1, shots * 15 // 100)
    event = np.zeros(shots, bool)
    event[rng.choice(shots, count, replace=False)] = True
    scenes = np.where(event[:, None], 2 * rng.normal(size=(shots, size)), np.eye(size)[0])
    features = scenes[shot[picks]] + 0.1 * rng.normal(size=(len(picks), size))
    liked = event if planted else rng.permutation(event)
    taste = 2.0 * liked + rng.normal(size=(raters, shots)) * 0.7  # of each rater in each shot
    scores = np.clip(np.rint(2 + taste), 1, 5)
    best = (-taste).argsort(axis=1).argsort(axis=1) < count
    return {
        "features": features.astype(np.float32),
        "gtscore": scores[:, shot[picks]].mean(axis=0).astype(np.float32),
        "picks": picks,
        "n_frames": np.int64(frames),
        "n_steps": np.int64(len(picks)),
        "change_points": np.column_stack([first, ends - 1]),
        "n_frame_per_seg": ends - first,
        "user_summary": best[:, shot].astype(np.float32),
        "user_scores": scores[:, shot[picks]].astype(np.float32),
    }
