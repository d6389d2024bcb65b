"""Shards: what extraction has made so far, one file a video, each whole or absent."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from frame_select_env.errors import FrameSelectError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None

SETTINGS = "settings.json"
PART = ".part"
LOCK = "lock"


def shards_folder(out: Path) -> Path:
    """Where the shards of a cache lie while it is being made."""
    return out.with_name(f"{out.name}.shards")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make the folder and keep other extractions out of it; the system lets go when a process ends.

    Raises:
        FrameSelectError: if another extraction works there, or the folder cannot be made.
    """
    try:
        folder.mkdir(exist_ok=True)
        handle = (folder / LOCK).open("w")
    except OSError as error:
        raise FrameSelectError(f"{folder}: cannot be written: {error.strerror}") from None
    with handle:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FrameSelectError(
                    f"{folder}: another extraction is working there; wait for it to end"
                ) from None
            except OSError:  # a file system without locks
                pass
        yield


def open_shards(folder: Path, record: dict[str, Any], resume: bool) -> None:
    """Begin in a folder, or go on with what is there.

    Args:
        folder: The shards' folder, which is there.
        record: What decides the shards' numbers; the same as before where work is resumed.
        resume: Whether to go on.

    Raises:
        FrameSelectError: if shards are there and are not to be resumed, or were made otherwise.
    """
    file = folder / SETTINGS
    text = json.dumps(record, indent=2, sort_keys=True) + "\n"
    if count_shards(folder):
        _check_same(file, json.loads(text))
        if not resume:
            raise FrameSelectError(
                f"{folder}: holds {count_shards(folder)} videos of an extraction that did not end; "
                "go on with --resume, or delete the folder"
            )
    try:
        for part in folder.glob(f"*{PART}"):
            part.unlink()
        part = folder / f"{SETTINGS}{PART}"
        part.write_text(text, encoding="utf-8")
        os.replace(part, file)
    except OSError as error:
        raise FrameSelectError(f"{folder}: cannot be written: {error.strerror}") from None


def count_shards(folder: Path) -> int:
    """How many videos are done."""
    return sum(1 for _ in folder.glob("*.safetensors"))


def shard_file(folder: Path, video: str) -> Path:
    """The file of a video's shard: ids may be longer than names of files."""
    name = hashlib.blake2b(video.encode(), digest_size=16).hexdigest()
    return folder / f"{name}.safetensors"


def identity(path: Path) -> str:
    """What tells a file from the same file changed: its size, and when it was written.

    Raises:
        OSError: if it is gone.
    """
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def write_shard(folder: Path, video: str, made_from: str, arrays: dict[str, np.ndarray]) -> None:
    """Write one video's arrays; the file appears when it is whole.

    Args:
        folder: The shards' folder.
        video: The video's id.
        made_from: The `identity` of its file, taken before it was read.
        arrays: What to keep.

    Raises:
        OSError: if it cannot be written; nothing is left behind then.
    """
    file = shard_file(folder, video)
    part = file.with_suffix(f".{os.getpid()}{PART}")
    metadata = {"video": video, "made_from": made_from}
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    try:
        part.write_bytes(safetensors.numpy.save(contiguous, metadata))
        os.replace(part, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def is_done(folder: Path, video: str, path: Path) -> bool:
    """Whether a video's shard is there, whole, and made of the file as it is now."""
    try:
        now = identity(path)
        with safetensors.safe_open(shard_file(folder, video), "np") as shard:
            metadata = shard.metadata() or {}
    except (OSError, safetensors.SafetensorError):
        return False
    return metadata.get("video") == video and metadata.get("made_from") == now


def read_array(folder: Path, video: str, name: str) -> np.ndarray:
    """One array of a video's shard.

    Raises:
        FrameSelectError: if the shard is gone or damaged.
    """
    file = shard_file(folder, video)
    try:
        with safetensors.safe_open(file, "np") as shard:
            return shard.get_tensor(name)
    except (OSError, safetensors.SafetensorError) as error:
        raise FrameSelectError(
            f"{file}: the shard of {video!r} cannot be read ({error}); delete it and --resume"
        ) from None


def array_names(folder: Path, video: str) -> list[str]:
    """The names of the arrays in a video's shard."""
    with safetensors.safe_open(shard_file(folder, video), "np") as shard:
        return list(shard.keys())


def remove_shards(folder: Path) -> None:
    """Delete all shards, once the cache is written."""
    shutil.rmtree(folder, ignore_errors=True)


def _check_same(file: Path, record: dict[str, Any]) -> None:
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        raise FrameSelectError(
            f"{file}: is missing or damaged; delete the folder and begin anew"
        ) from None
    for key in sorted({*before, *record}):
        was, is_now = (json.dumps(record_.get(key)) for record_ in (before, record))
        if was != is_now:
            raise FrameSelectError(
                f"{file.parent}: {key}: the videos there were made with {was}, and now it is "
                f"{is_now}; give what was given before, delete the folder, or write another OUT.h5"
            )
