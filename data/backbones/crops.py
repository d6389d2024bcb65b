"""From frames to the network's input: scaling, cropping into views, normalisation."""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional as F

from data.backbones.backbone import Output
from data.backbones.torchvision_import import import_torchvision

# Per channel of photographs with values in 0 to 1: red, green, blue.
IMAGENET_MEAN, IMAGENET_DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def scale(frames: torch.Tensor, side: int) -> torch.Tensor:
    """Scale images [..., 3, h, w] float so that the shorter side has `side` pixels."""
    height, width = frames.shape[-2:]
    short = min(height, width)
    if short == side:
        return frames
    shape = (side * height // short, side * width // short)  # rounded as by torchvision's resize
    flat = frames.reshape(-1, *frames.shape[-3:])
    scaled = F.interpolate(flat, shape, mode="bilinear", antialias=True)
    return scaled.reshape(*frames.shape[:-2], *shape)


def crops(frames: torch.Tensor, size: int, views: int) -> torch.Tensor:
    """Cut squares [B, (10,) ..., size, size] out of images [B, ..., h, w], both sides large enough.

    One view is the centre. Ten are torchvision's five_crop (top left, top right, bottom left,
    bottom right, centre), then the same five mirrored (the ten crops of Krizhevsky et al., 2012).
    Torchvision's ten_crop orders the mirrored five differently; here view 5 + k is always the
    mirror image of view k.
    """
    if views == 1:
        # Rounded as in torchvision's center_crop; a function backbone then needs no torchvision.
        top, left = (round((side - size) / 2) for side in frames.shape[-2:])
        return frames[..., top : top + size, left : left + size]
    five_crop = import_torchvision("torchvision.transforms.v2.functional").five_crop
    five = torch.stack(five_crop(frames, [size, size]), dim=1)
    return torch.cat([five, five.flip(-1)], dim=1)


def normalise(
    images: torch.Tensor, mean: Sequence[float], deviation: Sequence[float], channel: int
) -> torch.Tensor:
    """Subtract each channel's mean and divide by its deviation; `channel` is the channel axis."""
    shape = [1] * images.ndim
    shape[channel] = -1
    middle = torch.tensor(mean, dtype=images.dtype, device=images.device).reshape(shape)
    spread = torch.tensor(deviation, dtype=images.dtype, device=images.device).reshape(shape)
    return (images - middle) / spread


def by_view(run: Callable[[torch.Tensor], Output], images: torch.Tensor, views: int) -> Output:
    """Run a network without a view axis over images [B, views, ...], or [B, ...] for one view."""
    if views == 1:
        return run(images)
    output = run(images.flatten(0, 1))
    shape = (len(images), views)
    logits = None if output.logits is None else output.logits.unflatten(0, shape)
    return Output(output.features.unflatten(0, shape), logits)
