"""Specification: the backbone of one stream, as written on the command line."""

import dataclasses
import math
import re
from dataclasses import dataclass
from pathlib import Path

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError, known

LOG_MEL = "log-mel"
FLOW = "flow:"
HUGGING_FACE = "hf:"
ONNX = "onnx:"
OUTPUTS = ("features", "logits")
STREAM = re.compile(r"[A-Za-z0-9_-]+")  # becomes a name in the HDF5 file


@dataclass(frozen=True)
class Specification:
    """One stream: STREAM=BACKBONE@key=value,key=value; only the backbone is required.

    Attributes:
        stream: The stream's name in the cache.
        backbone: The name of a torchvision image or video model; `flow:MODEL`, an image model
            over stacked optical flow; `hf:MODEL`, a video model of Hugging Face; `onnx:FILE`, an
            exported model; `log-mel`, the sound; or `module:function`.
        weights: A torchvision weights name (DEFAULT for its best, KINETICS400_V1, ...), a
            .safetensors file, or "none" for random weights.
        size: Side of the network's square input, in pixels; 0: as in training.
        clip_frames: Frames per clip; 0: as in training.
        clip_fps: Frames per second of a clip; 0: as in training.
        output: What the stream's features are: "features", the input of the network's classifier,
            or "logits", the scores of its classes.
        raft: For flow: the torchvision RAFT model that computes it.
        raft_weights: For flow: like `weights`, for the RAFT model.
        bands: For log-mel: number of mel bands.
        seconds: For log-mel: how much sound around each time is averaged.
    """

    stream: str
    backbone: str
    weights: str = "DEFAULT"
    size: int = 0
    clip_frames: int = 0
    clip_fps: float = 0.0
    output: str = "features"
    raft: str = "raft_small"
    raft_weights: str = "DEFAULT"
    bands: int = 64
    seconds: float = 0.5

    def text(self) -> str:
        """The specification as written on the command line, without default values."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        options = [
            f"{name}={getattr(self, name)}"
            for name in options_of(self.backbone)
            if getattr(self, name) != defaults[name]
        ]
        return f"{self.stream}={self.backbone}" + ("@" + ",".join(options) if options else "")

    def files(self) -> list[Path]:
        """The user's own weight files, those that exist."""
        named = [Path(self.weights), Path(self.raft_weights)]
        if self.backbone.startswith(ONNX):
            named.append(Path(self.backbone.removeprefix(ONNX)))
        if self.backbone.startswith(HUGGING_FACE):
            named += sorted(Path(self.backbone.removeprefix(HUGGING_FACE)).glob("*.safetensors"))
        return [file for file in named if file.is_file()]

    def brings_classes(self) -> bool:
        """Whether its network may classify into the user's classes: the weights are the user's."""
        return any(file != Path(self.raft_weights) for file in self.files())

    def may_classify(self) -> bool:
        """Whether it may make the predictions: the weights or the function are the user's."""
        return self.brings_classes() or is_function(self.backbone)

    def without_paths(self) -> "Specification":
        """The same with only the names of files and folders, for publication."""
        kind, colon, name = self.backbone.rpartition(":")
        return dataclasses.replace(
            self,
            backbone=f"{kind}{colon}{Path(name).name}" if Path(name).exists() else self.backbone,
            weights=Path(self.weights).name,
            raft_weights=Path(self.raft_weights).name,
        )

    def fail(self, message: str) -> FrameSelectError:
        """A one-line error about this backbone, to be raised."""
        return FrameSelectError(f"--backbone {self.backbone}: {message}")


KINDS = {
    field.name: type(field.default)
    for field in dataclasses.fields(Specification)
    if field.default is not dataclasses.MISSING
}


def options_of(backbone: str) -> tuple[str, ...]:
    """The keys that apply to a backbone, by the form of its name."""
    if backbone == LOG_MEL:
        return ("bands", "seconds")
    if backbone.startswith(FLOW):
        return ("weights", "size", "output", "raft", "raft_weights")
    if is_function(backbone) or backbone.startswith(ONNX):
        return ("size", "clip_frames", "clip_fps", "output")
    return ("weights", "size", "clip_frames", "clip_fps", "output")


def is_function(backbone: str) -> bool:
    """Whether a backbone has the form `module:function`."""
    return ":" in backbone and not backbone.startswith((FLOW, HUGGING_FACE, ONNX))


def parse_specification(text: str, weights: str | None = None, only: bool = True) -> Specification:
    """Parse `[STREAM=]BACKBONE[@key=value[,key=value]]`.

    `weights` is the default for backbones that have weights. An unnamed stream is called main if it
    is the only one, and otherwise after its backbone.
    """
    front, _, back = text.partition("@")
    stream, equals, backbone = front.rpartition("=")
    if not equals:
        stream = schema.DEFAULT_STREAM if only else re.sub(r"[^A-Za-z0-9_-]+", "-", backbone)
    if not backbone or not STREAM.fullmatch(stream):
        raise FrameSelectError(
            f"--backbone {text}: expected [STREAM=]BACKBONE[@key=value,...]; stream names consist "
            "of letters, digits, _ and -"
        )
    keys = options_of(backbone)
    options: dict[str, str | int | float] = {}
    for part in back.split(",") if back else []:
        key, equals, value = part.partition("=")
        if not equals or key not in keys:
            raise FrameSelectError(f"--backbone {text}: {known('option', key, keys)}")
        if key in options:
            raise FrameSelectError(f"--backbone {text}: {key} is duplicated")
        options[key] = _value(text, key, value)
    if weights is not None and "weights" in keys:
        options.setdefault("weights", weights)
    return Specification(stream, backbone, **options)  # type: ignore[arg-type]


def _value(text: str, key: str, value: str) -> str | int | float:
    if key == "output" and value not in OUTPUTS:
        raise FrameSelectError(f"--backbone {text}: {known(key, value, OUTPUTS)}")
    kind, positive = KINDS[key], key == "bands"  # the other numbers may be 0
    try:
        number = kind(value)
    except ValueError:
        number = -1
    if kind is not str and (not 0 <= number < math.inf or (positive and not number)):
        what = "an integer" if kind is int else "a number"
        least = "above 0" if positive else "of at least 0"
        raise FrameSelectError(f"--backbone {text}: {key} must be {what} {least}, not {value!r}")
    return number
