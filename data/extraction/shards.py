"""Shards: the results of an extraction so far, one file per video, each complete or absent."""

import hashlib
import json
import os
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
except ImportError:  # not on Windows
    fcntl = None

SETTINGS = "settings.json"
PART = ".part"
LOCK = "lock"


def shards_folder(out: Path) -> Path:
    """The folder of shards next to the cache `out`."""
    return out.with_name(f"{out.name}.shards")


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Create the folder and lock out other extractions; the lock is released with the process."""
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
                    f"{folder}: is in use by another extraction; wait until it ends"
                ) from None
            except OSError:  # a file system without locks
                pass
        yield


def open_shards(folder: Path, record: dict[str, Any], resume: bool) -> None:
    """Start an extraction in an existing folder, or resume one made with the same settings."""
    file = folder / SETTINGS
    text = json.dumps(record, indent=2, sort_keys=True) + "\n"
    if count := count_shards(folder):
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            raise FrameSelectError(
                f"{file}: is missing or damaged; delete the folder and start again"
            ) from None
        now = json.loads(text)
        for key in sorted({*before, *now}):
            old, new = (json.dumps(settings.get(key)) for settings in (before, now))
            if old != new:
                raise FrameSelectError(
                    f"{folder}: {key}: its videos were made with {old}, not {new}; use the same "
                    "options as before, delete the folder, or write another OUT.h5"
                )
        if not resume:
            raise FrameSelectError(
                f"{folder}: contains {count} videos of an interrupted extraction; rerun with "
                "--resume to continue, or delete the folder"
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
    """The number of finished videos."""
    return sum(1 for _ in folder.glob("*.safetensors"))


def shard_file(folder: Path, video: str) -> Path:
    """The file of a video's shard, named by a hash: ids may be too long for file names."""
    name = hashlib.blake2b(video.encode(), digest_size=16).hexdigest()
    return folder / f"{name}.safetensors"


def identity(path: Path) -> str:
    """The size and modification time of a file, to detect changes; OSError if it is missing."""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def write_shard(folder: Path, video: str, made_from: str, arrays: dict[str, np.ndarray]) -> None:
    """Write one video's arrays; the file appears only when it is complete.

    `made_from` is the `identity` of its file, taken before reading it.
    """
    file = shard_file(folder, video)
    part = file.with_suffix(f".{os.getpid()}{PART}")
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    metadata = {"video": video, "made_from": made_from}
    try:
        part.write_bytes(safetensors.numpy.save(contiguous, metadata))
        os.replace(part, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def is_done(folder: Path, video: str, path: Path) -> bool:
    """Whether a video's shard exists, is complete, and was made from the file as it is now."""
    try:
        now = identity(path)
        with safetensors.safe_open(shard_file(folder, video), "np") as shard:
            metadata = shard.metadata() or {}
    except (OSError, safetensors.SafetensorError):
        return False
    return metadata.get("video") == video and metadata.get("made_from") == now


def read_array(folder: Path, video: str, name: str) -> np.ndarray:
    """One array of a video's shard."""
    file = shard_file(folder, video)
    try:
        with safetensors.safe_open(file, "np") as shard:
            return shard.get_tensor(name)
    except (OSError, safetensors.SafetensorError) as error:
        raise FrameSelectError(
            f"{file}: the shard of {video!r} cannot be read ({error}); delete it and rerun with "
            "--resume"
        ) from None


def array_names(folder: Path, video: str) -> list[str]:
    """The names of the arrays in a video's shard."""
    with safetensors.safe_open(shard_file(folder, video), "np") as shard:
        return list(shard.keys())
