"""Shards: the results of an extraction so far, one file per video, each complete or absent."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from frame_select_env.errors import FrameSelectError
from frame_select_env.storage import PART, put_in_place, write_whole
from frame_select_env.wording import counted

SETTINGS = "settings.json"
WORKING = ".working"


def shards_folder(out: Path) -> Path:
    """The folder of shards next to the cache `out`."""
    return out.with_name(f"{out.name}.shards")


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
                f"{folder}: contains {counted(count, 'video')} of an interrupted extraction; rerun "
                "with --resume to continue, or delete the folder"
            )
    for part in folder.glob(f"*{PART}"):
        if part.is_file():  # write_whole deletes its own folders
            part.unlink(missing_ok=True)
    write_whole(file, text)


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


def write_shard(
    folder: Path,
    video: str,
    made_from: str,
    arrays: dict[str, np.ndarray],
    weights: Mapping[str, str],
) -> None:
    """Write one video's arrays; the file appears only when it is complete.

    `made_from` is the `identity` of its file, taken before reading it, `weights` the digests of the
    networks' weights by stream.
    """
    file = shard_file(folder, video)
    part = file.with_suffix(f".{os.getpid()}{PART}")
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    metadata = {"video": video, "made_from": made_from, "weights": json.dumps(weights)}
    try:
        part.write_bytes(safetensors.numpy.save(contiguous, metadata))
        put_in_place(part, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def in_work(folder: Path, video: str) -> Iterator[None]:
    """Leave a mark that the video is in work, which stays if this process dies of it."""
    mark = shard_file(folder, video).with_suffix(WORKING)
    with suppress(OSError):  # without a mark, a crash costs the whole command and no more
        mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def was_in_work(folder: Path, video: str) -> bool:
    """Whether a process died while the video was in work."""
    return shard_file(folder, video).with_suffix(WORKING).exists()


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


def read_weights(folder: Path, video: str) -> dict[str, str]:
    """The digests of the weights that a video's shard was made with, by stream."""
    with safetensors.safe_open(shard_file(folder, video), "np") as shard:
        return json.loads((shard.metadata() or {}).get("weights", "{}"))


def array_names(folder: Path, video: str) -> list[str]:
    """The names of the arrays in a video's shard."""
    with safetensors.safe_open(shard_file(folder, video), "np") as shard:
        return list(shard.keys())


def remove_shards(folder: Path) -> None:
    """Delete all shards; interrupted at any moment, the extraction counts as complete."""
    # Under this name, the next command that writes the cache removes what is left.
    hidden = folder.with_name(f".{folder.name.removesuffix('.shards')}.shards{PART}")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        os.replace(folder, hidden)
    except OSError:
        hidden = folder
    shutil.rmtree(hidden, ignore_errors=True)
