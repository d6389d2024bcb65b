"""Files that are whole or absent, and folders that one command writes at a time.

Whatever kills a command, a file keeps its old content or has its new one; what the command left
under a temporary name is removed by the next one that writes there.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import IO

from frame_select_env.errors import FrameSelectError, UnwritableError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows has none: nothing is locked there
    fcntl = None

LOCK = ".lock"
PART = ".part"


@contextmanager
def whole_file(path: str | Path, error: type[FrameSelectError] = UnwritableError) -> Iterator[Path]:
    """A temporary file to write to, which replaces `path` when the block ends without an error.

    Raises:
        UnwritableError: (or `error`) if something cannot be written, such as on a full disk.
    """
    with writing(path, error), replacing(path, error) as part:
        yield part


@contextmanager
def replacing(path: str | Path, error: type[FrameSelectError] = UnwritableError) -> Iterator[Path]:
    """The same, for blocks whose own errors are to pass as they are.

    The temporary file has the name of `path` and lies in a hidden folder next to it, where the
    block may keep other files. File and folder are synchronised with the disk before and after the
    replacement.
    """
    path = Path(path)
    with ExitStack() as stack:
        with writing(path, error):
            remove_left_over(path.parent, path.name)
            work = _work_folder(path, stack)
        yield work / path.name
        with writing(path, error):
            put_in_place(work / path.name, path)


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a file at once; text as UTF-8, its line ends as they are.

    Raises:
        UnwritableError: if it cannot be written.
    """
    with whole_file(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def writing(path: str | Path, error: type[FrameSelectError] = UnwritableError) -> Iterator[None]:
    """Say in one line why a file cannot be written: usually, because the disk is full."""
    try:
        yield
    except OSError as found:
        raise error(f"{path}: cannot be written: {found.strerror or found}") from None


def visible(folder: Path) -> list[Path]:
    """What is in a folder, without locks and what killed commands left under temporary names."""
    return [one for one in folder.iterdir() if one.name != LOCK and one.suffix != PART]


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Create the folder if need be, and keep other commands from writing to it.

    What killed commands left there under temporary names is removed. The lock ends with the
    process, however it ends.

    Raises:
        FrameSelectError: if another command holds the lock.
        UnwritableError: if the folder cannot be written.
    """
    with ExitStack() as stack:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                handle = stack.enter_context(_lock(folder))
            except BlockingIOError:
                raise FrameSelectError(
                    f"{folder}: is in use by another command; wait until it ends"
                ) from None
            remove_left_over(folder)
        yield
        if handle is not None:
            (folder / LOCK).unlink(missing_ok=True)


@contextmanager
def appending(path: Path) -> Iterator[IO[bytes]]:
    """A file to append to, created if need be; others who call this wait until the block ends.

    It has no buffer. On systems and file systems without locks nobody waits.
    """
    with path.open("ab", buffering=0) as handle:
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle


def remove_left_over(folder: Path, name: str = "") -> None:
    """Delete the temporary folders for the file `name`, or all, whose processes are gone."""
    for one in os.listdir(folder):
        if one.startswith(f".{name}." if name else ".") and one.endswith(PART):
            try:
                with _lock(folder / one) as handle:
                    if handle is not None:  # without locks nothing tells whether it is in use
                        shutil.rmtree(folder / one, ignore_errors=True)
            except OSError:  # in use, or removed just now
                pass


@contextmanager
def _lock(folder: Path) -> Iterator[IO[bytes] | None]:
    """Lock the file .lock in a folder; None on systems and file systems without locks.

    Raises:
        BlockingIOError: if another process holds the lock.
    """
    while True:
        with (folder / LOCK).open("wb") as handle:
            if fcntl is None:
                yield None
                return
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise
            except OSError:  # a file system without locks
                yield None
                return
            # Who held it before may have removed the file between our opening and our locking it.
            if _is_same_file(handle, folder / LOCK):
                yield handle
                return


def _is_same_file(handle: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _work_folder(path: Path, stack: ExitStack) -> Path:
    """A new folder for `path`, locked and deleted by `stack`."""
    while True:
        work = Path(tempfile.mkdtemp(PART, f".{path.name}.", path.parent))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        try:
            stack.enter_context(_lock(work))
        except (BlockingIOError, FileNotFoundError):  # just now taken for left over
            continue
        return work


def put_in_place(part: Path, path: Path) -> None:
    """Rename a file once it is on the disk, and wait until its new name is, too."""
    _synchronise(part)
    os.replace(part, path)
    _synchronise(path.parent)


def _synchronise(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that cannot
            return
        raise
    finally:
        os.close(handle)
