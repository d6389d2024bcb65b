"""A digest of a cache file, by which a changed cache is noticed."""

import hashlib
from functools import lru_cache
from pathlib import Path

WHOLE = 2**28  # bytes; of a larger file, as many are read in blocks
BLOCK = 2**16


def file_digest(path: Path) -> str:
    """A hexadecimal digest of a file's size and bytes.

    All bytes up to 256 MiB; of a larger file 4096 blocks of 64 KiB, evenly spaced from the first
    to the last, which is enough to notice that features or predictions were made anew.

    Raises:
        OSError: if the file cannot be read.
    """
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, changed: int) -> str:
    made = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        if size <= WHOLE:
            while block := file.read(2**20):
                made.update(block)
        else:
            count = WHOLE // BLOCK
            for number in range(count):
                file.seek(number * (size - BLOCK) // (count - 1))
                made.update(file.read(BLOCK))
    return made.hexdigest()
