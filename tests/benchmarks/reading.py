"""Reading random videos from a cache, as a ratio to the same gather from a copy in RAM."""

import tempfile
import time
from pathlib import Path

import numpy as np

from frame_select_env import open_cache
from tests.benchmarks.caches import FRAMES, write_timed

TURNS = 15


def measure() -> list[dict[str, object]]:
    """A row per number of features: videos per second from the file and from RAM."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in (512, 2048):
            path = write_timed(Path(folder), f"read{size}", (30, 60), size)
            cache = open_cache(path)
            everything = np.array(cache.features())
            rng = np.random.default_rng(0)
            batches = [rng.integers(0, len(cache), 64) for _ in range(16)]
            cache.read_features(np.arange(len(cache)), FRAMES)  # the first read checks values
            best = {"cache": 0.0, "RAM": 0.0}
            for _ in range(TURNS):
                start = time.perf_counter()
                for batch in batches:
                    cache.read_features(batch, FRAMES)
                middle = time.perf_counter()
                for batch in batches:
                    frames, _ = cache.sample(batch, FRAMES)
                    everything.take(frames, axis=0)
                end = time.perf_counter()
                videos = 16 * 64
                best["cache"] = max(best["cache"], videos / (middle - start))
                best["RAM"] = max(best["RAM"], videos / (end - middle))
            rows.append({"features": size, **best, "cache / RAM": best["cache"] / best["RAM"]})
    return rows
