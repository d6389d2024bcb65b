"""What planted videos are to be like."""

from dataclasses import dataclass

from frame_select_env.errors import FrameSelectError

MOST_KEY_SHARE = 0.5


@dataclass(frozen=True)
class Recipe:
    """The size and difficulty of a planted data set.

    Raises:
        FrameSelectError: naming the argument and what is allowed.
    """

    #: Number of videos, at least 5: 60 % train, 20 % val, 20 % test. The first ones are the same in
    #: any number.
    videos: int = 1000
    #: Frames of every video, at least 2. What is said of all frames holds exactly if environments
    #: use as many.
    frames: int = 25
    #: Number of classes, at least 2.
    classes: int = 10
    #: Size of the features.
    features: int = 32
    #: Share of the frames that are key frames, above 0 and up to a half: if most frames told the
    #: label, the others could not mislead the mean.
    key_share: float = 0.2
    #: Expected share of the videos that keeping all frames gets wrong, 0 to 1.
    difficulty: float = 0.5
    #: Number of contiguous runs that the key frames of a video form, at least a frame apart; 0:
    #: they are scattered.
    runs: int = 1
    #: How far key frames stand out in feature 0, in standard deviations of its noise; 0: not at
    #: all.
    signal: float = 2.0
    #: Of every random draw.
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"videos": 5, "frames": 2, "classes": 2, "features": 1, "runs": 0, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise FrameSelectError(f"{name}={value!r}: must be a whole number from {low}")
        # Written so that NaN is refused too.
        if not 0 < self.key_share <= MOST_KEY_SHARE:
            raise FrameSelectError(
                f"key_share={self.key_share}: must be above 0 and at most {MOST_KEY_SHARE}"
            )
        if not 0 <= self.difficulty <= 1:
            raise FrameSelectError(f"difficulty={self.difficulty}: must be from 0 to 1")
        if not 0 <= self.signal <= 100:
            raise FrameSelectError(f"signal={self.signal}: must be from 0 to 100")
        if self.runs > self.key_frames:
            raise FrameSelectError(
                f"runs={self.runs}: a video has {self.key_frames} key frames (key_share of frames)"
            )

    @property
    def key_frames(self) -> int:
        """Number of key frames of every video: at least one, at most half."""
        return min(max(1, round(self.key_share * self.frames)), self.frames // 2)
