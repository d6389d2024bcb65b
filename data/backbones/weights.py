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

from data.backbones.backbone import first_line
from data.backbones.specification import Specification
from frame_select_env.errors import known

NONE = "none"
# Prefixes that training wrappers add to every name: DataParallel, Lightning, torch.compile.
WRAPPERS = ("module.", "model.", "_orig_mod.")
# Published DenseNets use denselayer1.norm.1 for what is now called denselayer1.norm1; torchvision's
# own loader renames it (torchvision/models/densenet.py).
OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))\.([12]\.\w+)$")


def is_file(weights: str) -> bool:
    """Whether weights are given as a file rather than a name."""
    return "/" in weights or "." in weights


def read_weights(specification: Specification, weights: str) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file, without training wrappers' prefixes; never unpickles."""
    path = Path(weights)
    if not path.is_file():
        raise specification.fail(f"weights {weights}: no such file")
    if path.suffix != ".safetensors":
        raise specification.fail(
            f"weights {weights}: is not a .safetensors file; if you trust it, convert it: "
            f'safetensors.torch.save_file(torch.load("{path.name}", weights_only=True), '
            f'"{path.stem}.safetensors")'
        )
    try:
        tensors = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise specification.fail(f"weights {weights}: is damaged: {error}") from None
    while tensors and (
        prefix := next((p for p in WRAPPERS if all(n.startswith(p) for n in tensors)), "")
    ):
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def load_into(
    specification: Specification, network: nn.Module, tensors: Mapping[str, torch.Tensor], what: str
) -> None:
    """Load tensors, called `what` in messages, including torchvision's rules for old names."""
    state = OrderedDict((OLD_DENSENET.sub(r"\1\2", name), t) for name, t in tensors.items())
    # A safetensors file does not record module versions: assume the current one.
    now = {"": {"version": network._version}}
    state._metadata = getattr(tensors, "_metadata", now)  # type: ignore[attr-defined]
    for name, wanted in network.state_dict().items():
        if name in state and state[name].shape != wanted.shape:
            raise specification.fail(
                f"{what}: {name} has shape {list(state[name].shape)}, "
                f"but the network needs {list(wanted.shape)}"
            )
    try:
        missing, extra = network.load_state_dict(state, strict=False)
    except (RuntimeError, ValueError) as error:
        raise specification.fail(f"{what}: {str(error).splitlines()[-1].strip()}") from None
    if missing:
        raise specification.fail(f"{what}: lacks {_and_more(missing)}")
    if extra:
        raise specification.fail(f"{what}: has {_and_more(extra)}, which the network does not have")


def named_weights(
    specification: Specification, models: Any, name: str, weights: str, key: str = "weights"
) -> Any:
    """The entry of torchvision's weights table; `key` is the option that requests the weights."""
    table = models.get_model_weights(name)
    try:
        return table[weights]
    except KeyError:
        available = ["DEFAULT", *(entry.name for entry in table), NONE]
        raise specification.fail(f"{known(key, weights, available)}, or a FILE") from None


def download(specification: Specification, entry: Any, key: str = "weights") -> Any:
    """Torchvision's published weights: downloaded once, hash checked; tensors by name."""
    try:
        return entry.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, HTTPException, pickle.UnpicklingError) as error:
        raise specification.fail(
            f"the weights {entry.name} cannot be downloaded from {entry.url}: {first_line(error)}; "
            f"use @{key}=FILE, or @{key}=none for random weights"
        ) from None


def _and_more(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
