"""Commands run in a fork, to the end or killed on the way, and what they said."""

import contextlib
import importlib
import io
import itertools
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.torture.processes import PROJECT, ROOT, processes_where, redirect, with_signal

_runs = itertools.count()
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "tempfile.mkdtemp")
# What a command may print to standard error besides its one line: progress, notes, warnings.
NOISE = re.compile(r"━|^\s*(note|warning):|^\s*$|^[│╭╰┏┡└├┃┌┴┬]|^ *\d+ videos?$|not in the cache")


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code, or minus the signal.
        errors: Its standard error.
        seconds: On the clock.
        events: Changes to the file system it made from Python, where they were counted.
    """

    code: int
    errors: str
    seconds: float = 0.0
    events: int = 0

    @property
    def lines(self) -> list[str]:
        """The lines that are neither progress nor notes."""
        return [line for line in self.errors.splitlines() if not NOISE.search(line)]

    @property
    def last_line(self) -> str:
        return self.lines[-1] if self.lines else ""

    @property
    def wrong(self) -> str:
        """What a user should not see; empty if the command ended well or refused in one line."""
        if self.code < 0:
            return signal.Signals(-self.code).name
        if "Traceback (most recent call last)" in self.errors:
            return "traceback"
        if self.code not in (0, 2):
            return f"exit code {self.code}"
        if re.search(r"\w+Warning: ", self.errors):
            return "Python warning"
        if self.code == 2 and (len(self.lines) != 1 or not self.lines[0].startswith("python -m ")):
            return "not one line"
        return ""

    @property
    def where(self) -> str:
        """The exception and the project's innermost function, where there is a traceback."""
        frames = re.findall(r'File "([^"]+)", line \d+, in (\S+)', self.errors)
        mine = [
            f"{Path(file).relative_to(ROOT)}:{name}"
            for file, name in frames
            if file.startswith(str(ROOT)) and Path(file).relative_to(ROOT).parts[0] in PROJECT
        ]
        if "Traceback" in self.errors:
            error = re.findall(r"^([\w.]*(?:Error|Exception|Exit|Interrupt)\b)", self.errors, re.M)
            return f"{error[-1] if error else '?'} in {mine[-1] if mine else '?'}"
        found = re.search(r"\w+Warning: .{0,60}", self.errors)
        if found:
            return found[0]
        return re.sub(r"'[^']*'|\S*/\S*|\d+", "…", self.last_line)[:90] if self.wrong else ""

    @property
    def detail(self) -> str:
        return self.errors[-1500:]


@dataclass(frozen=True)
class Kill:
    """When to kill a command: at the n-th event in a folder, or after some seconds.

    Attributes:
        event: n, from 1; 0: by time.
        seconds: When `event` is 0.
        tree: Whether its child processes are killed too.
    """

    event: int = 0
    seconds: float = 0.0
    tree: bool = True


def run_here(arguments: list[str]) -> Ended:
    """Run a command in this process."""
    errors, began = io.StringIO(), time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        code = _main(arguments)
    return Ended(code, errors.getvalue(), time.monotonic() - began)


def run(
    arguments: list[str],
    log: Path,
    *,
    kill: Kill | None = None,
    watch: Path | None = None,
    before: Callable[[], None] | None = None,
    seconds: float = 300.0,
) -> Ended:
    """Run a command in a fork of this process.

    Args:
        arguments: "data" or "agents", the command, and its own arguments.
        log: A folder for what it prints.
        kill: When to kill it.
        watch: The folder in which changes count as events.
        before: Called in the fork before the command.
        seconds: After which it is killed with SIGABRT, as it hangs.
    """
    log.mkdir(parents=True, exist_ok=True)
    # A file for every run: helpers of one that was killed may write to theirs for a while.
    place = log / str(next(_runs))
    counter, text = place.with_suffix(".events"), place.with_suffix(".errors")
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        _in_fork(arguments, text, counter, kill, watch, before)
    status = 0
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        spent = time.monotonic() - began
        if kill and not kill.event and spent > kill.seconds:
            if kill.tree:
                _kill_children(pid)
            with_signal(pid, signal.SIGKILL)
        elif spent > seconds:
            with_signal(pid, signal.SIGABRT)
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(status)
    events = int(counter.read_text() or 0) if counter.exists() else 0
    errors = text.read_text(errors="replace") if text.exists() else ""
    return Ended(code, errors, time.monotonic() - began, events)


def _in_fork(
    arguments: list[str],
    text: Path,
    counter: Path,
    kill: Kill | None,
    watch: Path | None,
    before: Callable[[], None] | None,
) -> None:
    redirect(text)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 (new ones: the old may hold text)
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    code = 1
    seen = _count_events(watch, kill) if watch else [0]
    try:
        if before:
            before()
        code = _main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        counter.write_text(str(seen[0]))
        os._exit(code)


def _main(arguments: list[str]) -> int:
    room, *rest = arguments
    try:
        importlib.import_module(f"{room}.__main__").main(rest)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
            return 1
        return int(ending.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _count_events(watch: Path, kill: Kill | None) -> list[int]:
    """Count what this process changes below a folder; kill it before the event that was drawn."""
    seen = [0]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            flags = args[2] if isinstance(args[2], int) else 0
            if not flags & WRITES:
                return
        elif event not in EVENTS:
            return
        if not str(args[0]).startswith(str(watch)):
            return
        seen[0] += 1
        if kill and kill.event == seen[0]:
            if kill.tree:
                _kill_children(os.getpid())
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return seen


def _kill_children(pid: int) -> None:
    for child in processes_where(1, pid):
        _kill_children(child)
        with_signal(child, signal.SIGKILL)


def draw_kill(rng: np.random.Generator, whole: Ended) -> Kill:
    """A random moment of a command whose uninterrupted run is known."""
    tree = bool(rng.random() < 0.5)
    if rng.random() < 0.6 and whole.events:
        return Kill(event=int(rng.integers(1, whole.events + 1)), tree=tree)
    return Kill(seconds=float(rng.uniform(0, whole.seconds * 1.05)), tree=tree)
