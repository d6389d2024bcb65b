"""ONNX models as backbones (optional extra): any exported network from images or clips to features.

Frames are scaled and cropped as for torchvision's models and normalised with ImageNet's mean and
deviation, which most image networks expect.
"""

from pathlib import Path
from typing import Any

import torch

from data.backbones.backbone import Backbone, Output, Runtime, first_line
from data.backbones.crops import IMAGENET_DEVIATION, IMAGENET_MEAN, by_view, crops, normalise, scale
from data.backbones.specification import ONNX, Specification
from frame_select_env.cache import file_digest
from frame_select_env.errors import FrameSelectError

SIZE = 224  # side in pixels of a square input whose size is free
CHANNELS = 3


def onnx_backbone(specification: Specification, runtime: Runtime) -> Backbone:
    """The model in a file.

    It has one float32 input, [B, 3, s, s] for frames, or [B, 3, n, s, s] or [B, n, 3, s, s] for
    clips. Its first output is the features [B, D]; a second one, [B, C], is logits, which become
    the predictions if C is the number of classes.
    """
    path = Path(specification.backbone.removeprefix(ONNX))
    if not path.is_file():
        raise specification.fail("no such file")
    session = _session(specification, runtime, path)
    inputs = session.get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    kind = "[B, 3, s, s]: float, or with an axis of n frames before or after the channels"
    if len(shape) not in (4, 5) or CHANNELS not in shape[1:3] or inputs[0].type != "tensor(float)":
        found = ", ".join(f"{one.name} {one.shape} {one.type}" for one in inputs)
        raise specification.fail(f"needs one input {kind}; it has {found}")
    outputs = [one.name for one in session.get_outputs()][:2]
    channels_first = shape[1] == CHANNELS
    video = len(shape) == 5
    frames = _free(specification, "clip_frames", shape[2 if channels_first else 1]) if video else 1
    size = _free(specification, "size", shape[-1]) or SIZE
    if video and not frames:
        raise specification.fail("its number of frames is free; say which: @clip_frames=16")
    if not video and (specification.clip_frames or specification.clip_fps):
        raise specification.fail("is an image model: clip_frames and clip_fps do not apply")

    def call(squares: torch.Tensor) -> Output:
        images = normalise(squares, IMAGENET_MEAN, IMAGENET_DEVIATION, -3)
        images = images.transpose(1, 2) if video and channels_first else images
        given = {inputs[0].name: (images if video else images[:, 0]).contiguous().numpy()}
        found = [torch.from_numpy(values) for values in session.run(outputs, given)]
        wrong = [list(values.shape) for values in found if values.shape[:-1] != (len(images),)]
        if wrong:
            raise specification.fail(f"gives an output of the shape {wrong[0]}; expected [B, D]")
        return Output(found[0].float(), found[1].float() if len(found) > 1 else None)

    def forward(clips: torch.Tensor) -> Output:
        images = clips.cpu().movedim(-1, -3).float() / 255
        return by_view(call, crops(scale(images, size), size, runtime.views), runtime.views)

    try:
        trial = call(torch.zeros(1, frames, CHANNELS, size, size))
    except FrameSelectError:
        raise
    except Exception as error:
        raise specification.fail(f"fails on an empty clip: {first_line(error)}") from None
    return Backbone(
        forward,
        side=size,
        frames=frames,
        fps=specification.clip_fps,
        classes=0 if trial.logits is None else trial.logits.shape[-1],
        scores=trial.logits is not None,
        digest=file_digest(path),
    )


def _session(specification: Specification, runtime: Runtime, path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise specification.fail(
            f"onnxruntime cannot be imported ({error}); "
            'install it: pip install "frame-select-env[onnx]"'
        ) from None
    provider = "CUDAExecutionProvider" if runtime.half else "CPUExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise specification.fail(f"this onnxruntime has no {provider}; use --device cpu")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # onnxruntime has a class of its own for each reason
        raise specification.fail(f"cannot be loaded: {first_line(error)}") from None


def _free(specification: Specification, key: str, fixed: int | str | None) -> int:
    """A size of the model's input, or where that is free (a name) what is asked for."""
    asked: int = getattr(specification, key)
    if not isinstance(fixed, int):
        return asked
    if asked not in (0, fixed):
        raise specification.fail(f"{key}={asked}: the model is built for {fixed}")
    return fixed
