"""Checkpoints: the nested state of a run as a safetensors file that knows its checksum.

The final weights and the scores of a run are such files, too.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from frame_select_env import FrameSelectError
from frame_select_env.storage import write_whole, writing

CHECKPOINT = "checkpoint.safetensors"


def pack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """A nested state (dicts, lists, tensors, numbers ...) as JSON; tensors move into `tensors`."""
    if isinstance(tree, Tensor):
        name = str(len(tensors))
        tensors[name] = tree.detach().contiguous().cpu().clone()
        return {"tensor": name}
    if isinstance(tree, dict):
        return {"dict": [[key, pack(value, tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return [pack(value, tensors) for value in tree]
    return tree


def unpack(packed: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `pack`, with lists for tuples."""
    if isinstance(packed, dict):
        if "tensor" in packed:
            return tensors[packed["tensor"]]
        return {key: unpack(value, tensors) for key, value in packed["dict"]}
    if isinstance(packed, list):
        return [unpack(value, tensors) for value in packed]
    return packed


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write the state of a run; a crash leaves the previous checkpoint in place."""
    tensors: dict[str, Tensor] = {}
    skeleton = json.dumps(pack(state, tensors))
    write_tensors(folder / CHECKPOINT, tensors, {"state": skeleton})


def remove_checkpoint(folder: Path) -> None:
    """Delete the state of a run that is finished."""
    with writing(folder):
        (folder / CHECKPOINT).unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state saved last; None if there is none.

    Raises:
        FrameSelectError: if the file is damaged.
    """
    file = folder / CHECKPOINT
    if not file.is_file():
        return None
    tensors, metadata = read_tensors(file, "delete it to train from the beginning")
    return unpack(json.loads(metadata["state"]), tensors)


def write_tensors(
    file: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file with a checksum of its content."""
    known = dict(metadata or {})
    # One string, because safetensors orders several at random.
    header = json.dumps({**known, "checksum": _checksum(tensors, known)}, sort_keys=True)
    # In memory first: safetensors has an error of its own for a full disk.
    write_whole(file, safetensors.torch.save(dict(tensors), {"header": header}))


def read_tensors(file: Path, remedy: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        FrameSelectError: if it cannot be read, or its content is not what was written.
    """
    try:
        with safetensors.safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            metadata: dict[str, str] = json.loads((opened.metadata() or {})["header"])
    except (OSError, safetensors.SafetensorError, RuntimeError, ValueError, KeyError) as error:
        raise FrameSelectError(f"{file}: is damaged ({error}); {remedy}") from None
    if metadata.pop("checksum", "") != _checksum(tensors, metadata):
        raise FrameSelectError(f"{file}: is damaged (the checksum is wrong); {remedy}")
    return tensors, metadata


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """A checksum of names, types, shapes and values, and of the metadata."""
    total = zlib.crc32(json.dumps(sorted(metadata.items())).encode())
    for name in sorted(tensors):
        values = tensors[name].detach().cpu().contiguous()
        total = zlib.crc32(f"{name} {values.dtype} {tuple(values.shape)}".encode(), total)
        total = zlib.crc32(values.view(-1).view(torch.uint8).numpy().data, total)
    return f"{total:08x}"
