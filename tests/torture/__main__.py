"""python -m tests.torture [PART[=TRIALS] ...]: damaged files, kills and full disks.

Every trial is drawn from the seed and its number alone: `--only NUMBER --keep` repeats one and
leaves its files. The exit status is 1 if any trial is a violation.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("COLUMNS", "400")  # notes are not wrapped
os.environ.setdefault("MPLBACKEND", "agg")

from tests.torture.caches import Caches
from tests.torture.inputs import Inputs
from tests.torture.interruptions import Disks, Kills, Pairs, ReadOnly
from tests.torture.processes import Finding, Part, run_trials, write_log
from tests.torture.videos import Videos

PARTS: dict[str, type[Part]] = {
    one.name: one for one in (Caches, Inputs, Videos, Kills, Disks, ReadOnly, Pairs)
}


def main(arguments: list[str] | None = None) -> int:
    """Run the parts that were asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART[=TRIALS]", help=", ".join(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the trials to run")
    parser.add_argument("--log", type=Path, default=Path("torture.log"), help="JSON lines")
    parser.add_argument("--jobs", type=int, help="trials at a time")
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER", help="repeat these")
    parser.add_argument("--keep", action="store_true", help="keep the folders of trials")
    asked = parser.parse_args(arguments)
    counts = {name: count for name, _, count in (part.partition("=") for part in asked.parts)}
    for name, count in counts.items():
        if name not in PARTS or not (count.isdigit() or not count):
            parser.error(f"unknown part {name!r}={count!r}; known: {', '.join(PARTS)}")
    # In memory where that is possible: thousands of small files are written.
    home = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    scratch = Path(tempfile.mkdtemp(prefix="torture-", dir=home))
    violations = 0
    try:
        with asked.log.open("w", encoding="utf-8") as log:
            for name in counts or PARTS:
                part = PARTS[name]()
                count = int(counts.get(name) or max(1, round(part.count * asked.scale)))
                violations += _run_part(part, asked, count, scratch, log)
    finally:
        if asked.keep:
            print(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"{violations} violations; every trial: {asked.log}")
    return 1 if violations else 0


def _run_part(
    part: Part, asked: argparse.Namespace, count: int, scratch: Path, log: IO[str]
) -> int:
    began = time.monotonic()
    folder = scratch / f"{part.name}-inputs"
    folder.mkdir()
    part.prepare(folder, asked.seed)
    if asked.jobs:
        part.jobs = asked.jobs
    numbers = asked.only or range(count)
    findings: list[tuple[int, Finding]] = []
    shown = 0.0
    for number, finding in run_trials(part, numbers, scratch, asked.keep):
        findings.append((number, finding))
        write_log(log, number, part.name, finding)
        if time.monotonic() - shown > 2:
            shown = time.monotonic()
            bad = sum(one.violation for _, one in findings)
            print(
                f"\r{part.name}: {len(findings)} of {len(numbers)}, {bad} violations",
                end="",
                file=sys.stderr,
                flush=True,
            )
    print(file=sys.stderr)
    print_table(part.name, findings, time.monotonic() - began)
    return sum(finding.violation for _, finding in findings)


def print_table(name: str, findings: list[tuple[int, Finding]], seconds: float) -> None:
    """How often each outcome occurred, and each class of violations with its first trials."""
    print(f"\n{name}: {len(findings)} trials in {seconds:.0f} s")
    good = Counter(one.outcome for _, one in findings if not one.violation)
    for outcome, count in good.most_common():
        print(f"  {count:6d}  {outcome}")
    classes: dict[tuple[str, str], list[tuple[int, Finding]]] = {}
    for number, one in findings:
        if one.violation:
            classes.setdefault((one.outcome, one.where), []).append((number, one))
    for (outcome, where), members in sorted(classes.items(), key=lambda item: -len(item[1])):
        first = ", ".join(str(number) for number, _ in sorted(members, key=lambda m: m[0])[:4])
        print(f"  {len(members):6d}  VIOLATION {outcome}: {where} (trials {first})")


if __name__ == "__main__":
    sys.exit(main())
