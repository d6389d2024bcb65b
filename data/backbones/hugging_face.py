"""Video models of Hugging Face's transformers, an optional extra: VideoMAE, TimeSformer, ViViT."""

import importlib
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import nn

from data.backbones.backbone import Backbone, Output
from data.backbones.classifier import Tapped, last_layer
from data.backbones.crops import by_view, crops, normalise, scale
from data.backbones.hugging_face_clips import pictures, seconds_rate
from data.backbones.runtime import Runtime
from data.backbones.specification import HUGGING_FACE, Specification
from data.backbones.torchvision_import import import_torchvision
from data.backbones.weights import NONE
from frame_select_env.errors import FrameSelectError

# What transformers raises for names, files and networks that are not what they should be.
FAILURES = (
    OSError,
    ValueError,
    KeyError,
    AttributeError,
    ImportError,
    RuntimeError,
    safetensors.SafetensorError,
)


def hugging_face_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """A video classification model by its name on the hub, or the folder it was saved to.

    Weights are read from safetensors alone, and no code comes with them. A folder is taken for the
    user's own: its classes are the user's. One from the hub knows its own.

    Raises:
        FrameSelectError: if transformers is not installed or the model cannot be loaded.
    """
    transformers = _import_transformers(specification)
    name = specification.backbone.removeprefix(HUGGING_FACE)
    if specification.weights not in ("DEFAULT", NONE):
        raise specification.fail(
            f"brings its own weights, so weights cannot be {specification.weights}; "
            "give it @weights=DEFAULT, or none for random ones"
        )
    own = Path(name).is_dir()
    if not own and _is_path(name):
        raise specification.fail("no such folder")
    try:
        config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
        kind = transformers.AutoModelForVideoClassification
        if specification.weights == NONE:
            network, whole = runtime.network(lambda: kind.from_config(config)), False
        else:
            network, missing = _load(specification, runtime, kind, name)
            whole = not missing
    except FrameSelectError:
        raise
    except FAILURES as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise specification.fail(f"cannot be loaded: {reason}") from None
    _, layer = last_layer(network)
    if getattr(layer, "out_features", 0) != config.num_labels:
        raise specification.fail(f"has no linear classifier of its {config.num_labels} labels")
    return _backbone(
        specification,
        runtime,
        network,
        config,
        _processor(transformers, name),
        classes=int(config.num_labels) if own and whole else 0,
    )


def _import_transformers(specification: Specification) -> Any:
    # transformers imports torchvision where it is installed, and fails where that fails.
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
    return transformers


def _is_path(name: str) -> bool:
    """Whether a name can only be a folder's; the hub's are NAME or OWNER/NAME."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1


def _load(
    specification: Specification, runtime: Runtime, kind: Any, name: str
) -> tuple[nn.Module, set[str]]:
    """The network with its weights, and which of its classifier's were not there."""
    told: list[dict[str, Any]] = []

    def build() -> nn.Module:
        model, loading = kind.from_pretrained(
            name, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
        told.append(loading)
        return model

    network = runtime.network(build)
    missing = set(told[0]["missing_keys"])
    # Weights from before fine-tuning lack the classifier; the features need none.
    body = sorted(key for key in missing if key.startswith(f"{network.base_model_prefix}."))
    if body:
        raise specification.fail(f"its weights lack {body[0]}")
    return network, missing


def _processor(transformers: Any, name: str) -> Any:
    """How the model's pictures are to be prepared; None where that is not told."""
    try:
        return transformers.AutoImageProcessor.from_pretrained(name, trust_remote_code=False)
    except FAILURES:
        return None


def _backbone(
    specification: Specification,
    runtime: Runtime,
    network: nn.Module,
    config: Any,
    processor: Any,
    classes: int,
) -> Backbone:
    wanted = pictures(processor, config)
    size = specification.size or wanted.size
    side = max(size, round(wanted.side * size / wanted.size))
    frames = specification.clip_frames or int(getattr(config, "num_frames", 16))
    tapped = Tapped(_Logits(network).to(runtime.device))

    def forward(clips: torch.Tensor) -> Output:
        squares = crops(scale(runtime.inputs(clips), side), size, runtime.views)
        with runtime.autocast():
            images = normalise(squares, wanted.mean, wanted.deviation, -3)
            return by_view(tapped, images, runtime.views)

    return Backbone(
        forward,
        side=side,
        frames=frames,
        fps=specification.clip_fps or seconds_rate(config.model_type, frames),
        classes=classes,
    )


class _Logits(nn.Module):
    """A model of transformers' that takes [B, n, 3, s, s] and gives bare logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=clips).logits
