"""Settings: all that decides which numbers extraction gives for a video."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from data.backbones import LOG_MEL, Specification
from data.video.sampling import Sampling
from frame_select_env.cache import file_digest


@dataclass(frozen=True)
class Settings:
    """What is made of every video, and where; hashable, and the same in every worker.

    Attributes:
        streams: Stream by stream, which backbone.
        sampling: Which frames.
        views: 1, or 10 crops of every frame.
        device: Where networks run.
        batch: Clips a network sees at a time.
        thumbnail: Pixels of the side of a frame's small square picture; 0: none.
        dtype: Of stored features.
        classes: C: a network with as many outputs, from the user's own weights, makes the
            predictions itself; 0: none does.
        seed: Draws random weights.
    """

    streams: tuple[Specification, ...]
    sampling: Sampling = Sampling()
    views: int = 1
    device: str = "cpu"
    batch: int = 8
    thumbnail: int = 48
    dtype: str = "float16"
    classes: int = 0
    seed: int = 0

    def axis(self, stream: str) -> str:
        """The name of a stream's middle axis; sound has no views."""
        sound = {spec.stream for spec in self.streams if spec.backbone == LOG_MEL}
        return "view" if self.views > 1 and stream not in sound else ""

    def record(self) -> dict[str, Any]:
        """What decides the numbers as JSON types, with digests of weights that come from files.

        Not the batch, of which an extraction may need a smaller one to go on.
        """
        classify = any(specification.may_classify() for specification in self.streams)
        return {
            "backbones": [specification.text() for specification in self.streams],
            "weights": {
                str(file): file_digest(file) for spec in self.streams for file in spec.files()
            },
            "frames": dataclasses.asdict(self.sampling),
            "device": self.device.partition(":")[0],  # cuda:1 computes what cuda:0 does
            "classes": self.classes if classify else 0,
            **{name: getattr(self, name) for name in ("views", "thumbnail", "dtype", "seed")},
        }
