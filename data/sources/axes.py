"""The middle axis of each stream, as the option --axis gives it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError, known


@dataclass(frozen=True)
class Axes:
    """The middle axes of streams: "view", "object", or "" for none."""

    every: str = ""  # of every stream that is not named
    named: dict[str, str] = field(default_factory=dict)

    def of(self, stream: str) -> str:
        """The middle axis of a stream."""
        return self.named.get(stream, self.every)

    def check(self, streams: Iterable[str]) -> None:
        """Refuse a name that is none of the streams."""
        streams = list(streams)
        for stream in self.named:
            if stream not in streams:
                raise FrameSelectError(f"--axis: {known('stream', stream, streams)}")


def parse_axes(text: str) -> Axes:
    """Parse `[STREAM=]view|object[,...]`."""
    every, named = "", dict[str, str]()
    for part in text.split(",") if text else []:
        stream, equals, axis = part.rpartition("=")
        if axis not in schema.MIDDLE_AXES or not axis or bool(equals) != bool(stream):
            raise FrameSelectError(
                f"--axis {text}: expected view or object, or STREAM=view,STREAM=object,..."
            )
        if stream in named or (not stream and every):
            raise FrameSelectError(f"--axis {text}: {stream or axis} is duplicated")
        if stream:
            named[stream] = axis
        else:
            every = axis
    return Axes(every, named)
