"""What clips the video models of Hugging Face were trained on: their pictures and their rate."""

from dataclasses import dataclass
from typing import Any

from data.backbones.crops import IMAGENET_DEVIATION, IMAGENET_MEAN

RATE = 30.0  # frames a second of Kinetics' videos, as the papers count
# One of how many of those frames is taken: VideoMAE 16 x 4 (Tong et al., 2022, appendix), ViViT
# 32 x 2 (Arnab et al., 2021, section 4).
STEPS = {"videomae": 4, "vivit": 2}
# TimeSformer by its frames: the base model 8 x 32, HR 16 x 16, L 96 x 4 (Bertasius et al., 2021,
# section 4).
TIMESFORMER_STEPS = {8: 32, 16: 16, 96: 4}


@dataclass(frozen=True)
class Pictures:
    """How frames are prepared.

    Attributes:
        side: Pixels that the shorter side is scaled to.
        size: Pixels of the square that is cut out.
        mean: Of each channel, of values in 0 to 1.
        deviation: Of each channel.
    """

    side: int
    size: int
    mean: list[float]
    deviation: list[float]


def pictures(processor: Any, config: Any) -> Pictures:
    """Read how frames are prepared from an image processor of transformers'.

    A processor multiplies values of 0 to 255 by a factor (ViViT's then takes off 1), subtracts the
    mean and divides by the deviation. All of it is one subtraction and one division of values in
    0 to 1.

    Args:
        processor: Of the model; None: whole shorter sides, normalised as ImageNet is.
        config: Of the model.
    """
    square = getattr(config, "image_size", 224)
    square = int(square if isinstance(square, int) else min(square))
    if processor is None:
        return Pictures(square, square, IMAGENET_MEAN, IMAGENET_DEVIATION)
    size = _pixels(getattr(processor, "crop_size", None), square)
    side = _pixels(getattr(processor, "size", None), size)
    factor = 255 * processor.rescale_factor if getattr(processor, "do_rescale", True) else 255.0
    offset = 1.0 if getattr(processor, "offset", False) else 0.0
    mean, deviation = [0.0] * 3, [1.0] * 3
    if getattr(processor, "do_normalize", True):
        mean, deviation = processor.image_mean, processor.image_std
    return Pictures(
        max(side, size),
        size,
        [(value + offset) / factor for value in mean],
        [value / factor for value in deviation],
    )


def seconds_rate(model_type: str, frames: int) -> float:
    """Frames a second of the clips that a kind of model was trained on.

    Args:
        model_type: As its configuration calls it; of an unknown one, as VideoMAE.
        frames: Of its clips.
    """
    if model_type == "timesformer":
        return RATE / TIMESFORMER_STEPS.get(frames, 32)
    return RATE / STEPS.get(model_type, 4)


def _pixels(size: Any, otherwise: int) -> int:
    """The pixels in a size such as {"shortest_edge": 224} or {"height": 224, "width": 224}."""
    known = [size.get(key) for key in ("shortest_edge", "height", "width")] if size else []
    pixels = [int(value) for value in known if value]
    return min(pixels, default=otherwise)
