"""From a specification to a backbone that has been tried once."""

from dataclasses import replace

import torch

from data.backbones.backbone import Backbone, Output, Runtime, first_line
from data.backbones.flow import flow_backbone
from data.backbones.function import function_backbone
from data.backbones.hugging_face import hugging_face_backbone
from data.backbones.onnx_model import onnx_backbone
from data.backbones.specification import (
    FLOW,
    HUGGING_FACE,
    LOG_MEL,
    ONNX,
    Specification,
    is_function,
)
from data.backbones.torchvision_models import names, torchvision_backbone
from frame_select_env.errors import known
from frame_select_env.wording import counted


def build_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """Build a backbone (any but log-mel), load its weights, and run it once on an empty clip."""
    if is_function(specification.backbone):
        # It has been tried, too.
        return _with_output(specification, function_backbone(specification, runtime))
    backbone = _with_output(specification, _build(specification, runtime))
    # An empty clip shows unsupported sizes before any video is decoded.
    clip = torch.zeros(1, backbone.frames, backbone.side, backbone.side, 3, dtype=torch.uint8)
    try:
        with torch.inference_mode():
            backbone.forward(clip)
    except (RuntimeError, AssertionError, ValueError, IndexError, TypeError) as error:
        size = f"{specification.size} pixels" if specification.size else "the default size"
        reason = (
            f"does not accept {counted(backbone.frames, 'frame')} at {size}: {first_line(error)}"
        )
        raise specification.fail(reason) from None
    return backbone


def _with_output(specification: Specification, backbone: Backbone) -> Backbone:
    """The backbone, with its logits as features if they are asked for."""
    if specification.output == "features":
        return backbone
    if not backbone.scores:
        raise specification.fail("output=logits: has no logits; use output=features")

    def forward(clips: torch.Tensor) -> Output:
        logits = backbone.forward(clips).logits
        assert logits is not None
        return Output(logits, logits)

    return replace(backbone, forward=forward)


def _build(specification: Specification, runtime: Runtime) -> Backbone:
    name = specification.backbone
    if name.startswith(HUGGING_FACE):
        return hugging_face_backbone(specification, runtime)
    if name.startswith(ONNX):
        return onnx_backbone(specification, runtime)
    images, videos = names()
    if name.startswith(FLOW):
        model = name.removeprefix(FLOW)
        if model not in images:
            raise specification.fail(known("image model", model, images))
        return flow_backbone(specification, runtime)
    if name in (*images, *videos):
        return torchvision_backbone(specification, runtime)
    forms = ["flow:IMAGE_MODEL", "hf:MODEL", "onnx:FILE", "module:function", LOG_MEL]
    raise specification.fail(known("backbone", name, [*videos, *images, *forms]))
