"""From frames to what a network sees: scaling, cropping into views, normalisation."""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional as F

from data.backbones.backbone import Output

# Of each channel of photographs in 0 to 1, red, green, blue.
IMAGENET_MEAN, IMAGENET_DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def scale(frames: torch.Tensor, side: int) -> torch.Tensor:
    """Scale images so that the shorter side has `side` pixels.

    Args:
        frames: [..., 3, h, w] float.
        side: Pixels.

    Returns:
        [..., 3, h', w'], bilinear and antialiased; the very same where the side fits already. The
        longer side is rounded down, as torchvision's resize does.
    """
    height, width = frames.shape[-2:]
    if min(height, width) == side:
        return frames
    short = min(height, width)
    shape = (side * height // short, side * width // short)
    flat = frames.reshape(-1, *frames.shape[-3:])
    scaled = F.interpolate(flat, shape, mode="bilinear", antialias=True)
    return scaled.reshape(*frames.shape[:-2], *shape)


def crops(frames: torch.Tensor, size: int, views: int) -> torch.Tensor:
    """Cut squares out of images.

    Args:
        frames: [B, ..., h, w], both sides at least `size`.
        size: Pixels of the square.
        views: 1: the centre. 10: the four corners (top left, top right, bottom left, bottom right),
            the centre, and then the same five mirrored (the ten crops of Krizhevsky et al., 2012).
            Torchvision's ten_crop cuts its last five out of the mirrored picture instead, whose
            top left is this one's top right: the same ten, in the order 0 to 4, 6, 5, 8, 7, 9
            (where an odd margin does not put the centre a pixel aside). Here view 5 + k is always
            the mirror image of view k.

    Returns:
        [B, 10, ..., size, size]; [B, ..., size, size] for one view.
    """
    height, width = frames.shape[-2:]
    down, right = height - size, width - size
    # As torchvision's center_crop rounds.
    centre = (round(down / 2), round(right / 2))
    if views == 1:
        return _cut(frames, *centre, size)
    corners = [(0, 0), (0, right), (down, 0), (down, right), centre]
    five = torch.stack([_cut(frames, top, left, size) for top, left in corners], dim=1)
    return torch.cat([five, five.flip(-1)], dim=1)


def normalise(
    images: torch.Tensor, mean: Sequence[float], deviation: Sequence[float], channel: int
) -> torch.Tensor:
    """Subtract each channel's mean and divide by its standard deviation.

    Args:
        images: Float, channels on the axis `channel`.
        mean: Of each channel.
        deviation: Of each channel.
        channel: Which axis.
    """
    shape = [1] * images.ndim
    shape[channel] = -1
    middle = torch.tensor(mean, dtype=images.dtype, device=images.device).reshape(shape)
    spread = torch.tensor(deviation, dtype=images.dtype, device=images.device).reshape(shape)
    return (images - middle) / spread


def by_view(run: Callable[[torch.Tensor], Output], images: torch.Tensor, views: int) -> Output:
    """Run a network that knows no views over all of them.

    Args:
        run: [n, ...] -> `Output`.
        images: [B, 10, ...], or [B, ...] for one view.
        views: How many.
    """
    if views == 1:
        return run(images)
    output = run(images.flatten(0, 1))
    shape = (len(images), views)
    logits = None if output.logits is None else output.logits.unflatten(0, shape)
    return Output(output.features.unflatten(0, shape), logits)


def _cut(frames: torch.Tensor, top: int, left: int, size: int) -> torch.Tensor:
    return frames[..., top : top + size, left : left + size]
