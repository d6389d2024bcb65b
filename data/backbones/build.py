"""From a specification to a backbone: which kind it is, and whether it runs."""

import torch

from data.backbones.backbone import Backbone
from data.backbones.flow import PREFIX as FLOW
from data.backbones.flow import flow_backbone
from data.backbones.function import function_backbone
from data.backbones.hugging_face import PREFIX as HUGGING_FACE
from data.backbones.hugging_face import hugging_face_backbone
from data.backbones.runtime import Runtime, try_out
from data.backbones.specification import LOG_MEL, Specification
from data.backbones.torchvision_models import image_backbone, names, video_backbone
from frame_select_env.errors import known


def build_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """Build a backbone, load its weights, and run it once on an empty clip.

    Args:
        specification: Any but log-mel, which sees no frames.
        runtime: Where and how it runs.

    Raises:
        FrameSelectError: naming the backbone, what is wrong, and what there is.
    """
    backbone = _build(specification, runtime)

    def once() -> None:
        clip = torch.zeros(1, backbone.frames, backbone.side, backbone.side, 3, dtype=torch.uint8)
        backbone.forward(clip)

    try_out(specification, once)
    return backbone


def _build(specification: Specification, runtime: Runtime) -> Backbone:
    name = specification.backbone
    if name.startswith(HUGGING_FACE):
        return hugging_face_backbone(specification, runtime)
    if ":" in name and not name.startswith(FLOW):
        return function_backbone(specification, runtime, [])
    images, videos = names()
    if name.startswith(FLOW):
        model = name.removeprefix(FLOW)
        if model not in images:
            raise specification.fail(known("image model", model, images))
        return flow_backbone(specification, runtime)
    if name in images:
        return image_backbone(specification, runtime)
    if name in videos:
        return video_backbone(specification, runtime)
    kinds = [*videos, *images, "flow:IMAGE_MODEL", "hf:MODEL", LOG_MEL]
    return function_backbone(specification, runtime, kinds)
