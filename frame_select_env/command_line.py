"""How every command line of this project ends on bad input: one line, exit code 2."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from frame_select_env.errors import FrameSelectError


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
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
