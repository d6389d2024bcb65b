"""Video models of Hugging Face's transformers, an optional extra: VideoMAE, TimeSformer, ViViT."""

import importlib
from typing import Any

import torch
from torch import nn

from data.backbones.backbone import Backbone, Output
from data.backbones.classifier import Tapped
from data.backbones.crops import by_view, crops, normalise, scale
from data.backbones.runtime import Runtime
from data.backbones.specification import Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.weights import NONE
from frame_select_env.errors import FrameSelectError

PREFIX = "hf:"
FPS = 7.5  # every fourth frame of a video of 30 a second, as VideoMAE samples Kinetics
IMAGENET_MEAN, IMAGENET_DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def hugging_face_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """A video classification model by its name on the hub, or the folder it was saved to.

    Weights are read from safetensors alone.

    Raises:
        FrameSelectError: if transformers is not installed or the model cannot be loaded.
    """
    # transformers imports torchvision where it is installed, and fails where that fails.
    import_torchvision()
    try:
        transformers: Any = importlib.import_module("transformers")
    except ImportError as error:
        raise FrameSelectError(
            f"--backbone {specification.backbone}: transformers cannot be imported ({error}); "
            'install it: pip install "frame-select-env[huggingface]"'
        ) from None
    name = specification.backbone.removeprefix(PREFIX)
    if specification.weights not in ("DEFAULT", NONE):
        raise specification.fail("brings its own weights; --weights is DEFAULT or none")
    try:
        config = transformers.AutoConfig.from_pretrained(name)
        kind = transformers.AutoModelForVideoClassification
        if specification.weights == NONE:
            network = runtime.network(lambda: kind.from_config(config))
        else:
            load = lambda: kind.from_pretrained(name, use_safetensors=True)  # noqa: E731
            network = runtime.network(load)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise specification.fail(f"cannot be loaded: {reason}") from None
    return _backbone(specification, runtime, network, config, _preprocessing(transformers, name))


def _backbone(
    specification: Specification,
    runtime: Runtime,
    network: nn.Module,
    config: Any,
    preprocessing: tuple[list[float], list[float]],
) -> Backbone:
    size = specification.size or int(getattr(config, "image_size", 224))
    side = round(size * 256 / 224)
    tapped = Tapped(_Logits(network).to(runtime.device))

    def forward(clips: torch.Tensor) -> Output:
        squares = crops(scale(runtime.inputs(clips), side), size, runtime.views)
        with runtime.autocast():
            return by_view(tapped, normalise(squares, *preprocessing, -3), runtime.views)

    return Backbone(
        forward,
        side=side,
        frames=specification.clip_frames or int(getattr(config, "num_frames", 16)),
        fps=specification.clip_fps or FPS,
        classes=0 if specification.weights == NONE else int(config.num_labels),
    )


class _Logits(nn.Module):
    """A model of transformers' that takes [B, n, 3, s, s] and gives bare logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=clips).logits


def _preprocessing(transformers: Any, name: str) -> tuple[list[float], list[float]]:
    """Mean and deviation that the model was trained with; ImageNet's where it does not tell."""
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(name)
    except (OSError, ValueError, ImportError):
        return IMAGENET_MEAN, IMAGENET_DEVIATION
    return list(processor.image_mean), list(processor.image_std)
