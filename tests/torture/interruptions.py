"""Commands killed at any moment, and commands on full disks: the same command ends them well."""

import csv
import ctypes
import json
import os
import resource
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from frame_select_env import FeatureCache, FrameSelectError
from tests.shared import shape_videos
from tests.torture import surface
from tests.torture.commands import Ended, draw_kill, run, run_here
from tests.torture.processes import Finding, Tell

CLOCKS = {"seconds", "cpu_seconds"}
# Files whose bytes hold times or paths: they must be there, and nothing more is compared.
TIMED = (".html", ".md", ".png")
NEW_MOUNTS, PRIVATE, REMOUNT = 0x20000, 0x44000, 0x20


@dataclass(frozen=True)
class Scenario:
    """A command that writes below a folder, and how it is given again.

    Attributes:
        name: In findings.
        command: From the folder to write in.
        again: What is added when it is given again.
        done: What a command says that has nothing left to do.
        weight: How often it is drawn.
        prepare: What has to be in the folder beforehand.
    """

    name: str
    command: Callable[[Path], list[str]]
    again: tuple[str, ...] = ()
    done: str = ""
    weight: int = 1
    prepare: Callable[[Path], object] = lambda folder: None


class _Interrupted:
    """What kills and full disks have in common: scenarios, and what they make undisturbed."""

    def prepare(self, folder: Path, seed: int) -> None:
        self.seed = seed
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
        self.scenarios = [
            Scenario("import", lambda out: surface.import_features(npz, out / "out.h5"), weight=2),
            Scenario(
                "import over a cache",
                lambda out: surface.import_features(npz, out / "out.h5"),
                prepare=lambda out: shutil.copyfile(older, out / "out.h5"),
            ),
            Scenario(
                "extract",
                lambda out: surface.extract(videos, out / "out.h5"),
                again=("--resume",),
                done="is complete and has no shards to resume",
                weight=3,
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
            Scenario("evaluate", lambda out: surface.evaluate(trained, cache, out / "out")),
            Scenario("compare", lambda out: surface.compare(cache, out / "all", 1), weight=2),
            Scenario(
                "compare with 2 jobs", lambda out: surface.compare(cache, out / "all", 2), weight=2
            ),
        ]
        self.folder = folder

    def draw(self, rng: np.random.Generator, number: int) -> Scenario:
        """Every scenario in turn, by its weight: with few trials no two are alike."""
        turns = [one for one in self.scenarios for turn in range(one.weight)]
        order = sorted(range(len(turns)), key=lambda turn: (turn * 7) % len(turns))
        return turns[order[number % len(turns)]]

    def undisturbed(self, scenario: Scenario, folder: Path) -> tuple[Ended, Path]:
        """What the command does, and makes, if nothing happens; made once for all trials."""
        kept = self.folder / f"whole {scenario.name}"
        record = kept / "ended.json"
        if not record.exists():
            out = folder / "out"
            out.mkdir()
            scenario.prepare(out)
            ended = run(scenario.command(out), folder / "log", watch=out)
            assert ended.code == 0, ended.errors
            (folder / "whole").mkdir()
            out.rename(folder / "whole" / "out")
            (folder / "whole" / record.name).write_text(json.dumps(asdict(ended)))
            with suppress(OSError):  # another trial was faster
                (folder / "whole").rename(kept)
            shutil.rmtree(folder / "whole", ignore_errors=True)
        return Ended(**json.loads(record.read_text())), kept / "out"


class Kills(_Interrupted):
    """SIGKILL, once or several times, and the same command to the end."""

    name, count, seconds, cpu_seconds, jobs = "kills", 100, 600.0, 0.0, 2

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 4, number])
        scenario = self.draw(rng, number)
        whole, kept = self.undisturbed(scenario, folder)
        out = folder / "out"
        out.mkdir()
        scenario.prepare(out)
        told = []
        command = scenario.command(out)
        for attempt in range(int(rng.choice([1, 1, 1, 2, 3]))):
            kill = draw_kill(rng, whole)
            when = (
                f"event {kill.event} of {whole.events}" if kill.event else f"{kill.seconds:.2f} s"
            )
            told.append(f"{when}{', with its children' if kill.tree else ''}")
            tell(f"{scenario.name}: killed at {'; then at '.join(told)}")
            again = list(scenario.again) if attempt else []
            ended = run([*command, *again], folder / "log", kill=kill, watch=out)
            lost = _damaged_cache(out / "out.h5")
            if lost:
                return Finding("lost", True, f"{scenario.name}: {lost}")
            if ended.code >= 0:
                break  # it ended before the blow
        return _ends_well(scenario, folder, kept)


class Disks(_Interrupted):
    """A disk, or a largest size of files, that does not hold what a command writes."""

    name, count, seconds, cpu_seconds, jobs = "disks", 40, 600.0, 0.0, 2

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 5, number])
        scenario = self.draw(rng, number)
        _, kept = self.undisturbed(scenario, folder)
        out = folder / "out"
        out.mkdir()
        files = [file.stat().st_size for file in kept.rglob("*") if file.is_file()]
        by_size = bool(rng.random() < 0.4) or not _may_mount()
        most = max(files) if by_size else sum(files) + 4096 * len(files)
        limit = int(rng.uniform(1, 1.05 * most))
        limit = limit if by_size else max(16384, limit // 4096 * 4096)
        tell(f"{scenario.name}: {'files' if by_size else 'a disk'} of at most {limit} bytes")
        if not by_size:
            _mount(out, limit)
        try:
            scenario.prepare(out)
        except OSError:
            return Finding("too small to begin")
        before = (lambda: _limit_files(limit)) if by_size else None
        command = scenario.command(out)
        ended = run(command, folder / "log", before=before)
        if ended.wrong:
            return Finding(ended.wrong, True, f"{scenario.name}: {ended.where}", ended.detail)
        if not by_size:
            _mount(out, 2**28, again=True)
        lost = _damaged_cache(out / "out.h5")
        if lost:
            return Finding("lost", True, f"{scenario.name}: {lost}")
        finding = _ends_well(scenario, folder, kept, begun=ended.code != 0)
        if finding.violation:
            return finding
        return Finding(
            "full, then resumed" if ended.code else "large enough", detail=ended.last_line
        )


def _ends_well(scenario: Scenario, folder: Path, kept: Path, begun: bool = True) -> Finding:
    """Give the command again, if it did not end; then compare what is there."""
    out = folder / "out"
    ended = (
        run([*scenario.command(out), *scenario.again], folder / "log") if begun else Ended(0, "")
    )
    finished = bool(scenario.done) and scenario.done in ended.errors
    if ended.wrong or (ended.code and not finished):
        kind = ended.wrong or "cannot be resumed"
        place = ended.where or ended.last_line.replace(str(folder), "…")[:160]
        return Finding(kind, True, f"{scenario.name}: {place}", ended.detail)
    extra, missing, changed = _compare(kept, out)
    if missing or changed:
        where = f"{scenario.name}: missing {missing} changed {changed}"
        return Finding("another result", True, where[:200], f"{missing} {changed}")
    if extra:
        return Finding(
            "left behind", True, f"{scenario.name}: {[_plain(name) for name in extra]}"[:200]
        )
    return Finding("equal", detail=ended.last_line)


def _compare(kept: Path, out: Path) -> tuple[list[str], list[str], list[str]]:
    """Names of files there are too many, that lack, and whose contents differ."""
    names = [
        {str(f.relative_to(root)) for f in root.rglob("*") if "tfevents" not in f.name}
        for root in (kept, out)
    ]
    changed = [
        name
        for name in sorted(names[0] & names[1])
        if (kept / name).is_file() and _content(kept / name) != _content(out / name)
    ]
    return sorted(names[1] - names[0]), sorted(names[0] - names[1]), changed


def _content(file: Path) -> Any:
    """What must be equal to the bit: clocks aside."""
    if file.suffix in TIMED:
        return file.stat().st_size > 0
    if file.suffix == ".csv":
        with file.open(newline="", encoding="utf-8") as text:
            return [
                {name: cell for name, cell in row.items() if name not in CLOCKS}
                for row in csv.DictReader(text)
            ]
    if file.suffix == ".json":
        read = json.loads(file.read_text())
        return {name: value for name, value in read.items() if name not in CLOCKS}
    if file.suffix == ".h5":
        found: dict[str, Any] = {}
        with h5py.File(file) as h5:
            found["/"] = sorted((name, str(value)) for name, value in h5.attrs.items())
            h5.visititems(
                lambda name, item: found.update(
                    {name: (item.shape, item[()].tobytes(), sorted(map(str, item.attrs.items())))}
                    if isinstance(item, h5py.Dataset)
                    else {}
                )
            )
        return found
    return file.read_bytes()


def _damaged_cache(path: Path) -> str:
    try:
        if path.exists():
            surface.cache_facts(FeatureCache(path))
    except FrameSelectError as error:
        return str(error).replace(str(path.parent), "…")[:120]
    return ""


def _plain(name: str) -> str:
    """A name without the numbers and random letters that temporary names hold."""
    return "".join("#" if letter.isdigit() else letter for letter in name)


def _limit_files(limit: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


_libc = ctypes.CDLL(None, use_errno=True)


def _may_mount() -> bool:
    return hasattr(_libc, "unshare") and os.geteuid() == 0


def _mount(folder: Path, size: int, again: bool = False) -> None:
    """Mount a small disk that no other process sees, or give it another size."""
    if not again:
        if _libc.unshare(NEW_MOUNTS):
            raise OSError(ctypes.get_errno(), "unshare")
        _libc.mount(b"none", b"/", None, PRIVATE, None)
    options = f"size={size}".encode()
    flags = REMOUNT if again else 0
    if _libc.mount(b"torture", str(folder).encode(), b"tmpfs", flags, options):
        raise OSError(ctypes.get_errno(), "mount")
