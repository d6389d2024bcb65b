"""Commands killed at any moment, on full disks, in read-only folders, and two in one folder.

The same command ends them well, and what it makes equals what it makes undisturbed.
"""

import json
import shutil
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tests.torture.commands import Ended, Kill, begin, draw_kill, run
from tests.torture.processes import Finding, Tell
from tests.torture.remains import compare_folders, damaged_cache, lost_work, plain_name, work_done
from tests.torture.scenarios import Scenario, make_scenarios
from tests.torture.small_disks import REMOUNT, limit_files, may_mount, mount, set_read_only

IN_USE = ("is in use by another command", "was replaced while it was opened")


class _Interrupted:
    """What all interruptions have in common: scenarios, and what they make undisturbed."""

    name, count, seconds, cpu_seconds, jobs = "", 0, 600.0, 0.0, 2
    made: ClassVar[dict[Path, list[Scenario]]] = {}  # by folder: all parts share them

    def prepare(self, folder: Path, seed: int) -> None:
        self.seed, self.folder = seed, folder.parent / "interrupted"
        if self.folder not in self.made:
            self.folder.mkdir()
            self.made[self.folder] = make_scenarios(self.folder)
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
            before = work_done(out)
            ended = run([*scenario.command(out), *again], folder / "log", kill=kill, watch=out)
            lost = damaged_cache(out / "out.h5") or lost_work(before, out)
            if lost:
                return Finding("lost", True, f"{scenario.name}: {lost}")
            if ended.code >= 0:
                break  # it ended before the blow
        before = work_done(out)
        finding = _ends_well(scenario, folder, whole, kept)
        lost = lost_work(before, out)
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
        by_size = bool(rng.random() < 0.4) or not may_mount()
        if by_size:
            limit = int(rng.uniform(1, files[int(rng.integers(len(files)))]))
        else:
            limit = int(rng.uniform(1, sum(files) + 4096 * len(files))) // 4096 * 4096
            limit = max(16384, limit)
        tell(f"{scenario.name}: {'files' if by_size else 'a disk'} of at most {limit} bytes")
        if not by_size:
            mount(out, limit)
        try:
            scenario.prepare(out)
        except (OSError, shutil.Error):
            return Finding("too small to begin")
        before = (lambda: limit_files(limit)) if by_size else None
        limits: dict[str, Any] = {"before": before, "seconds": hang_seconds(whole)}
        ended = run(scenario.command(out), folder / "log", **limits)
        if ended.wrong:
            return Finding(ended.wrong, True, f"{scenario.name}: {ended.where}", ended.detail)
        if not by_size:
            mount(out, 2**28, REMOUNT)
        lost = damaged_cache(out / "out.h5")
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
        if may_mount():
            mount(out, 2**28)
        scenario.prepare(out)
        kill = draw_kill(rng, whole) if rng.random() < 0.5 else None
        tell(f"{scenario.name}: read-only{f', after {_words(kill, whole)}' if kill else ''}")
        command = scenario.command(out)
        if kill:
            ended = run(command, folder / "log", kill=kill, watch=out)
            command += scenario.again(out)
        set_read_only(out, True)
        ended = run(command, folder / "log", seconds=hang_seconds(whole))
        set_read_only(out, False)
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
    extra, missing, changed = compare_folders(kept, out)
    if missing or changed:
        where = f"{scenario.name}: missing {missing} changed {changed}"
        return Finding("another result", True, where[:200], f"{missing} {changed}")
    if extra:
        return Finding(
            "left behind", True, f"{scenario.name}: {[plain_name(name) for name in extra]}"[:200]
        )
    return Finding("equal", detail=ended.last_line)
