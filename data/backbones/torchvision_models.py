"""Torchvision's image models (one frame) and video models (a clip around each sampled time).

Inputs are prepared as by the weights' own transforms, except for scaling: it is bilinear and
antialiased and keeps proportions. Torchvision uses other filters (bicubic for some image models,
not antialiased for video models), and distorts the frames for r3d_18, mc3_18, r2plus1d_18 and s3d.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import nn

from data.backbones.backbone import Backbone, Output, Runtime, Tapped, first_line, last_layer
from data.backbones.crops import crops, scale
from data.backbones.loaded import Loaded, run_views
from data.backbones.specification import FLOW, Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.weights import NONE, download, is_file, load_into, named_weights, read_weights

# Clips that torchvision's Kinetics-400 weights were evaluated on: frames, and frames per second
# (from the documentation of each model's weights).
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
# Auxiliary classifiers, used only in training.
AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


@lru_cache(maxsize=1)
def names() -> tuple[list[str], list[str]]:
    """The names of torchvision's image models and video models."""
    models = import_torchvision().models
    videos = [name for name in models.list_models(module=models.video) if name in CLIPS]
    return models.list_models(module=models), videos


def torchvision_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """An image model over single frames, or a video model over clips."""
    video = specification.backbone in CLIPS
    if not video and (specification.clip_frames or specification.clip_fps):
        raise specification.fail("is an image model: clip_frames and clip_fps do not apply")
    frames, fps = CLIPS.get(specification.backbone, (1, 0.0))
    loaded = load(specification, runtime)

    def forward(clips: torch.Tensor) -> Output:
        images = scale(runtime.inputs(clips), loaded.side)
        images = images.transpose(1, 2) if video else images[:, 0]  # [B, 3, (n,) h, w]
        squares = crops(images, loaded.size, runtime.views)
        return run_views(loaded, runtime, squares, channel=-4 if video else -3)

    frames, fps = specification.clip_frames or frames, specification.clip_fps or fps
    return Backbone(forward, loaded.side, frames, fps, loaded.classes, digest=loaded.digest)


def load(specification: Specification, runtime: Runtime, channels: int = 3) -> Loaded:
    """Build a network and load its weights; published ones are widened to the input channels."""
    models = import_torchvision().models
    name, weights = specification.backbone.removeprefix(FLOW), specification.weights
    own = is_file(weights)
    published = "DEFAULT" if own or weights == NONE else weights
    entry = named_weights(specification, models, name, published)
    if entry.meta["categories"] is None:
        raise specification.fail(f"weights {weights}: have no classifier")
    preset = entry.transforms()
    crop, side = preset.crop_size[0], min(preset.resize_size)
    size = specification.size or crop
    tensors: Any = None
    if own:
        tensors = read_weights(specification, weights)
    elif weights != NONE:
        tensors = download(specification, entry)
    network = _build(specification, runtime, models, name, size, channels)
    classes = _fit_head(specification, network, tensors) if own else 0
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
    """Give a network's first convolution another number of channels than 3.

    Every channel gets the mean of the weights of red, green and blue (the cross-modality
    initialisation of temporal segment networks; Wang et al., 2016, section 3.2). The response to a
    uniform image grows by channels / 3; the paper does not correct that, and neither do we.
    """
    stem = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    mean = stem.weight.mean(dim=1, keepdim=True)
    stem.weight = nn.Parameter(mean.repeat(1, channels, 1, 1), requires_grad=False)
    stem.in_channels = channels


def _build(
    specification: Specification, runtime: Runtime, models: Any, name: str, size: int, channels: int
) -> nn.Module:
    options: dict[str, Any] = {}  # those that depend on the input
    if name in AUXILIARY:
        # The published weights expect differently normalised images, and convert them internally;
        # flow is not converted. init_weights=True would only be slow.
        options = {"transform_input": channels == 3, "aux_logits": False, "init_weights": False}
    # These are built for one input size. (So is mvit_*, but only for 224 pixels and 16 frames.)
    elif name.startswith("vit_"):
        options = {"image_size": size}
    elif name.startswith("maxvit_"):
        options = {"input_size": (size, size)}
    try:
        return runtime.network(lambda: models.get_model(name, weights=None, **options))
    except (ValueError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        given = ", ".join(f"{key} {value}" for key, value in options.items())
        reason = first_line(error)
        raise specification.fail(f"cannot be built with {given}: {reason}") from None


def _fit_head(
    specification: Specification, network: nn.Module, tensors: dict[str, torch.Tensor]
) -> int:
    """Give the last layer as many outputs as the weights file has; return their number."""
    name, layer = last_layer(network)
    axes, given = layer.get_parameter("weight").ndim, tensors.get(f"{name}.weight")
    if given is None or given.ndim != axes or not len(given):
        lacks = f"have no {name}.weight with {axes} axes, the classifier"
        raise specification.fail(f"weights {specification.weights}: {lacks}")
    for key, old in list(layer.named_parameters()):
        resized = old.new_empty(len(given), *old.shape[1:])
        layer.register_parameter(key, nn.Parameter(resized, requires_grad=False))
    return len(given)
