"""Video models of Hugging Face transformers (optional extra): VideoMAE, TimeSformer, ViViT."""

import importlib
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import nn

from data.backbones.backbone import Backbone, Output, Runtime, Tapped, first_line, last_layer
from data.backbones.crops import IMAGENET_DEVIATION, IMAGENET_MEAN, crops, scale
from data.backbones.loaded import Loaded, run_views
from data.backbones.specification import HUGGING_FACE, Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.weights import NONE
from frame_select_env.errors import FrameSelectError

# What transformers raises for invalid names, files and networks.
FAILURES = (
    *(OSError, ValueError, KeyError, AttributeError, ImportError, RuntimeError),
    safetensors.SafetensorError,
)
RATE = 30.0  # frames per second of Kinetics videos, as the papers assume
# Every how many of those frames a clip uses: VideoMAE 16 x 4 (Tong et al., 2022, appendix), ViViT
# 32 x 2 (Arnab et al., 2021, section 4).
STEPS = {"videomae": 4, "vivit": 2}
# TimeSformer by number of frames: the base model 8 x 32, HR 16 x 16, L 96 x 4 (Bertasius et al.,
# 2021, section 4).
TIMESFORMER_STEPS = {8: 32, 16: 16, 96: 4}


def hugging_face_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """A video classification model, by its name on the hub or its folder.

    Only safetensors are read, and no code is loaded. A folder is assumed to be the user's own
    model, with the user's classes; a model from the hub has its own classes.
    """
    # If torchvision is installed, transformers imports it, and fails if that fails.
    import_torchvision()
    try:
        transformers: Any = importlib.import_module("transformers")
    except ImportError as error:
        raise specification.fail(
            f"transformers cannot be imported ({error}); "
            'install it: pip install "frame-select-env[huggingface]"'
        ) from None
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    name = specification.backbone.removeprefix(HUGGING_FACE)
    if specification.weights not in ("DEFAULT", NONE):
        raise specification.fail(
            f"has its own weights, so weights cannot be {specification.weights}; "
            "use @weights=DEFAULT, or @weights=none for random weights"
        )
    own = Path(name).is_dir()
    # A name on the hub is NAME or OWNER/NAME.
    if not own and (name.startswith((".", "/", "~")) or name.count("/") > 1):
        raise specification.fail("no such folder")
    try:
        config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
        kind = transformers.AutoModelForVideoClassification
        if specification.weights == NONE:
            network, missing = runtime.network(lambda: kind.from_config(config)), set[str]()
        else:
            network, missing = _load(specification, runtime, kind, name)
        whole = not missing and specification.weights != NONE
    except FrameSelectError:
        raise
    except FAILURES as error:
        raise specification.fail(f"cannot be loaded: {first_line(error)}") from None
    _, layer = last_layer(network)
    if getattr(layer, "out_features", 0) != config.num_labels:
        raise specification.fail(f"has no linear classifier of its {config.num_labels} labels")
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(name, trust_remote_code=False)
    except FAILURES:
        processor = None  # it has none
    short, crop, mean, deviation = preprocessing(processor, config)
    size = specification.size or crop
    side = max(size, round(short * size / crop))
    frames = specification.clip_frames or int(getattr(config, "num_frames", 16))
    network = network.to(runtime.device)
    tapped = Tapped(network, lambda clips: network(pixel_values=clips).logits)
    classes = int(config.num_labels) if own and whole else 0
    loaded = Loaded(tapped, size, side, mean, deviation, classes)

    def forward(clips: torch.Tensor) -> Output:
        squares = crops(scale(runtime.inputs(clips), side), size, runtime.views)
        return run_views(loaded, runtime, squares, channel=-3)

    fps = specification.clip_fps or clip_rate(config.model_type, frames)
    digest = loaded.digest
    return Backbone(forward, side, frames, fps, classes, scores=not missing, digest=digest)


def preprocessing(processor: Any, config: Any) -> tuple[int, int, list[float], list[float]]:
    """How a transformers image processor prepares frames; without one, as ImageNet models do.

    Returns the pixels that the shorter side is scaled to, the side of the square crop, and the mean
    and deviation per channel for values in 0 to 1. (A processor multiplies values of 0 to 255 by a
    factor, ViViT's then subtracts 1, and normalises them.)
    """
    square = getattr(config, "image_size", 224)
    square = int(square if isinstance(square, int) else min(square))
    if processor is None:
        return square, square, IMAGENET_MEAN, IMAGENET_DEVIATION
    size = _pixels(getattr(processor, "crop_size", None), square)
    side = _pixels(getattr(processor, "size", None), size)
    factor = 255 * processor.rescale_factor if getattr(processor, "do_rescale", True) else 255.0
    offset = 1.0 if getattr(processor, "offset", False) else 0.0
    mean, deviation = [0.0] * 3, [1.0] * 3
    if getattr(processor, "do_normalize", True):
        mean, deviation = processor.image_mean, processor.image_std
    mean = [(value + offset) / factor for value in mean]
    return max(side, size), size, mean, [value / factor for value in deviation]


def clip_rate(model_type: str, frames: int) -> float:
    """Frames per second of a model type's training clips; unknown types are treated as VideoMAE."""
    if model_type == "timesformer":
        return RATE / TIMESFORMER_STEPS.get(frames, 32)
    return RATE / STEPS.get(model_type, 4)


def _pixels(size: Any, default: int) -> int:
    """The pixels in a size such as {"shortest_edge": 224} or {"height": 224, "width": 224}."""
    known = [size.get(key) for key in ("shortest_edge", "height", "width")] if size else []
    return min((int(value) for value in known if value), default=default)


def _load(
    specification: Specification, runtime: Runtime, kind: Any, name: str
) -> tuple[nn.Module, set[str]]:
    """The network with its weights, and the names of missing classifier weights."""
    reports: list[dict[str, Any]] = []

    def build() -> nn.Module:
        model, report = kind.from_pretrained(
            name, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
        reports.append(report)
        return model

    network = runtime.network(build)
    missing = set(reports[0]["missing_keys"])
    # Weights from before fine-tuning lack the classifier, which the features do not need.
    body = sorted(key for key in missing if key.startswith(f"{network.base_model_prefix}."))
    if body:
        raise specification.fail(f"its weights lack {body[0]}")
    return network, missing
