"""The command lines: commands by name, and one line with exit code 2 on bad input."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from frame_select_env.errors import FrameSelectError


def run_command(
    program: str, usage: str, commands: Mapping[str, str], arguments: list[str] | None
) -> None:
    """Run the command that the first argument names.

    Args:
        program: What the user typed to get here, "python -m agents".
        usage: What --help prints, and what stands on standard error without a known command.
        commands: Name -> "module:function" of what takes the other arguments. Imported only when
            asked for, so that --help does not wait for torch.
        arguments: None means the process's own.
    """
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("-h", "--help"):
        print(usage, end="")
        return
    if name not in commands:
        print(usage, end="", file=sys.stderr)
        raise SystemExit(2)
    module, _, function = commands[name].partition(":")
    with one_line_errors(f"{program} {name}"):
        getattr(importlib.import_module(module), function)(rest)


@contextmanager
def one_line_errors(program: str) -> Iterator[None]:
    """Turn a `FrameSelectError` into one line on standard error and exit code 2.

    Ctrl-C ends with the shell's own code for it, 130, and no traceback.
    """
    try:
        yield
    except FrameSelectError as error:
        print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt as interrupt:
        # Long work tells what of it is kept.
        print(": ".join([program, "interrupted", *map(str, interrupt.args)]), file=sys.stderr)
        raise SystemExit(130) from None
