"""Runs on made videos whose caches are gone, and runs that were not trained."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from apart import videos_in_this_process
from shape_videos import FPS, write_shape_videos

from agents.__main__ import main as agents
from agents.evaluation.run_scores import run_scores
from agents.registry import parse_agent
from agents.training.inputs import write_inputs
from agents.training.run_folder import RunWriter
from agents.training.task import Task
from agents.training.trainer import Run, run_config
from data.__main__ import main as data
from frame_select_env import FeatureCache, open_cache, top_frames

T, M = 6, 3


@dataclass(frozen=True)
class Trained:
    """A run, and what `evaluate` makes of its test videos."""

    run: Path
    videos: Path
    scores: dict[str, np.ndarray]  # id -> [T]
    numbers: dict[str, list[int]]  # id -> the M best frames, numbered in the video
    predictions: dict[str, np.ndarray]  # id -> [M, C], of these


@pytest.fixture(scope="package", autouse=True)
def in_this_process() -> Iterator[None]:
    """See `videos_in_this_process`; a test of what needs a process restores `run_apart`."""
    with videos_in_this_process():
        yield


def train(
    folder: Path, videos: Path, *options: str, stream: str | None = None, head: str | None = None
) -> Trained:
    """Extract, train and score; then delete the cache."""
    path, run = folder / "videos.h5", folder / "run"
    data(["extract", str(videos), str(path), "--thumbnail", "0", "--num-frames", "8", *options])
    if head:
        linear = path.rename(folder / "linear.h5")
        data(["head", str(linear), str(path), "--head", head])
    asked = ["--num-frames", str(T), "--target-frames", str(M), "--epochs", "2"]
    asked += ["--hidden-size", "8", *(["--stream", stream] if stream else [])]
    agents(["train", "--data", str(path), "--out", str(run), *asked])
    cache = open_cache(path)
    rows = cache.rows("test")
    clips = cache.read(rows, T, stream=stream)
    scores = run_scores(run, cache).trained.scores(clips)
    kept = top_frames(scores, clips.valid, M)
    number = np.round(clips.time * FPS).astype(int)
    ids = cache.ids[rows].tolist()
    path.unlink()
    return Trained(
        run,
        videos,
        dict(zip(ids, scores, strict=True)),
        {name: number[row][kept[row]].tolist() for row, name in enumerate(ids)},
        {name: clips.predictions[row][kept[row]] for row, name in enumerate(ids)},
    )


@pytest.fixture(name="train", scope="session")
def train_fixture() -> Callable[..., Trained]:
    """The function `train`, which tests cannot import."""
    return train


@pytest.fixture(scope="session")
def shapes(tmp_path_factory) -> Path:
    """Nine videos of 12 frames with sound, of three classes."""
    return write_shape_videos(tmp_path_factory.mktemp("shapes") / "videos", 9, 2)


@pytest.fixture(scope="session")
def trained(shapes, tmp_path_factory) -> Trained:
    """A run on a network whose random weights a seed makes."""
    backbone = ("--backbone", "resnet18@size=32", "--weights", "none", "--seed", "3")
    return train(tmp_path_factory.mktemp("trained"), shapes, *backbone)


@pytest.fixture(scope="session")
def two_streams(shapes, tmp_path_factory) -> Trained:
    """A run on pictures, by a function of the user's own, and sound, side by side."""
    backbones = ("--backbone", "rgb=own_backbones:grey@size=16", "sound=log-mel@bands=8")
    return train(tmp_path_factory.mktemp("two"), shapes, *backbones, stream="rgb+sound")


@pytest.fixture(scope="session")
def hidden_layer(shapes, tmp_path_factory) -> Trained:
    """A run on frame-wise predictions by a head with a hidden layer; white pictures crash it."""
    backbone = ("--backbone", "own_backbones:crash_on_white@size=16")
    return train(tmp_path_factory.mktemp("hidden"), shapes, *backbone, head="mlp")


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Task]:
    """Writes the folder of a run that was not trained: `write_run(folder, cache, agent, ...)`."""

    def write(
        folder: Path,
        cache: FeatureCache,
        agent: str,
        change: Callable[[Any], object] = lambda network: None,
        **settings: Any,
    ) -> Task:
        choice = parse_agent(agent)
        run = Run(str(cache.path), choice, settings)
        task = run.task(cache)
        network = choice.design.initial_network(cache, task, choice.config)
        change(network)
        folder.mkdir()
        writer = RunWriter(folder, run_config(run, cache, task))
        write_inputs(folder, cache, task)
        writer.finish(network)
        return task

    return write
