"""Runs scripts and commands in processes of their own that find torch already imported.

Importing it, with its compiler, SciPy and Matplotlib takes seconds of CPU time; the suite starts
some hundred such processes. They are forked from a server that has done nothing but the imports of
`preload.py`.
"""

import multiprocessing
import os
import resource
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(["tests.shared.preload"])


@dataclass(frozen=True)
class Done:
    """What a process left, as `subprocess.CompletedProcess` names it."""

    returncode: int
    stdout: str
    stderr: str


def run_script(
    script: Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[object] = (),
) -> Done:
    """`python SCRIPT ARGUMENTS` in a folder."""
    return _run(_script, [script, *arguments], folder, environment, apart=True)


def run_command(
    arguments: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None
) -> Done:
    """`frame-select ARGUMENTS` in a folder."""
    return _run(_command, ["frame-select", *arguments], folder, environment)


def run_module(
    name: str,
    arguments: Sequence[object],
    folder: Path,
    largest_file: int | None = None,
    apart: bool = False,
) -> Done:
    """`python -m NAME ARGUMENTS` in a folder, on a disk that holds files of so many bytes.

    With `apart`, videos are worked on in another process, as users' are.
    """
    return _run(_module, [name, *arguments], folder, largest_file=largest_file, apart=apart)


def _run(
    function: Callable[[], None],
    argv: Sequence[object],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    largest_file: int | None = None,
    apart: bool = False,
) -> Done:
    with TemporaryDirectory() as outputs:
        files = [Path(outputs, name) for name in ("stdout", "stderr")]
        own = {**os.environ, **(environment or {})}
        arguments = (function, list(map(str, argv)), str(folder), own, largest_file, apart)
        process = FORKSERVER.Process(target=_child, args=(*arguments, *map(str, files)))
        process.start()
        process.join()
        texts = [file.read_text(encoding="utf-8") for file in files]
    return Done(process.exitcode or 0, *texts)


def _child(
    function: Callable[[], None],
    argv: list[str],
    folder: str,
    environment: Mapping[str, str],
    largest_file: int | None,
    apart: bool,
    stdout: str,
    stderr: str,
) -> None:
    for descriptor, file in ((1, stdout), (2, stderr)):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = argv
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    try:
        if apart:
            function()
        else:
            from apart import videos_in_this_process

            with videos_in_this_process():
                function()
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None
    finally:
        # What an interpreter does first as it ends, and what ends idle workers: a process made by
        # multiprocessing would wait for them before.
        threading._shutdown()  # type: ignore[attr-defined]


def _script() -> None:
    script = sys.argv[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    runpy.run_path(script, run_name="__main__")


def _command() -> None:
    from frame_select_env.command_line import main

    main()


def _module() -> None:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
