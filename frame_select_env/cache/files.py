"""Cache files: bundled ones by name, and a digest by which a changed file is noticed."""

import hashlib
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from frame_select_env.errors import CacheError

BUNDLED = Path(__file__).parent.parent / "bundled"
WHOLE = 2**28  # bytes; larger files are sampled in blocks of this many bytes in total
BLOCK = 2**16


def cache_path(data: str | Path) -> Path:
    """The file of a bundled cache, or the path itself; one of them must be there."""
    bundled = sorted(file.stem for file in BUNDLED.glob("*.h5"))
    if str(data) in bundled:
        return BUNDLED / f"{data}.h5"
    path = Path(data)
    if path.is_dir():
        raise CacheError(
            f"{path}: is a folder, not a cache; make one with frame-select extract (videos) or "
            "import (features)"
        )
    if not path.is_file():
        listed = ", ".join(bundled)
        raise CacheError(f"{path}: no such file, nor a bundled cache (bundled: {listed})")
    return path


class CacheFile:
    """A file that stays open, so that replacing it changes nothing for whoever reads it.

    Args:
        path: The file.

    Raises:
        CacheError: if it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise CacheError(
                f"{path}: no such file; make a cache with frame-select import"
            ) from None
        except OSError as error:
            raise CacheError(f"{path}: cannot be read: {error.strerror}") from None
        weakref.finalize(self, self._file.close)
        self._state = self._now()
        self._digest = ""

    @classmethod
    @contextmanager
    def opening(cls, path: Path) -> Iterator["CacheFile"]:
        """The file at `path`, which the block may open once more by its name.

        Raises:
            CacheError: if it was replaced or changed in the meantime.
        """
        file = cls(path)
        yield file
        status = path.stat()
        if not os.path.samestat(status, os.fstat(file._file.fileno())):
            raise CacheError(f"{path}: was replaced while it was opened; open it again")
        file.check()

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def check(self) -> None:
        """Refuse a file that was written to since it was opened: reading on could crash.

        Raises:
            CacheError: if its size or the time of its last change differs.
        """
        if self._now() != self._state:
            raise CacheError(f"{self.path}: was written to while it was open; open it again")

    def map(self, dtype: np.dtype, offset: int, shape: tuple[int, ...]) -> np.ndarray:
        """A memory map of an array in the file, read-only."""
        return np.memmap(self._file, dtype, "r", offset, shape)

    def digest(self) -> str:
        """See `file_digest`."""
        self.check()
        self._digest = self._digest or _digest(self._file, self._state[0])
        return self._digest


def file_digest(path: Path) -> str:
    """A hexadecimal digest of a file's size and bytes.

    It covers all bytes up to 256 MiB; of a larger file 4096 blocks of 64 KiB, evenly spaced from
    the first to the last, which is enough to notice new features or predictions.
    """
    with path.open("rb") as file:
        return _digest(file, path.stat().st_size)


def _digest(file: BinaryIO, size: int) -> str:
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    count = WHOLE // BLOCK
    spread = (number * (size - BLOCK) // (count - 1) for number in range(count))
    # Mapped, since the position in an open file is shared with forked processes.
    content = np.memmap(file, np.uint8, "r") if size else np.zeros(0, np.uint8)
    for first in range(0, size, BLOCK) if size <= WHOLE else spread:
        digest.update(content[first : first + BLOCK].data)
    return digest.hexdigest()
