"""Weights: by torchvision's name, from a file, or random."""

from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from data.backbones.specification import Specification
from frame_select_env.errors import known

NONE = "none"


def is_file(weights: str) -> bool:
    """Whether weights are meant to come from a file, and not by name."""
    return "/" in weights or "." in weights


def read_weights(specification: Specification, weights: str) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file; nothing is ever unpickled.

    A leading `module.` or `model.` of every name, which training wrappers add, is taken off.

    Raises:
        FrameSelectError: if it is another kind of file, missing or damaged.
    """
    path = Path(weights)
    if not path.is_file():
        raise specification.fail(f"weights {weights}: no such file")
    if path.suffix != ".safetensors":
        raise specification.fail(
            f"weights {weights}: is no .safetensors file; convert it where you trust it: "
            'safetensors.torch.save_file(torch.load("FILE", weights_only=True), "FILE.safetensors")'
        )
    try:
        tensors = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise specification.fail(f"weights {weights}: is damaged: {error}") from None
    for prefix in ("module.", "model."):
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def load_into(
    specification: Specification, network: nn.Module, tensors: dict[str, torch.Tensor]
) -> None:
    """Put tensors into a network.

    Raises:
        FrameSelectError: naming the first that is missing, not wanted, or of another shape.
    """
    wanted = network.state_dict()
    # Counters of batches, which files often leave out, change no output.
    missing = [n for n in wanted if n not in tensors and not n.endswith("num_batches_tracked")]
    extra = [name for name in tensors if name not in wanted]
    wrong = [n for n in wanted if n in tensors and wanted[n].shape != tensors[n].shape]
    for names, what in ((missing, "lacks"), (extra, "has no use for"), (wrong, "has no room for")):
        if names:
            verb = "the weights lack" if what == "lacks" else f"the network {what}"
            raise specification.fail(f"{verb} {names[0]} (and {len(names) - 1} more)")
    network.load_state_dict(tensors, strict=False)


def named_weights(specification: Specification, models: Any, name: str, weights: str) -> Any:
    """The entry of torchvision's table of weights, which tells transforms and where to get them.

    Raises:
        FrameSelectError: naming the weights that there are for the model.
    """
    table = models.get_model_weights(name)
    try:
        return table[weights]
    except KeyError:
        names = ["DEFAULT", *(entry.name for entry in table), NONE]
        raise specification.fail(f"{known('weights', weights, names)}, or a FILE") from None


def download(specification: Specification, entry: Any) -> dict[str, torch.Tensor]:
    """Torchvision's published weights: fetched once, their hash checked, tensors alone.

    Raises:
        FrameSelectError: if they cannot be fetched.
    """
    try:
        return entry.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise specification.fail(
            f"the weights {entry.name} cannot be fetched from {entry.url}: {error}; "
            "give a FILE with --weights, or none for random ones"
        ) from None
