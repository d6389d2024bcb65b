"""Where streams lie in a frame's features, which hold them side by side."""

from frame_select_env import FeatureCache
from frame_select_env.cache import View

Range = tuple[int, int]  # begin and end


def stream_ranges(cache: FeatureCache, stream: str | None, view: View = None) -> dict[str, Range]:
    """The place of each stream of "a+b" in the features of a frame, by name, in order."""
    found, begin = {}, 0
    for part in cache.parts(stream):
        end = begin + cache.feature_size(part, view)
        found[part] = (begin, end)
        begin = end
    return found
