"""Cache files: bundled ones by name, and a digest by which a changed file is noticed."""

import hashlib
from functools import lru_cache
from pathlib import Path

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


def file_digest(path: Path) -> str:
    """A hexadecimal digest of a file's size and bytes.

    It covers all bytes up to 256 MiB; of a larger file 4096 blocks of 64 KiB, evenly spaced from
    the first to the last, which is enough to notice new features or predictions.
    """
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, changed: int) -> str:
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    count = WHOLE // BLOCK
    spread = (number * (size - BLOCK) // (count - 1) for number in range(count))
    with path.open("rb") as file:
        for first in range(0, size, BLOCK) if size <= WHOLE else spread:
            file.seek(first)
            digest.update(file.read(BLOCK))
    return digest.hexdigest()
