"""Judges with random weights, for caches of any kind."""

from pathlib import Path

import numpy as np

from frame_select_env import open_cache
from frame_select_env.judge import JudgeFile, write_judge


def random_judge(path, networks: int = 2, hidden: int = 3, seed: int = 0, **facts) -> JudgeFile:
    """A judge of the cache at `path`; every second video is judged by network 0."""
    cache, rng = open_cache(path), np.random.default_rng(seed)
    stream, view = cache.stream(facts.get("stream")), facts.get("view")
    size, outputs = cache.feature_size(stream, view), len(cache.classes)
    classification = cache.task == "classification"
    known = {
        "task": cache.task,
        "classes": list(cache.classes),
        "stream": stream,
        "view": view,
        "feature_size": size,
        "bounds": [0.0, 1.0] if classification else [-1.0, 1.0],
        "cache": cache.path.name,
        "digest": cache.digest,
        "fold": "default",
        **facts,
    }

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return JudgeFile(
        known,
        mean=normal(size) * 0.1,
        scale=np.ones(size, np.float32),
        embed_weight=normal(networks, hidden, size),
        embed_bias=normal(networks, hidden),
        change_weight=normal(networks, hidden, hidden),
        change_threshold=np.abs(normal(networks, hidden)) * 0.1,
        output_weight=normal(networks, outputs, 2 * hidden),
        output_bias=normal(networks, outputs),
        part=np.arange(len(cache)) % 2 * (networks - 1),
    )


def write_random_judge(folder: Path, cache, **options) -> str:
    """The path of such a judge in `folder`."""
    path = folder / "judge.safetensors"
    write_judge(path, random_judge(cache, **options))
    return str(path)
