"""A backbone of the user's own: any function from frames to features."""

from typing import Any

import numpy as np
import torch

from data.backbones.backbone import Backbone, Output, Runtime
from data.backbones.crops import by_view, crops, scale
from data.backbones.specification import Specification
from frame_select_env.errors import FrameSelectError
from frame_select_env.imports import import_object

SIZE = 224  # default side of its square input, in pixels


def function_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """The function at `module:function`.

    It takes frames [B, s, s, 3] uint8 RGB (with clip_frames, clips [B, n, s, s, 3]) as a NumPy
    array, and returns features [B, D] as an array or tensor, or a tuple of features and logits
    [B, C], which become the predictions if C is the number of classes. D and C must not change.
    """
    function = import_object("backbone", specification.backbone, ())
    if not callable(function):
        raise specification.fail("is not a function")
    size = specification.size or SIZE
    frames = specification.clip_frames or 1
    widths: list[int] = []  # D, and C if there are logits; empty until it has been tried

    def call(squares: torch.Tensor) -> Output:
        pixels = (squares * 255).round().to(torch.uint8).movedim(-3, -1).numpy()
        single = pixels if specification.clip_frames else pixels[:, 0]
        result = function(np.ascontiguousarray(single))
        parts = result if isinstance(result, tuple) else (result,)
        if len(parts) not in (1, 2):
            raise specification.fail(f"returned {len(parts)} values; expected features and logits")
        if widths and len(parts) != len(widths):
            raise specification.fail("returned logits for only some of the frames")
        expected = widths or [0] * len(parts)
        tensors = [
            _checked(specification, p, len(pixels), w) for p, w in zip(parts, expected, strict=True)
        ]
        return Output(tensors[0], tensors[1] if len(tensors) > 1 else None)

    def forward(clips: torch.Tensor) -> Output:
        images = clips.cpu().movedim(-1, -3).float() / 255
        squares = crops(scale(images, size), size, runtime.views)
        return by_view(call, squares, runtime.views)

    try:
        trial = forward(torch.zeros(1, frames, size, size, 3, dtype=torch.uint8))
    except FrameSelectError:
        raise
    except Exception as error:
        # Anything the user's code may raise.
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        failed = f"failed on an empty clip: {type(error).__name__}: {reason}"
        raise specification.fail(failed) from error
    widths += [part.shape[-1] for part in trial if part is not None]
    classes = 0 if trial.logits is None else trial.logits.shape[-1]
    return Backbone(forward, size, frames, specification.clip_fps, classes, classes > 0)


def _checked(specification: Specification, values: Any, count: int, width: int) -> torch.Tensor:
    """Values [count, width] as a tensor on the CPU; width 0 accepts any."""
    expected = f"expected floats [{count}, {width or 'D'}]"
    try:
        if not isinstance(values, torch.Tensor):
            values = torch.tensor(np.asarray(values))
        tensor = values.detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise specification.fail(f"returned {type(values).__name__}; {expected}") from None
    shape = tuple(tensor.shape)
    fits = tensor.ndim == 2 and shape[0] == count and shape[1] > 0 and width in (0, shape[1])
    if not fits or not tensor.is_floating_point():
        raise specification.fail(f"returned {tensor.dtype} {list(shape)}; {expected}")
    return tensor
