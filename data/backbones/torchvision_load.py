"""A classification network of torchvision's with its weights, and how it wants its images."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from data.backbones.classifier import Tapped, last_layer
from data.backbones.runtime import Runtime
from data.backbones.specification import FLOW, Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.weights import (
    NONE,
    download,
    is_file,
    load_into,
    named_weights,
    read_weights,
)

# Their second and third classifiers serve training alone.
AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


@dataclass(frozen=True)
class Loaded:
    """A classification network of torchvision's, and how it wants its images.

    Attributes:
        network: Frozen; takes images [B, 3, s, s] or clips [B, 3, n, s, s].
        size: s, pixels.
        side: Pixels of the shorter side of the frame that the square is cut out of.
        mean: Of each channel.
        deviation: Of each channel.
        classes: C' of a network from the user's own file; 0 of others.
    """

    network: Tapped
    size: int
    side: int
    mean: list[float]
    deviation: list[float]
    classes: int


def load(specification: Specification, runtime: Runtime, channels: int = 3) -> Loaded:
    """Build a network and load its weights.

    Args:
        specification: Which, and with what weights.
        runtime: Where it runs; its seed draws random weights.
        channels: Channels of an image; with another number than 3, published weights are widened,
            and a file must have as many.

    Raises:
        FrameSelectError: naming what is wrong with the weights.
    """
    models = import_torchvision().models
    name, weights = specification.backbone.removeprefix(FLOW), specification.weights
    own = is_file(weights)
    entry = named_weights(
        specification, models, name, "DEFAULT" if own or weights == NONE else weights
    )
    if entry.meta["categories"] is None:
        raise specification.fail(f"weights {weights}: are of a network without its classifier")
    preset = entry.transforms()
    crop, side = preset.crop_size[0], min(preset.resize_size)
    size = specification.size or crop
    tensors = None
    if own:
        tensors = read_weights(specification, weights)
    elif weights != NONE:
        tensors = download(specification, entry)
    network = _build(specification, runtime, models, name, _options(name, size, channels))
    classes = 0
    if own and tensors is not None:
        classes = _fit_head(specification, network, tensors)
    if own and channels != 3:
        widen(network, channels)
    if tensors is not None:
        for key in [k for k in tensors if k.startswith(AUXILIARY.get(name, ()))]:
            del tensors[key]
        load_into(specification, network, tensors, f"weights {weights}")
    if not own and channels != 3:
        widen(network, channels)
    return Loaded(
        Tapped(network.to(runtime.device)),
        size=size,
        side=max(size, round(side * size / crop)),
        mean=list(preset.mean),
        deviation=list(preset.std),
        classes=classes,
    )


def widen(network: nn.Module, channels: int) -> None:
    """Let a network's first convolution take other images than RGB.

    Every channel gets the mean of the weights of red, green and blue: "we average the weights
    across the RGB channels and replicate this average by the channel number" (the cross-modality
    initialisation of temporal segment networks; Wang et al., 2016, section 3.2). The response to
    an even image grows by channels / 3; the paper does not undo that, and nor is it undone here.
    """
    stem = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    mean = stem.weight.mean(dim=1, keepdim=True)
    stem.weight = nn.Parameter(mean.repeat(1, channels, 1, 1), requires_grad=False)
    stem.in_channels = channels


def _options(name: str, size: int, channels: int) -> dict[str, Any]:
    """What a builder must be told, where the published weights do not tell it."""
    if name in AUXILIARY:
        # The published weights were trained on images normalised otherwise, and convert them
        # within; flow is no such image. None of them is to be trained: the slow way of drawing
        # initial weights is of no use.
        return {"transform_input": channels == 3, "aux_logits": False, "init_weights": False}
    # These are built for one size of image. (So are mvit_*, for 224 pixels and 16 frames alone.)
    if name.startswith("vit_"):
        return {"image_size": size}
    if name.startswith("maxvit_"):
        return {"input_size": (size, size)}
    return {}


def _build(
    specification: Specification, runtime: Runtime, models: Any, name: str, options: dict[str, Any]
) -> nn.Module:
    try:
        return runtime.network(lambda: models.get_model(name, weights=None, **options))
    except (ValueError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        asked = ", ".join(f"{key} {value}" for key, value in options.items())
        raise specification.fail(f"cannot be built with {asked}: {reason}") from None


def _fit_head(
    specification: Specification, network: nn.Module, tensors: dict[str, torch.Tensor]
) -> int:
    """Give the last layer as many outputs as a file has; how many those are."""
    name, layer = last_layer(network)
    weight, given = layer.get_parameter("weight"), tensors.get(f"{name}.weight")
    if given is None or given.ndim != weight.ndim or not len(given):
        raise specification.fail(
            f"weights {specification.weights}: hold no {name}.weight of {weight.ndim} axes, "
            "the classifier's"
        )
    for key, old in list(layer.named_parameters()):
        fitting = old.new_empty(len(given), *old.shape[1:])
        layer.register_parameter(key, nn.Parameter(fitting, requires_grad=False))
    return len(given)
