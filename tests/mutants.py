"""Mutation testing: small faults in a copy of the project, which the tests near them must notice.

    make mutants
    python -m tests.mutants [ROOM ...] --count 300 --seed 0 --jobs 2 --log tests/mutants.md

Cosmic Ray makes the mutants; those drawn by the seed are tried one at a time. Left alone are
annotations, the words of an error, what only people read (`__repr__`), and the numbers of
hyper-parameters, search spaces and sizes of blocks, which are choices: no test can tell a wrong
one. Nor can one tell the identity of a word from its equality, or a `zip` that would refuse what
never happens.
"""

import ast
import difflib
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import tyro
from cosmic_ray.commands.init import _all_work_items
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_item import MutationSpec
from rich.progress import track

ROOT = Path(__file__).resolve().parents[1]
LIBRARY, AGENTS = "tests/frame_select_env", "tests/agents"
OWN = ("frame_select_env", "agents", "baselines", "data", "tests", "conftest")
IMPORTED = ("gymnasium", "h5py", "hypothesis", "matplotlib.pyplot", "scipy.stats", "torch")


@dataclass(frozen=True)
class Room:
    """Modules, as glob patterns, and what pytest runs to notice their faults, fastest first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


ROOMS = {
    "envs": Room(
        ("frame_select_env/envs/*.py",),
        (
            *(f"{LIBRARY}/test_{name}.py" for name in ("processes", "paper", "pick", "keywords")),
            *(f"{LIBRARY}/test_{name}.py" for name in ("once", "time_limit", "flat_observation")),
            f"{LIBRARY}/test_views_folds_streams.py",
            *(f"{LIBRARY}/test_{name}.py" for name in ("drawing_videos", "episodes")),
            *(f"{LIBRARY}/test_environments{name}.py" for name in ("_bad_input", "")),
            f"{LIBRARY}/test_vector_parity.py",
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
        tuple(
            f"frame_select_env/{name}.py" for name in ("consensus", "consensus_table", "ranking")
        ),
        (
            *(f"{LIBRARY}/test_{name}.py" for name in ("consensus", "ranking", "paper")),
            *(f"{LIBRARY}/test_{name}.py" for name in ("pick", "views_folds_streams")),
        ),
    ),
    "cache": Room(
        ("frame_select_env/cache/*.py",),
        (
            *(f"{LIBRARY}/test_{name}.py" for name in ("cache", "cache_bad_input")),
            f"{LIBRARY}/test_cache_damaged.py",
            f"{LIBRARY}/test_views_folds_streams.py",
        ),
    ),
    "losses": Room(
        (
            *(f"agents/{name}.py" for name in ("reinforce", "reinforce_sequential", "q_factored")),
            *(f"agents/{name}.py" for name in ("soft_attention", "ppo", "dqn")),
            "agents/stable_baselines/replay.py",
        ),
        (
            f"{AGENTS}/test_sequence_replay.py",
            *(f"{AGENTS}/test_{name}.py" for name in ("stable_baselines", "presets")),
            *(f"{AGENTS}/test_{name}.py" for name in ("reinforce", "reinforce_sequential")),
            *(f"{AGENTS}/test_{name}.py" for name in ("q_factored", "soft_attention")),
            "-knot it_learns",  # minutes for each mutant that is left
        ),
    ),
    "choosing": Room(
        tuple(f"agents/evaluation/{name}.py" for name in ("choosing", "evaluate", "scoring")),
        tuple(
            f"{AGENTS}/evaluation/test_{name}.py"
            for name in ("evaluate", "evaluate_bad_input", "evaluate_invariants", "holdout")
            + ("chosen_on_validation", "regret", "rank_quality", "evaluation_files")
        ),
    ),
    "intervals": Room(
        (
            *("agents/evaluation/intervals.py", "agents/comparison/statistics.py"),
            *("agents/comparison/samples.py", "agents/comparison/significance.py"),
        ),
        (
            f"{AGENTS}/evaluation/test_intervals.py",
            *(f"{AGENTS}/comparison/test_{name}.py" for name in ("samples", "significance")),
            f"{AGENTS}/comparison/test_statistics.py",
        ),
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
    """All mutants of a room that a test could tell, in a fixed order."""
    found = []
    for path in sorted(path for pattern in room.modules for path in ROOT.glob(pattern)):
        tree = ast.parse(path.read_text())
        skipped, choices = list(_spans(_unread(tree))), list(_spans(_choices(tree)))
        for item in _all_work_items([path.relative_to(ROOT)], {}):
            (one,) = item.mutations
            spans = skipped + choices * one.operator_name.endswith("NumberReplacer")
            same = one.operator_name.endswith(("_Is", "_IsNot"))
            if not same and not any(first <= one.start_pos < last for first, last in spans):
                found.append(one)
    return found


def _unread(tree: ast.Module) -> Iterator[ast.AST]:
    """Annotations, the words of errors, `__repr__`, and the `strict` of a zip."""
    for node in ast.walk(tree):
        yield from filter(None, (getattr(node, name, None) for name in ("annotation", "returns")))
        if isinstance(node, ast.keyword) and node.arg == "strict":
            yield node.value
        if isinstance(node, ast.Raise) or getattr(node, "name", "") == "__repr__":
            yield node


def _choices(tree: ast.Module) -> Iterator[ast.AST]:
    """Hyper-parameters, search spaces and sizes of blocks."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            yield from (field for field in node.body if isinstance(field, ast.AnnAssign))
        elif isinstance(node, ast.Assign):
            name = ast.unparse(node.targets[0])
            if name.endswith(("DESIGN", "_BLOCK")) or name in ("TUNED", "PAPER", "SEARCH"):
                yield node


def _spans(nodes: Iterator[ast.AST]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the nodes begin and end."""
    for node in nodes:
        if isinstance(node, ast.expr | ast.stmt):
            yield (
                (node.lineno, node.col_offset),
                (node.end_lineno or 0, node.end_col_offset or 0),
            )


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
    sys.path[:] = [str(own), *(one for one in sys.path if one not in ("", str(ROOT)))]
    sys.dont_write_bytecode = True
    for name in IMPORTED:  # once: importing them takes longer than most tests
        importlib.import_module(name)


def _run(tests: list[str], seconds: float = float("inf")) -> tuple[bool, str]:
    """Whether the tests pass, in a fork of this process, within the seconds; and what they say."""
    with tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if not child:
            code = 1
            try:
                os.setsid()
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                for name in [name for name in sys.modules if name.split(".")[0] in OWN]:
                    del sys.modules[name]
                code = pytest.main(["-x", "-q", "-pno:cacheprovider", *tests])
            finally:
                os._exit(code)  # whatever happens, a fork does not go on as the worker
        end = time.monotonic() + seconds
        while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
            time.sleep(0.02)
        if not done[0]:
            os.killpg(child, signal.SIGKILL)
            done = os.waitpid(child, 0)
        said.seek(0)
        return done[1] == 0, said.read()


def _clean(room: Room) -> float:
    """Run the room's tests without a fault; returns the seconds they take."""
    began = time.perf_counter()
    passed, said = _run(list(room.tests))
    if not passed:
        raise SystemExit(f"the tests fail without any fault:\n{said[-2000:]}")
    return time.perf_counter() - began


def _try(room: Room, one: MutationSpec, seconds: float) -> str | None:
    """The mutant as a diff if the tests pass with it."""
    path, operator = one.module_path, get_operator(one.operator_name)(**one.operator_args)
    # The tests that bear the module's name come first: they notice most faults.
    tests = sorted(room.tests, key=lambda test: path.stem not in test)
    with use_mutation(path, operator, one.occurrence) as (before, after):
        # A fault that makes tests wait for ever is noticed too.
        passed, _ = _run(tests, 10 + 3 * seconds)
    lines = [text.splitlines(keepends=True) for text in (before, after)]
    return "".join(difflib.unified_diff(*lines, str(path), str(path), n=3)) if passed else None


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
            left = []
            for one in track(done, description=name, total=len(tried)):
                if diff := one.result():
                    left.append(diff)
                    print(diff, flush=True)
        share = 100 * (1 - len(left) / len(drawn))
        line = f"{name}: {share:.1f} % of {len(drawn)} mutants noticed, of {len(every)} there are"
        print(line, flush=True)
        texts += [f"## {line}", "", *(f"```diff\n{diff.strip()}\n```" for diff in sorted(left)), ""]
        command = f"python -m tests.mutants --count {options.count} --seed {options.seed}"
        options.log.write_text("\n".join(["# Mutants", "", f"`{command}`", "", *texts]))


if __name__ == "__main__":
    main()
