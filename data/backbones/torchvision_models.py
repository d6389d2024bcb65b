"""Torchvision's image models (one frame) and video models (a clip around each sampled time)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from data.backbones.backbone import Backbone, Output
from data.backbones.classifier import Tapped, last_layer
from data.backbones.crops import by_view, crops, normalise, scale
from data.backbones.runtime import Runtime
from data.backbones.specification import Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.weights import NONE, download, is_file, load_into, named_weights, read_weights

# Clips that torchvision's Kinetics-400 weights were measured with: frames, and frames a second
# (the documentation of each model's weights).
CLIPS = {
    "mc3_18": (16, 15.0),
    "r2plus1d_18": (16, 15.0),
    "r3d_18": (16, 15.0),
    "mvit_v1_b": (16, 7.5),
    "mvit_v2_s": (16, 7.5),
    "s3d": (128, 15.0),
    "swin3d_t": (32, 15.0),
    "swin3d_s": (32, 15.0),
    "swin3d_b": (32, 15.0),
}
# These ask whether to draw random weights the slow way, and warn if nobody answers.
ASKS_FOR_INITIAL_WEIGHTS = ("googlenet", "inception_v3")


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


def names() -> tuple[list[str], list[str]]:
    """The names of torchvision's image models, and of its video models."""
    models = import_torchvision().models
    return models.list_models(module=models), models.list_models(module=models.video)


def image_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """An image model over single frames."""
    if specification.clip_frames or specification.clip_fps:
        raise specification.fail("is an image model: it takes no clip_frames or clip_fps")
    loaded = load(specification, runtime)

    def forward(clips: torch.Tensor) -> Output:
        images = scale(runtime.inputs(clips)[:, 0], loaded.side)
        return see(loaded, runtime, crops(images, loaded.size, runtime.views), channel=-3)

    return Backbone(forward, side=loaded.side, classes=loaded.classes)


def video_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """A video model over clips."""
    loaded = load(specification, runtime)
    frames, fps = CLIPS[specification.backbone]

    def forward(clips: torch.Tensor) -> Output:
        images = scale(runtime.inputs(clips), loaded.side).transpose(1, 2)  # [B, 3, n, h, w]
        return see(loaded, runtime, crops(images, loaded.size, runtime.views), channel=-4)

    return Backbone(
        forward,
        side=loaded.side,
        frames=specification.clip_frames or frames,
        fps=specification.clip_fps or fps,
        classes=loaded.classes,
    )


def load(specification: Specification, runtime: Runtime, channels: int = 3) -> Loaded:
    """Build a network and load its weights.

    Args:
        specification: Which, and with what weights.
        runtime: Where it runs; its seed draws random weights.
        channels: Channels of an image; other than 3, the first convolution is made anew.

    Raises:
        FrameSelectError: naming what is wrong with the weights.
    """
    models = import_torchvision().models
    name, weights = specification.backbone.removeprefix("flow:"), specification.weights
    chosen = "DEFAULT" if weights == NONE or is_file(weights) else weights
    entry = named_weights(specification, models, name, chosen)
    preset = entry.transforms()
    crop, side = preset.crop_size[0], min(preset.resize_size)
    size = specification.size or crop
    classes = 0
    if is_file(weights):
        tensors = read_weights(specification, weights)
        layer, _ = last_layer(_build(models, name, runtime, size))
        last = tensors.get(f"{layer}.weight")
        if last is None:
            raise specification.fail(f"weights {weights}: hold no {layer}.weight")
        classes = len(last)
        network = _build(models, name, runtime, size, num_classes=classes)
        if channels != 3:
            widen(network, channels)
        load_into(specification, network, tensors)
    else:
        published = len(entry.meta["categories"])
        network = _build(models, name, runtime, size, num_classes=published)
        if weights != NONE:
            load_into(specification, network, download(specification, entry))
        if channels != 3:
            widen(network, channels)
    return Loaded(
        Tapped(network.to(runtime.device)),
        size=size,
        side=max(size, round(side * size / crop)),
        mean=list(preset.mean),
        deviation=list(preset.std),
        classes=classes,
    )


def see(loaded: Loaded, runtime: Runtime, squares: torch.Tensor, channel: int) -> Output:
    """Run a network over squares [B, (V,) ..., s, s] in 0 to 1, channels on the axis `channel`."""
    images = normalise(squares, loaded.mean, loaded.deviation, channel)
    with runtime.autocast():
        return by_view(loaded.network, images, runtime.views)


def widen(network: nn.Module, channels: int) -> None:
    """Let a network's first convolution take other images than RGB.

    Every channel gets the mean of the weights of red, green and blue (the cross-modality
    initialisation of temporal segment networks; Wang et al., 2016, section 3.2).
    """
    name, old = next((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    new = nn.Conv2d(
        channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        old.dilation,  # type: ignore[arg-type]
        bias=old.bias is not None,
    ).requires_grad_(False)
    new.weight.copy_(old.weight.mean(dim=1, keepdim=True).expand_as(new.weight))
    if old.bias is not None and new.bias is not None:
        new.bias.copy_(old.bias)
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, new)


def _build(models: Any, name: str, runtime: Runtime, size: int, **options: Any) -> nn.Module:
    if name in ASKS_FOR_INITIAL_WEIGHTS:
        options["init_weights"] = True
    if name.startswith("vit_"):
        options["image_size"] = size  # a vision transformer is built for one size
    return runtime.network(lambda: models.get_model(name, weights=None, **options))
