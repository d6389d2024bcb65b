"""One video file that cannot be used: told in a line, and the others go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from frame_select_env.errors import FrameSelectError


class VideoError(FrameSelectError):
    """A video that cannot be decoded; names the file and what is wrong with it."""


@contextmanager
def one_video(path: Path) -> Iterator[None]:
    """Turn FFmpeg's errors, whatever it was doing, into a `VideoError` about the file."""
    try:
        yield
    except av.error.FFmpegError as error:
        reason = error.strerror or str(error)
        raise VideoError(f"{path}: cannot be decoded: {reason}") from None
