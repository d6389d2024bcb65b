"""Opening a cache by the name of a bundled one or by its path, once per process and file."""

from pathlib import Path
from weakref import WeakValueDictionary

from frame_select_env.cache.read import FeatureCache
from frame_select_env.errors import CacheError

BUNDLED = Path(__file__).parent.parent / "bundled"

# Many environments on one file share its memory maps and tables. The key holds the time of the
# last change, so a cache that was rewritten is opened anew.
_open: WeakValueDictionary[tuple[str, int, int], FeatureCache] = WeakValueDictionary()


def bundled_names() -> list[str]:
    """The names of the caches that come with the library."""
    return sorted(file.stem for file in BUNDLED.glob("*.h5"))


def cache_path(data: str | Path) -> Path:
    """The file behind a bundled cache's name, or the path itself.

    Raises:
        CacheError: if there is neither such a name nor such a file.
    """
    if str(data) in bundled_names():
        return BUNDLED / f"{data}.h5"
    path = Path(data)
    if path.is_dir():
        raise CacheError(
            f"{path}: is a folder; make a cache of it: frame-select extract (videos) or import "
            "(features)"
        )
    if not path.is_file():
        listed = ", ".join(bundled_names())
        raise CacheError(f"{path}: no such file, nor a bundled cache (bundled: {listed})")
    return path


def open_cache(data: str | Path) -> FeatureCache:
    """Open a cache by a bundled name or a path; the same file gives the same object.

    Raises:
        CacheError: naming the file, the dataset and what is wrong.
    """
    path = cache_path(data).resolve()
    status = path.stat()
    key = (str(path), status.st_mtime_ns, status.st_size)
    cache = _open.get(key)
    if cache is None:
        cache = _open[key] = FeatureCache(path)
    return cache
