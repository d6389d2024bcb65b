"""Trials in processes of their own, so that a crash or a hang costs one trial and is counted."""

import faulthandler
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Protocol

ROOT = Path(__file__).resolve().parents[2]
CPU_SECONDS = 10.0  # of a part that computes in its own process: more is a hang
MEMORY = 2**29  # bytes that a trial may need beyond what its parent holds: inputs are < 1 MB
ADDRESS_SPACE = 2**32  # bytes beyond the parent's own address space: a larger request fails
UNTOUCHED = "the mutation itself"  # told before it: what dies then is no fault of the project
PROJECT = ("frame_select_env", "data", "agents", "baselines")
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """The result of one trial.

    Attributes:
        outcome: In a word or two; findings are counted by it.
        violation: Whether the project failed the trial.
        where: What distinguishes one class of failures from another: the exception and its place.
        detail: Whatever helps to understand this one.
        mutation: What was done to the input.
    """

    outcome: str
    violation: bool = False
    where: str = ""
    detail: str = ""
    mutation: str = ""


class Part(Protocol):
    """One kind of torture.

    Attributes:
        name: On the command line.
        count: Trials at scale 1.
        seconds: Wall time after which a trial hangs.
        cpu_seconds: Processor time after which it hangs; 0: no limit, as it begins processes.
        jobs: Trials at a time.
    """

    name: str
    count: int
    seconds: float
    cpu_seconds: float
    jobs: int

    def prepare(self, folder: Path, seed: int) -> None:
        """Make the undamaged inputs in `folder`, once."""

    def trial(self, number: int, folder: Path, tell: Tell) -> Finding:
        """Run trial `number` in an empty folder; `tell` the mutation before it can do harm."""


@dataclass
class _Child:
    number: int
    pid: int
    pipe: int
    folder: Path
    stack: Path
    began: float
    hung: bool = False


def run_trials(
    part: Part, numbers: Sequence[int], scratch: Path, keep: bool = False
) -> Iterator[tuple[int, Finding]]:
    """Run trials, each in a fork of this process; yields them as they end."""
    waiting = list(reversed(numbers))
    running: list[_Child] = []
    base = _status("VmRSS")
    try:
        while waiting or running:
            while waiting and len(running) < part.jobs:
                running.append(_start(part, waiting.pop(), scratch))
            time.sleep(0.001)
            for child in list(running):
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if not pid:
                    _stop_if_hung(part, child)
                    continue
                running.remove(child)
                if not part.cpu_seconds:  # it may have begun processes
                    kill_session(child.pid)
                yield child.number, _finding(child, status, usage.ru_maxrss * 1024 - base)
                if not keep:
                    shutil.rmtree(child.folder, ignore_errors=True)
                child.stack.unlink(missing_ok=True)
    finally:
        for child in running:
            kill_session(child.pid)


def _start(part: Part, number: int, scratch: Path) -> _Child:
    folder = scratch / f"{part.name}-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stack = scratch / f"{part.name}-{number}.stack"
    sys.stdout.flush()
    sys.stderr.flush()
    mine, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        os.set_blocking(mine, False)
        return _Child(number, pid, mine, folder, stack, time.monotonic())
    os.setsid()
    os.close(mine)
    _limit()
    # Kept open on purpose: the handler writes to it when the process dies.
    told = stack.open("w")
    faulthandler.enable(told)
    faulthandler.register(signal.SIGUSR1, told)
    redirect(os.open(folder.parent / f"{folder.name}.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))

    def tell(mutation: str) -> None:
        os.write(theirs, json.dumps({"mutation": mutation[:1000]}).encode() + b"\n")

    try:
        finding = part.trial(number, folder, tell)
    except BaseException as error:
        text = traceback.format_exc()
        finding = Finding("torture itself failed", True, place_of(error), text[-2000:])
    record = {name: v[-3000:] if isinstance(v, str) else v for name, v in asdict(finding).items()}
    os.write(theirs, json.dumps(record).encode() + b"\n")
    (folder.parent / f"{folder.name}.out").unlink(missing_ok=True)
    os._exit(0)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _status("VmSize") + ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def redirect(handle: int) -> None:
    """Send this process's standard output and error to an open file, which is closed."""
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def _stop_if_hung(part: Part, child: _Child) -> None:
    if child.hung:
        return
    over = time.monotonic() - child.began > part.seconds
    if part.cpu_seconds and not over:
        over = _cpu_seconds(child.pid) > part.cpu_seconds
    if over:
        child.hung = True
        os.kill(child.pid, signal.SIGUSR1)  # where it hangs
        time.sleep(0.2)
        kill_session(child.pid)


def _finding(child: _Child, status: int, memory: int) -> Finding:
    records: dict[str, str] = {}
    ended = False
    try:
        for line in os.read(child.pipe, 2**16).splitlines():
            record = json.loads(line)
            ended = ended or "outcome" in record
            records |= {
                name: value for name, value in record.items() if value or name != "mutation"
            }
    except BlockingIOError:
        pass
    os.close(child.pipe)
    mutation = records.get("mutation", "")
    stack = child.stack.read_text() if child.stack.exists() else ""
    if mutation == UNTOUCHED and (child.hung or not ended):
        return Finding("mutation failed")
    if child.hung:
        return Finding("hang", True, _place_in_stack(stack), stack[-1500:], mutation)
    if not ended:
        died = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "exit"
        where = f"{died} in {_place_in_stack(stack)}"
        return Finding("crash", True, where, stack[-1500:], mutation)
    finding = Finding(**{**records, "mutation": mutation})  # type: ignore[arg-type]
    if memory > MEMORY and not finding.violation:
        detail = f"{memory / 2**20:.0f} MB; {finding.outcome}: {finding.detail}"
        return Finding("memory", True, finding.where, detail, mutation)
    return finding


def place_of(error: BaseException) -> str:
    """The exception's type, and the project's innermost function it passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if _is_project(frame.filename)]
    last = mine[-1] if mine else frames[-1]
    return f"{type(error).__name__} in {_relative(last.filename)}:{last.name}"


def _place_in_stack(stack: str) -> str:
    """The project's innermost function in faulthandler's text."""
    for file, name in re.findall(r'File "([^"]+)", line \d+ in (\S+)', stack):
        if _is_project(file):
            return f"{_relative(file)}:{name}"
    return "?"


def _is_project(file: str) -> bool:
    return file.startswith(str(ROOT)) and _relative(file).split("/")[0] in PROJECT


def _relative(file: str) -> str:
    return str(Path(file).relative_to(ROOT)) if file.startswith(str(ROOT)) else Path(file).name


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processes_where(field: int, value: int) -> list[int]:
    """Processes by a field of /proc/PID/stat: 1 is the parent, 3 the session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[field]) == value and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def kill_session(leader: int) -> None:
    """End every process of the session that a trial began."""
    for pid in processes_where(3, leader):
        with_signal(pid, signal.SIGKILL)


def with_signal(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def write_log(log: IO[str], number: int, name: str, finding: Finding) -> None:
    """One trial as a line of JSON."""
    log.write(json.dumps({"part": name, "number": number, **asdict(finding)}) + "\n")
    log.flush()
