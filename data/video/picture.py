"""From a decoded frame to an upright RGB picture of the wanted size."""

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from data.video.failure import VideoError

SMALLEST = 8  # pixels of the shorter side; nothing can be recognised on less
LONGEST = 8  # times the shorter side: beyond, what is scaled up would not fit in memory


class Picture:
    """Turns the frames of one video into arrays.

    FFmpeg scales while it converts the colours: bilinear, its filter widened when shrinking, so
    that nothing aliases. The picture's proportions are kept.

    Args:
        path: The file, for messages.
        side: Pixels of the shorter side; None: as the frame is.
        aspect: Width of a pixel by its height; pixels become square where frames are scaled.
    """

    def __init__(self, path: Path, side: int | None, aspect: float = 1.0) -> None:
        self.path, self.side, self.aspect = path, side, aspect
        # One for all frames: it keeps the tables of the conversion.
        self.reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def read(self, frame: av.VideoFrame) -> np.ndarray:
        """The picture, [h, w, 3] uint8 RGB.

        Raises:
            VideoError: if the frame is smaller than 8 pixels, or a mere line.
        """
        # Broadcasts change their size on the way; all pictures of a video are of one.
        self._size = self._size or self._wanted(frame)
        width, height = self._size
        rgb = self.reformatter.reformat(
            frame, width, height, "rgb24", interpolation=Interpolation.BILINEAR, threads=1
        )
        picture = rgb.to_ndarray()
        # Telephones store lying pictures and say how to turn them.
        turns = round(frame.rotation / 90) % 4 if np.isfinite(frame.rotation) else 0
        return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture

    def _wanted(self, frame: av.VideoFrame) -> tuple[int, int]:
        width, height = frame.width, frame.height
        short, long = sorted((width, height))
        if short < SMALLEST or long > LONGEST * short:
            raise VideoError(
                f"{self.path}: its pictures are {width} x {height} pixels; the shorter side must "
                f"be at least {SMALLEST}, and the longer at most {LONGEST} times that"
            )
        if self.side is None:
            return width, height
        shown = width * self.aspect
        scale = self.side / min(shown, height)
        return round(shown * scale), round(height * scale)
