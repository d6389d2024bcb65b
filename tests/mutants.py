"""Mutation testing: small faults in a copy of the project, which the tests near them must notice.

    make mutants
    python -m tests.mutants [ROOM ...] --count 300 --seed 0 --jobs 2 --log tests/mutants.md

Cosmic Ray makes the mutants; those drawn by the seed are tried one at a time. Annotations are left
alone, because nothing runs them.
"""

import ast
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import tyro
from cosmic_ray.commands.init import _all_work_items
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkResult
from rich.progress import track

ROOT = Path(__file__).resolve().parents[1]
LIBRARY, AGENTS = "tests/frame_select_env", "tests/agents"


@dataclass(frozen=True)
class Room:
    """Modules, as glob patterns, and the tests that must notice their faults, fastest first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


ROOMS = {
    "envs": Room(
        ("frame_select_env/envs/*.py",),
        (
            *(f"{LIBRARY}/test_{name}.py" for name in ("paper", "pick", "views_folds_streams")),
            *(f"{LIBRARY}/test_environments{name}.py" for name in ("_bad_input", "")),
        ),
    ),
    "rewards": Room(
        ("frame_select_env/rewards/*.py",),
        tuple(
            f"{LIBRARY}/test_{name}.py"
            for name in ("rewards", "reward_designs", "reward_modules", "paper")
        ),
    ),
    "consensus": Room(
        ("frame_select_env/consensus.py", "frame_select_env/ranking.py"),
        (
            *(f"{LIBRARY}/test_{name}.py" for name in ("consensus", "ranking", "paper")),
            f"{LIBRARY}/test_views_folds_streams.py",
            f"{LIBRARY}/test_environments.py",
        ),
    ),
    "cache": Room(
        ("frame_select_env/cache/*.py",),
        (
            *(f"{LIBRARY}/test_{name}.py" for name in ("cache", "cache_bad_input")),
            f"{LIBRARY}/test_views_folds_streams.py",
        ),
    ),
    "losses": Room(
        (
            *(f"agents/{name}.py" for name in ("reinforce", "reinforce_sequential", "q_factored")),
            *(f"agents/{name}.py" for name in ("soft_attention", "ppo", "dqn")),
            "agents/stable_baselines/replay.py",
        ),
        tuple(
            f"{AGENTS}/test_{name}.py"
            for name in (
                *("reinforce", "q_factored", "soft_attention", "reinforce_sequential"),
                *("presets", "stable_baselines"),
            )
        ),
    ),
    "choosing": Room(
        ("agents/evaluation/choosing.py", "agents/evaluation/scoring.py"),
        (f"{AGENTS}/evaluation",),
    ),
    "intervals": Room(
        ("agents/evaluation/intervals.py", "agents/comparison/statistics.py"),
        (f"{AGENTS}/evaluation/test_intervals.py", f"{AGENTS}/comparison/test_statistics.py"),
    ),
}


@dataclass(frozen=True)
class Options:
    """Plant faults and see whether tests fail."""

    #: Rooms to try; all by default.
    rooms: tyro.conf.Positional[tuple[str, ...]] = ()
    #: Number of mutants per room, drawn by the seed; all, if there are fewer.
    count: int = 300
    #: Random seed of the draw.
    seed: int = 0
    #: Number of processes, each with a copy of the project.
    jobs: int = 2
    #: File to write: the score of each room, and every mutant that no test noticed.
    log: Path = field(default_factory=lambda: ROOT / "tests/mutants.md")


def mutants(room: Room) -> list[MutationSpec]:
    """All mutants of a room, outside annotations, in a fixed order."""
    found = []
    for path in sorted(path for pattern in room.modules for path in ROOT.glob(pattern)):
        skipped = list(_annotations(path))
        for item in _all_work_items([path.relative_to(ROOT)], {}):
            (one,) = item.mutations
            if not any(first <= one.start_pos < last for first, last in skipped):
                found.append(one)
    return found


def _annotations(path: Path) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the annotations of a module begin and end."""
    for node in ast.walk(ast.parse(path.read_text())):
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.expr):
                yield (
                    (found.lineno, found.col_offset),
                    (found.end_lineno or 0, found.end_col_offset or 0),
                )


def test_command(room: Room) -> str:
    """What runs the room's tests, and stops at the first failure."""
    options = "-x -q -p no:cacheprovider -p no:warnings"
    return f"{sys.executable} -m pytest {options} {' '.join(room.tests)}"


def _start(folder: str) -> None:
    """Give a worker a copy of the project of its own, and run everything there."""
    own = Path(tempfile.mkdtemp(dir=folder))
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in filter(None, files.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (own / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, own / name)
    os.chdir(own)
    os.environ.update(PYTHONPATH=str(own), OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")


def _clean(room: Room) -> float:
    """Run the room's tests without a fault; returns the seconds they take."""
    began = time.perf_counter()
    done = subprocess.run(test_command(room).split(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the tests fail without any fault:\n{done.stdout[-2000:]}")
    return time.perf_counter() - began


def _try(room: Room, one: MutationSpec, seconds: float) -> tuple[MutationSpec, WorkResult]:
    # A fault that makes tests wait for ever is noticed too.
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        return one, mutate_and_test([one], test_command(room), 30 + 4 * seconds)


def main() -> None:
    """Try the mutants and write the log."""
    options = tyro.cli(Options, description=__doc__, prog="python -m tests.mutants")
    texts = []
    for name in options.rooms or ROOMS:
        room = ROOMS[name]
        every = mutants(room)
        rng = random.Random(f"{options.seed} {name}")
        drawn = rng.sample(every, min(options.count, len(every)))
        with (
            tempfile.TemporaryDirectory() as folder,
            ProcessPoolExecutor(options.jobs, initializer=_start, initargs=(folder,)) as pool,
        ):
            seconds = pool.submit(_clean, room).result()
            tried = [pool.submit(_try, room, one, seconds) for one in drawn]
            done = as_completed(tried)
            results = [one.result() for one in track(done, description=name, total=len(tried))]
        left = [(one, result) for one, result in results if not _noticed(result)]
        share = 100 * (1 - len(left) / len(drawn))
        line = f"{name}: {share:.1f} % of {len(drawn)} mutants noticed, of {len(every)} there are"
        print(line, flush=True)
        diffs = sorted(f"{result.diff or result.output}".strip() for _, result in left)
        texts += [f"## {line}", "", *(f"```diff\n{diff}\n```" for diff in diffs), ""]
        command = f"python -m tests.mutants --count {options.count} --seed {options.seed}"
        options.log.write_text("\n".join(["# Mutants", "", f"`{command}`", "", *texts]))


def _noticed(result: WorkResult) -> bool:
    return bool(result.test_outcome == TestOutcome.KILLED)


if __name__ == "__main__":
    main()
