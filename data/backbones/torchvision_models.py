"""Torchvision's image models (one frame) and video models (a clip around each sampled time).

They get what their weights' own transforms make, but for the scaling: frames are scaled while they
are decoded, bilinear and antialiased, keeping their proportions. Torchvision scales with other
filters (bicubic for some image models, not antialiased for video models), and squeezes the frames
for r3d_18, mc3_18, r2plus1d_18 (to 128 x 171) and s3d (to 256 x 256).
"""

from functools import lru_cache

import torch

from data.backbones.backbone import Backbone, Output
from data.backbones.crops import by_view, crops, normalise, scale
from data.backbones.runtime import Runtime
from data.backbones.specification import Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.torchvision_load import Loaded, load

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


@lru_cache(maxsize=1)
def names() -> tuple[list[str], list[str]]:
    """The names of torchvision's image models, and of its video models."""
    models = import_torchvision().models
    videos = [name for name in models.list_models(module=models.video) if name in CLIPS]
    return models.list_models(module=models), videos


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
    trained_on, fps = CLIPS[specification.backbone]
    loaded = load(specification, runtime)

    def forward(clips: torch.Tensor) -> Output:
        images = scale(runtime.inputs(clips), loaded.side).transpose(1, 2)  # [B, 3, n, h, w]
        return see(loaded, runtime, crops(images, loaded.size, runtime.views), channel=-4)

    return Backbone(
        forward,
        side=loaded.side,
        frames=specification.clip_frames or trained_on,
        fps=specification.clip_fps or fps,
        classes=loaded.classes,
    )


def see(loaded: Loaded, runtime: Runtime, squares: torch.Tensor, channel: int) -> Output:
    """Run a network over squares [B, (V,) ..., s, s] in 0 to 1, channels on the axis `channel`."""
    images = normalise(squares, loaded.mean, loaded.deviation, channel)
    with runtime.autocast():
        return by_view(loaded.network, images, runtime.views)
