"""The commands that are interrupted, and how each is given again."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.shared import shape_videos
from tests.torture import surface
from tests.torture.commands import run_here


@dataclass(frozen=True)
class Scenario:
    """A command that writes below a folder, and how it is given again.

    Attributes:
        name: In findings.
        command: From the folder to write in.
        again: What is added when it is given again, from the folder.
        done: What a command says that has nothing left to do.
        weight: How often it is drawn.
        prepare: What has to be in the folder beforehand.
    """

    name: str
    command: Callable[[Path], list[str]]
    again: Callable[[Path], tuple[str, ...]] = lambda folder: ()
    done: str = ""
    weight: int = 1
    prepare: Callable[[Path], object] = lambda folder: None


def _resume_shards(out: Path) -> tuple[str, ...]:
    return ("--resume",) if (out / "out.h5.shards").is_dir() else ()


def make_scenarios(folder: Path) -> list[Scenario]:
    """All scenarios, with their inputs in a folder."""
    cache, older = surface.training_cache(folder), surface.small_caches(folder)[2]
    npz = surface.features_npz(folder, predictions=False)
    videos = folder / "videos"
    for number in range(6):
        kind = ("disc", "ring")[number % 2]
        (videos / kind).mkdir(parents=True, exist_ok=True)
        pictures = shape_videos.shape_pictures(kind, 1, 0, np.random.default_rng(number))
        shape_videos.write_video(videos / kind / f"{number}.mp4", pictures)
    trained = folder / "trained"
    warm = folder / "warm"
    warm.mkdir()
    # In this process, so that every fork finds all modules imported.
    for command in (
        surface.train(cache, trained, "reinforce"),
        surface.compare(cache, warm / "compared", 1),
        surface.extract(videos, warm / "out.h5"),
    ):
        done = run_here(command)
        assert done.code == 0, done.errors
    complete = "is complete; to extract it again, give --overwrite instead of --resume"
    return [
        Scenario(
            "import",
            lambda out: surface.import_features(npz, out / "out.h5", "--overwrite"),
            weight=2,
        ),
        Scenario(
            "import over a cache",
            lambda out: surface.import_features(npz, out / "out.h5", "--overwrite"),
            prepare=lambda out: shutil.copyfile(older, out / "out.h5"),
        ),
        Scenario(
            "extract",
            lambda out: surface.extract(videos, out / "out.h5", "--overwrite"),
            again=lambda out: ("--resume",),
            done=complete,
            weight=3,
        ),
        Scenario(
            "extract over a cache",
            lambda out: surface.extract(videos, out / "out.h5", "--overwrite"),
            again=_resume_shards,
            done=complete,
            prepare=lambda out: shutil.copyfile(older, out / "out.h5"),
        ),
        *(
            Scenario(
                f"train {agent}",
                lambda out, agent=agent: surface.train(cache, out / "run", agent),  # type: ignore[misc]
                done="holds a finished run",
                weight=2,
            )
            for agent in surface.AGENTS
        ),
        Scenario(
            "evaluate",
            lambda out: surface.evaluate(out / "run", cache, out / "out"),
            prepare=lambda out: shutil.copytree(trained, out / "run"),
            weight=2,
        ),
        Scenario("compare", lambda out: surface.compare(cache, out / "all", 1), weight=2),
        Scenario(
            "compare with 2 jobs", lambda out: surface.compare(cache, out / "all", 2), weight=3
        ),
    ]
