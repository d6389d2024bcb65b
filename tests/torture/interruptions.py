"""Commands killed at any moment, on full disks, in read-only folders, and two in one folder.

The same command ends them well, and what it makes equals what it makes undisturbed.
"""

import csv
import ctypes
import json
import os
import resource
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from frame_select_env import FeatureCache, FrameSelectError
from frame_select_env.storage import PART
from tests.shared import shape_videos
from tests.torture import surface
from tests.torture.commands import Ended, Kill, begin, draw_kill, run, run_here
from tests.torture.processes import Finding, Tell

CLOCKS = {"seconds", "cpu_seconds"}
# Files whose bytes hold times or paths: they must be there, and nothing more is compared.
TIMED = (".html", ".md", ".png")
NEW_MOUNTS, PRIVATE, REMOUNT, READ_ONLY = 0x20000, 0x44000, 0x20, 1
IN_USE = ("is in use by another command", "was replaced while it was opened")


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


def _scenarios(folder: Path) -> list[Scenario]:
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


class _Interrupted:
    """What all interruptions have in common: scenarios, and what they make undisturbed."""

    name, count, seconds, cpu_seconds, jobs = "", 0, 600.0, 0.0, 2
    made: ClassVar[dict[Path, list[Scenario]]] = {}  # by folder: all parts share them

    def prepare(self, folder: Path, seed: int) -> None:
        self.seed, self.folder = seed, folder.parent / "interrupted"
        if self.folder not in self.made:
            self.folder.mkdir()
            self.made[self.folder] = _scenarios(self.folder)
        self.scenarios = self.made[self.folder]

    def draw(self, number: int) -> Scenario:
        """Every scenario in turn, by its weight: with few trials no two are alike."""
        turns = [one for one in self.scenarios for turn in range(one.weight)]
        order = sorted(range(len(turns)), key=lambda turn: (turn * 11) % len(turns))
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

    name, count = "kills", 100

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 4, number])
        scenario = self.draw(number)
        whole, kept = self.undisturbed(scenario, folder)
        out = folder / "out"
        out.mkdir()
        scenario.prepare(out)
        told = []
        for attempt in range(int(rng.choice([1, 1, 1, 2, 3]))):
            kill = draw_kill(rng, whole)
            told.append(_words(kill, whole))
            tell(f"{scenario.name}: killed at {'; then at '.join(told)}")
            again = scenario.again(out) if attempt else ()
            before = _work(out)
            ended = run([*scenario.command(out), *again], folder / "log", kill=kill, watch=out)
            lost = _damaged_cache(out / "out.h5") or _lost(before, out)
            if lost:
                return Finding("lost", True, f"{scenario.name}: {lost}")
            if ended.code >= 0:
                break  # it ended before the blow
        before = _work(out)
        finding = _ends_well(scenario, folder, whole, kept)
        lost = _lost(before, out)
        if lost and not finding.violation:
            return Finding("lost", True, f"{scenario.name}: {lost}")
        return finding


class Disks(_Interrupted):
    """A disk, or a largest size of files, that does not hold what a command writes."""

    name, count = "disks", 42

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 5, number])
        scenario = self.draw(number)
        whole, kept = self.undisturbed(scenario, folder)
        out = folder / "out"
        out.mkdir()
        files = [file.stat().st_size for file in sorted(kept.rglob("*")) if file.is_file()]
        by_size = bool(rng.random() < 0.4) or not _may_mount()
        if by_size:
            limit = int(rng.uniform(1, files[int(rng.integers(len(files)))]))
        else:
            limit = int(rng.uniform(1, sum(files) + 4096 * len(files))) // 4096 * 4096
            limit = max(16384, limit)
        tell(f"{scenario.name}: {'files' if by_size else 'a disk'} of at most {limit} bytes")
        if not by_size:
            _mount(out, limit)
        try:
            scenario.prepare(out)
        except (OSError, shutil.Error):
            return Finding("too small to begin")
        before = (lambda: _limit_files(limit)) if by_size else None
        limits: dict[str, Any] = {"before": before, "seconds": hang_seconds(whole)}
        ended = run(scenario.command(out), folder / "log", **limits)
        if ended.wrong:
            return Finding(ended.wrong, True, f"{scenario.name}: {ended.where}", ended.detail)
        if not by_size:
            _mount(out, 2**28, REMOUNT)
        lost = _damaged_cache(out / "out.h5")
        if lost:
            return Finding("lost", True, f"{scenario.name}: {lost}")
        finding = _ends_well(scenario, folder, whole, kept, begun=ended.code != 0)
        if finding.violation:
            return finding
        return Finding(
            "full, then resumed" if ended.code else "large enough", detail=ended.last_line
        )


class ReadOnly(_Interrupted):
    """A folder that turned read-only, before a command or after one that was killed."""

    name, count = "readonly", 20

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 6, number])
        scenario = self.draw(number)
        whole, kept = self.undisturbed(scenario, folder)
        out = folder / "out"
        out.mkdir()
        if _may_mount():
            _mount(out, 2**28)
        scenario.prepare(out)
        kill = draw_kill(rng, whole) if rng.random() < 0.5 else None
        tell(f"{scenario.name}: read-only{f', after {_words(kill, whole)}' if kill else ''}")
        command = scenario.command(out)
        if kill:
            ended = run(command, folder / "log", kill=kill, watch=out)
            command += scenario.again(out)
        _set_read_only(out, True)
        ended = run(command, folder / "log", seconds=hang_seconds(whole))
        _set_read_only(out, False)
        if ended.wrong or not ended.code:
            kind = ended.wrong or "written in a read-only folder"
            return Finding(kind, True, f"{scenario.name}: {ended.where}", ended.detail)
        finding = _ends_well(scenario, folder, whole, kept)
        return finding if finding.violation else Finding("refused", detail=ended.last_line)


class Pairs(_Interrupted):
    """Two commands on one folder: one of them ends well, and the other does or says why not."""

    name, count = "pairs", 20

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        rng = np.random.default_rng([self.seed, 7, number])
        scenario = self.draw(number)
        whole, kept = self.undisturbed(scenario, folder)
        out = folder / "out"
        out.mkdir()
        scenario.prepare(out)
        delay = float(rng.uniform(0, whole.seconds))
        tell(f"{scenario.name}: a second one after {delay:.2f} s")
        first = begin(scenario.command(out), folder / "log")
        time.sleep(delay)
        patience = hang_seconds(whole) + whole.seconds
        second = begin(scenario.command(out), folder / "log")
        both = [first.wait(patience), second.wait(patience)]
        for ended in both:
            if ended.wrong:
                return Finding(ended.wrong, True, f"{scenario.name}: {ended.where}", ended.detail)
        refused = [ended.last_line for ended in both if ended.code]
        if len(refused) == 2:
            return Finding("both refused", True, scenario.name, str(refused))
        said = refused[0] if refused else ""
        if said and not any(one and one in said for one in (*IN_USE, scenario.done)):
            return Finding("another refusal", True, scenario.name, said)
        finding = _ends_well(scenario, folder, whole, kept, begun=False)
        return finding if finding.violation else Finding("refused" if said else "both", detail=said)


def hang_seconds(whole: Ended) -> float:
    """When a command hangs.

    A resumed one may begin a new process, which takes 3 seconds to import torch and torchvision,
    and 9 on a busy machine.
    """
    return 20.0 + 4 * whole.seconds


def _words(kill: Kill, whole: Ended) -> str:
    when = f"event {kill.event} of {whole.events}" if kill.event else f"{kill.seconds:.2f} s"
    return f"{when}{', with its children' if kill.tree else ''}"


def _work(out: Path) -> dict[Path, int]:
    """What no later command may do again: finished shards and runs by file, epochs by number."""
    found = {
        file: file.stat().st_ino
        for pattern in ("*.shards/*.safetensors", "**/model.safetensors")
        for file in out.glob(pattern)
        if file.parent.suffix != PART
    }
    for file in out.glob("**/metrics.csv"):
        if file.parent.suffix == PART:
            continue
        found[file] = len(file.read_text().splitlines())
    return found


def _lost(before: dict[Path, int], out: Path) -> str:
    """The first piece of work done before that is gone or was done again."""
    now = _work(out)
    complete = (out / "out.h5").exists() and not (out / "out.h5.shards").exists()
    for file, value in before.items():
        shard = file.parent.suffix == ".shards"
        kept = now.get(file, -1) >= value if file.suffix == ".csv" else now.get(file) == value
        if not kept and not (shard and complete):
            return f"{file.relative_to(out)}: was {value} and is {now.get(file)}"
    return ""


def _ends_well(
    scenario: Scenario, folder: Path, whole: Ended, kept: Path, begun: bool = True
) -> Finding:
    """Give the command again, if it did not end; then compare what is there."""
    out = folder / "out"
    ended = Ended(0, "")
    if begun:
        command = [*scenario.command(out), *scenario.again(out)]
        ended = run(command, folder / "log", seconds=hang_seconds(whole))
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


def _mount(folder: Path, size: int, flags: int = 0) -> None:
    """Mount a small disk that no other process sees, or change it."""
    if not flags & REMOUNT:
        if _libc.unshare(NEW_MOUNTS):
            raise OSError(ctypes.get_errno(), "unshare")
        _libc.mount(b"none", b"/", None, PRIVATE, None)
    options = f"size={size}".encode()
    if _libc.mount(b"torture", str(folder).encode(), b"tmpfs", flags, options):
        raise OSError(ctypes.get_errno(), "mount")


def _set_read_only(folder: Path, on: bool) -> None:
    """Make a folder and all below it read-only, or no longer."""
    if _may_mount():
        _mount(folder, 2**28, REMOUNT | (READ_ONLY if on else 0))
        return
    for one in [folder, *folder.rglob("*")]:
        if one.is_dir():
            one.chmod(0o555 if on else 0o755)
