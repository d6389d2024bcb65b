"""Weights: by torchvision's name, or from a file."""

import pickle
import re
from collections import OrderedDict
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from data.backbones.specification import Specification
from frame_select_env.errors import known

NONE = "none"
# What training wrappers put before every name: DataParallel, Lightning, torch.compile.
WRAPPERS = ("module.", "model.", "_orig_mod.")
# Published DenseNets write denselayer1.norm.1 for what is called denselayer1.norm1 since; their
# builder renames it (torchvision/models/densenet.py), and so must whoever loads without it.
OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))\.([12]\.\w+)$")


def is_file(weights: str) -> bool:
    """Whether weights are meant to come from a file, and not by name."""
    return "/" in weights or "." in weights


def read_weights(specification: Specification, weights: str) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file; nothing is ever unpickled.

    What training wrappers put before every name (`module.`, `model.`, `_orig_mod.`) is taken off.

    Raises:
        FrameSelectError: if it is another kind of file, missing or damaged.
    """
    path = Path(weights)
    if not path.is_file():
        raise specification.fail(f"weights {weights}: no such file")
    if path.suffix != ".safetensors":
        raise specification.fail(
            f"weights {weights}: is no .safetensors file; convert it where you trust it: "
            f'safetensors.torch.save_file(torch.load("{path.name}", weights_only=True), '
            f'"{path.stem}.safetensors")'
        )
    try:
        tensors = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise specification.fail(f"weights {weights}: is damaged: {error}") from None
    while prefix := next((p for p in WRAPPERS if all(n.startswith(p) for n in tensors)), ""):
        if not tensors:
            break
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def load_into(
    specification: Specification, network: nn.Module, tensors: Mapping[str, torch.Tensor], what: str
) -> None:
    """Put tensors into a network, by torchvision's own rules for names of older versions.

    Args:
        specification: For messages.
        network: Whose every tensor must be there.
        tensors: By name. What `torch.save` notes of the modules' versions is minded.
        what: How messages call them: `weights FILE`.

    Raises:
        FrameSelectError: naming the first that is missing, not wanted, or of another shape.
    """
    state = OrderedDict((OLD_DENSENET.sub(r"\1\2", name), t) for name, t in tensors.items())
    # A file of tensors alone does not tell which version of the network it is of: this one's.
    now = {"": {"version": network._version}}
    state._metadata = getattr(tensors, "_metadata", now)  # type: ignore[attr-defined]
    for name, wanted in network.state_dict().items():
        if name in state and state[name].shape != wanted.shape:
            raise specification.fail(
                f"{what}: {name} has shape {list(state[name].shape)}, "
                f"and the network's {list(wanted.shape)}"
            )
    try:
        missing, extra = network.load_state_dict(state, strict=False)
    except (RuntimeError, ValueError) as error:
        raise specification.fail(f"{what}: {str(error).splitlines()[-1].strip()}") from None
    if missing:
        raise specification.fail(f"{what}: lacks {_and_more(missing)}")
    if extra:
        raise specification.fail(f"{what}: has {_and_more(extra)}, which the network has not")


def named_weights(
    specification: Specification, models: Any, name: str, weights: str, key: str = "weights"
) -> Any:
    """The entry of torchvision's table of weights, which tells transforms and where to get them.

    Args:
        specification: For messages.
        models: The module torchvision.models.
        name: Of the model.
        weights: Of the weights.
        key: Of the option that asks for them.

    Raises:
        FrameSelectError: naming the weights that there are for the model.
    """
    table = models.get_model_weights(name)
    try:
        return table[weights]
    except KeyError:
        names = ["DEFAULT", *(entry.name for entry in table), NONE]
        raise specification.fail(f"{known(key, weights, names)}, or a FILE") from None


def download(specification: Specification, entry: Any, key: str = "weights") -> Any:
    """Torchvision's published weights: fetched once, their hash checked, tensors alone.

    Args:
        specification: For messages.
        entry: Of torchvision's table.
        key: Of the option that asks for them.

    Returns:
        Tensors by name, with torch.save's note of versions.

    Raises:
        FrameSelectError: if they cannot be fetched.
    """
    try:
        return entry.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, HTTPException, pickle.UnpicklingError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise specification.fail(
            f"the weights {entry.name} cannot be fetched from {entry.url}: {reason}; "
            f"give @{key}=FILE, or {key}=none for random ones"
        ) from None


def _and_more(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
