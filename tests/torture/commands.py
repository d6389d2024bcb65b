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
from typing import Any

import numpy as np

from tests.torture.processes import PROJECT, ROOT, processes_where, redirect, with_signal

_runs = itertools.count()
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "tempfile.mkdtemp")
# What a command may print to standard error besides its one line: progress, notes, warnings.
NOISE = re.compile(
    r"━|\d+/\d+ +\d+:\d\d:\d\d|^\s*(note|warning):|^\s*$|^[│╭╰┏┡└├┃┌┴┬]"
    r"|^ *\d+ videos?$|not in the cache"
    # A fork ends without the functions of atexit, which would have cleaned up.
    r"|UserWarning: resource_tracker: |^  warnings\.warn\("
)


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code, or minus the signal.
        errors: Its standard error.
        seconds: On the clock.
        events: Changes to the file system it made from Python, where they were counted.
        hung: Whether it was killed because it did not end.
    """

    code: int
    errors: str
    seconds: float = 0.0
    events: int = 0
    hung: bool = False

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
        if self.hung:
            return "hang"
        if self.code < 0:
            return signal.Signals(-self.code).name
        if "Traceback (most recent call last)" in self.errors:
            return "traceback"
        if self.code not in (0, 2):
            return f"exit code {self.code}"
        if re.search(r"\w+Warning: (?!resource_tracker)", self.errors):
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


@dataclass(frozen=True)
class Begun:
    """A command that runs in a fork of this process."""

    pid: int
    began: float
    printed: int  # a pipe with its standard output and error: no limit on files holds for it
    counter: Path  # the number of its events
    kill: Kill | None = None

    def wait(self, seconds: float = 300.0) -> Ended:
        """How it ends; after `seconds` it hangs, and is killed with SIGABRT."""
        kill, status, hung, printed = self.kill, 0, False, b""
        while True:
            with contextlib.suppress(BlockingIOError):
                printed += os.read(self.printed, 2**16)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                break
            spent = time.monotonic() - self.began
            if kill and not kill.event and spent > kill.seconds:
                if kill.tree:
                    _kill_children(self.pid)
                with_signal(self.pid, signal.SIGKILL)
            elif spent > seconds:
                hung = True
                with_signal(self.pid, signal.SIGABRT)
            time.sleep(0.001)
        spent = time.monotonic() - self.began
        code = os.waitstatus_to_exitcode(status)
        events = int(self.counter.read_text() or 0) if self.counter.exists() else 0
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self.printed, 2**16):
                printed += more
        os.close(self.printed)
        return Ended(code, printed.decode(errors="replace"), spent, events, hung)


def begin(
    arguments: list[str],
    log: Path,
    *,
    kill: Kill | None = None,
    watch: Path | None = None,
    before: Callable[[], None] | None = None,
) -> Begun:
    """Begin a command in a fork of this process.

    Args:
        arguments: "data" or "agents", the command, and its own arguments.
        log: A folder for what it prints.
        kill: When to kill it.
        watch: The folder in which changes count as events.
        before: Called in the fork before the command.
    """
    log.mkdir(parents=True, exist_ok=True)
    counter = log / f"{next(_runs)}.events"
    mine, theirs = os.pipe()
    os.set_blocking(mine, False)
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        _in_fork(arguments, theirs, counter, kill, watch, before)
    os.close(theirs)
    return Begun(pid, began, mine, counter, kill)


def run(arguments: list[str], log: Path, *, seconds: float = 300.0, **how: Any) -> Ended:
    """Run a command in a fork of this process; `how` are the keywords of `begin`."""
    return begin(arguments, log, **how).wait(seconds)


def _in_fork(
    arguments: list[str],
    printed: int,
    counter: Path,
    kill: Kill | None,
    watch: Path | None,
    before: Callable[[], None] | None,
) -> None:
    redirect(printed)
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
        if watch:
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
    # Long commands often die young: of what they import, or of Ctrl-C.
    longest = min(whole.seconds * 1.05, 4.0 if rng.random() < 0.5 else np.inf)
    return Kill(seconds=float(rng.uniform(0, longest)), tree=tree)
