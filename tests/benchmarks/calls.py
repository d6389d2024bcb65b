"""How many of the project's files one command passes through, and how deep.

    python -m tests.benchmarks.calls agents train --data digits --agent dqn --budget 800 --out OUT
    python -m tests.benchmarks.calls --step OneShot

A file counts as entered if one of its functions is called in the command's own process. The depth
is the longest chain of files on the call stack, calls within one file counted once.
"""

import runpy
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("agents", "baselines", "data", "frame_select_env")


class CallTrace:
    """A profile function that records files and the longest chain."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.longest: list[str] = []
        self._names: dict[str, str] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Record a call; other events are ignored."""
        if event != "call" or not self._file(frame.f_code):
            return
        self.files.add(self._file(frame.f_code))
        chain: list[str] = []
        at: FrameType | None = frame
        while at is not None:
            name = self._file(at.f_code)
            if name and (not chain or chain[-1] != name):
                chain.append(name)
            at = at.f_back
        if len(chain) > len(self.longest):
            self.longest = chain[::-1]

    def _file(self, code: CodeType) -> str:
        """The file relative to the clone; empty for other code and for module bodies."""
        if code.co_name == "<module>":
            return ""
        if code.co_filename not in self._names:
            path = Path(code.co_filename)
            ours = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in FOLDERS
            self._names[code.co_filename] = str(path.relative_to(ROOT)) if ours else ""
        return self._names[code.co_filename]


def trace_command(module: str, arguments: list[str]) -> CallTrace:
    """Run `python -m MODULE ARGUMENTS` under a trace."""
    trace = CallTrace()
    sys.argv = [module, *arguments]
    sys.setprofile(trace)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        if stop.code:
            raise
    finally:
        sys.setprofile(None)
    return trace


def trace_step(process: str) -> CallTrace:
    """Trace one `step` of the single environment, of "OneShot", "Sequential" or "Pick"."""
    import gymnasium as gym

    import frame_select_env  # noqa: F401 - registers the environments

    env = gym.make(f"FrameSelect/{process}-v0", data="digits")
    env.reset(seed=0)
    action = env.action_space.sample()
    trace = CallTrace()
    sys.setprofile(trace)
    env.step(action)
    sys.setprofile(None)
    return trace


if __name__ == "__main__":
    first, *rest = sys.argv[1:]
    found = trace_step(rest[0]) if first == "--step" else trace_command(first, rest)
    print(f"{len(found.files)} files, {len(found.longest)} deep: {' > '.join(found.longest)}")
