"""Checkpoints: the state of an unfinished run, as safetensors. Nothing in them is code."""

import json
import os
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file

from frame_select_env import FrameSelectError

CHECKPOINT = "checkpoint.safetensors"


def pack(tree: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """A nested state as JSON types; its tensors go into `tensors`, by number.

    Args:
        tree: Dicts (with keys that are numbers or strings), lists, tuples, tensors, numbers,
            strings, None.
        tensors: Is added to.
    """
    if isinstance(tree, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = tree.detach().contiguous().cpu().clone()
        return {"tensor": name}
    if isinstance(tree, dict):
        return {"dict": [[key, pack(value, tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return [pack(value, tensors) for value in tree]
    return tree


def unpack(packed: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """What `pack` was given, tuples as lists."""
    if isinstance(packed, dict):
        if "tensor" in packed:
            return tensors[packed["tensor"]]
        return {key: unpack(value, tensors) for key, value in packed["dict"]}
    if isinstance(packed, list):
        return [unpack(value, tensors) for value in packed]
    return packed


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write the state of a run; the file is whole, or the one before is still there."""
    tensors: dict[str, torch.Tensor] = {}
    skeleton = json.dumps(pack(state, tensors))
    temporary = folder / f".{CHECKPOINT}"
    save_file(tensors, temporary, {"state": skeleton})
    os.replace(temporary, folder / CHECKPOINT)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state that was saved last; None if there is none.

    Raises:
        FrameSelectError: if the file is damaged.
    """
    file = folder / CHECKPOINT
    if not file.is_file():
        return None
    try:
        with safetensors.safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            return unpack(json.loads(opened.metadata()["state"]), tensors)
    except (safetensors.SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise FrameSelectError(
            f"{file}: is damaged ({error}); delete it to train from the beginning"
        ) from None
