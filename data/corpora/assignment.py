"""Assignment: what a split file says about every video of a folder."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from frame_select_env.cache import schema


@dataclass(frozen=True)
class Assignment:
    """Split, label and group of N videos, in the order of the folder's ids.

    Attributes:
        outputs: Names of the C classes, in the order of their labels; or of the K targets.
        labels: [N] names of classes; None: unknown. Regression: empty.
        splits: Fold -> [N] splits, "" where the file does not list the video; "default" first.
        groups: [N] names; None: the file knows no groups.
        targets: Regression: [N, K] float32, finite; 0 where they are unknown: such a video is
            unused in every fold. None: classification.
        notes: What the user should be told, a line each.
        missing: Videos that the split files name and the folder lacks, a line each.
    """

    outputs: list[str]
    labels: list[str | None]
    splits: dict[str, list[str]]
    groups: list[str] | None = None
    targets: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def numbered_labels(self) -> np.ndarray:
        """Labels as a cache holds them: [N] int64, -1 unknown; regression: [N, K] float32."""
        if self.targets is not None:
            return self.targets
        number = {name: label for label, name in enumerate(self.outputs)}
        unknown = schema.UNKNOWN_LABEL
        return np.array([unknown if n is None else number[n] for n in self.labels], np.int64)


def unlisted_note(ids: list[str], listed: Iterable[str]) -> list[str]:
    """A note about the videos that no split lists, if there are any."""
    known = set(listed)
    rest = [name for name in ids if name not in known]
    return [f"{len(rest)} videos stand in no split and are unused: {rest[0]} ..."] if rest else []
