"""From what a split file says about videos to a source of them, before a frame is read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.corpora import Assignment
from data.source import Source


def assigned_source(
    path: Path, assignment: Assignment, ids: Sequence[str], rows: Sequence[int] | None = None
) -> Source:
    """A source that knows its videos' ids, labels, splits and groups, and has no frames yet.

    Args:
        path: The file or folder, for messages and provenance.
        assignment: Of N videos.
        ids: [N], in the assignment's order.
        rows: Numbers of the videos that are taken; None: all.

    Returns:
        Lengths are 0 and there is no stream: `dataclasses.replace` gives both.
    """
    taken = np.arange(len(ids)) if rows is None else np.asarray(rows, np.int64)
    groups = assignment.groups
    return Source(
        path=path,
        task="classification" if assignment.targets is None else "regression",
        outputs=assignment.outputs,
        ids=np.array(ids)[taken],
        labels=assignment.numbered_labels()[taken],
        splits={fold: np.array(splits)[taken] for fold, splits in assignment.splits.items()},
        lengths=np.zeros(len(taken), np.int64),
        features={},
        groups=None if groups is None else np.array(groups)[taken],
        notes=assignment.notes,
    )
