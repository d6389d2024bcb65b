"""Result files that are whole or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frame_select_env.errors import FrameSelectError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary name to write to, renamed to `path` when the block ends without an error.

    Raises:
        FrameSelectError: if the folder does not exist or cannot be written to.
    """
    path = Path(path)
    # The suffix stays last: Matplotlib reads the format from it.
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise FrameSelectError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
