"""A backbone of the user's own: any function from frames to features."""

from typing import Any

import numpy as np
import torch

from data.backbones.backbone import Backbone, Output
from data.backbones.crops import by_view, crops, scale
from data.backbones.runtime import Runtime
from data.backbones.specification import Specification
from frame_select_env.imports import import_object

SIZE = 224  # pixels of the square it gets, unless the user says otherwise


def function_backbone(specification: Specification, runtime: Runtime, names: list[str]) -> Backbone:
    """The function at `module:function`.

    It takes frames [B, s, s, 3] uint8 RGB (with clip_frames, clips [B, n, s, s, 3]) as a NumPy
    array, and returns features [B, D], as an array or a tensor; or features and logits [B, C],
    which become the predictions where C is the number of classes.

    Args:
        specification: Its `size` and clip; it has no weights.
        runtime: Its views.
        names: Backbones that there are, for the message about an unknown one.

    Raises:
        FrameSelectError: if it cannot be imported; in running, if it returns something else.
    """
    function = import_object("backbone", specification.backbone, names)
    if not callable(function):
        raise specification.fail("is not a function")
    size = specification.size or SIZE
    frames = specification.clip_frames or 1

    def call(squares: torch.Tensor) -> Output:
        pixels = (squares * 255).round().to(torch.uint8).movedim(-3, -1).numpy()
        result = function(np.ascontiguousarray(pixels[:, 0] if frames == 1 else pixels))
        features, logits = result if isinstance(result, tuple) else (result, None)
        return Output(
            _checked(specification, features, len(pixels)),
            None if logits is None else _checked(specification, logits, len(pixels)),
        )

    def forward(clips: torch.Tensor) -> Output:
        images = clips.movedim(-1, -3).float() / 255
        squares = crops(scale(images, size), size, runtime.views)
        return by_view(call, squares, runtime.views)

    trial = forward(torch.zeros(1, frames, size, size, 3, dtype=torch.uint8))
    return Backbone(
        forward,
        side=size,
        frames=frames,
        fps=specification.clip_fps,
        classes=0 if trial.logits is None else trial.logits.shape[-1],
    )


def _checked(specification: Specification, values: Any, count: int) -> torch.Tensor:
    tensor = torch.as_tensor(values).detach().cpu()
    if tensor.ndim != 2 or len(tensor) != count or not tensor.is_floating_point():
        raise specification.fail(
            f"returned {tensor.dtype} {tuple(tensor.shape)} for {count} frames; "
            f"expected floats [{count}, D]"
        )
    return tensor
