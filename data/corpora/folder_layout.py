"""What the folders of videos mean: classes, classes and groups, or nothing.

A folder per class is the rule. Where every first-level folder contains the same second-level ones,
as in spk1/golf, spk1/run, spk2/golf, spk2/run, one level holds the classes and the other who or
what was recorded: the groups. Numbered names (spk1, actor_02, 003) are taken for groups.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from frame_select_env.errors import FrameSelectError
from frame_select_env.wording import counted

#: Which level of folders holds the classes; "none": the labels are unknown.
ClassFolders = Literal["auto", "first", "second", "none"]
FULL = 2 / 3  # share of the pairs of first- and second-level names that exist where levels cross
NAMED = 3  # folders that a note lists


@dataclass(frozen=True)
class Layout:
    """The class and group of N videos by their folders."""

    labels: list[str] | None  # [N] names of classes; None: unknown
    groups: list[str] | None = None  # [N] names; None: there are none
    notes: tuple[str, ...] = ()  # what was understood


def folder_layout(
    folder: Path, paths: Sequence[str], where: ClassFolders = "auto", splits: bool = False
) -> Layout:
    """Read the class of each video, and its group, from its path below `folder`.

    Args:
        folder: The folder, for messages.
        paths: [N] paths such as `class/video`, without suffix.
        where: The level of the classes, "first" or "second" (the first is then the group); "none"
            for unknown labels; "auto" finds out.
        splits: Whether the paths begin with a folder named after the split.

    Raises:
        FrameSelectError: for videos both in folders and beside them, or folders that may mean
            either.
    """
    count = counted(len(paths), "video")
    parts = [path.split("/")[splits:] for path in paths]
    if where == "none":
        return Layout(None, notes=(f"{count}, --class-folders none: labels unknown",))
    depth = min(map(len, parts)) - 1  # folders that every video is in
    if where == "auto" and max(map(len, parts)) == 1:
        return Layout(None, notes=(f"{count}, no class folders: labels unknown",))
    needed = 2 if where == "second" else 1
    if depth < needed:
        outside = next(path for path, own in zip(paths, parts, strict=True) if len(own) <= needed)
        expected = "SPLIT/" * splits + "GROUP/" * (needed - 1) + "CLASS/VIDEO"
        raise FrameSelectError(
            f"{folder}/{outside}: is not in a class folder (expected {expected}); move it into "
            "one, or use a CSV with a label column"
        )
    first = [own[0] for own in parts]
    if where == "first" or depth < 2:
        return Layout(first)
    second = [own[1] for own in parts]
    if where == "second":
        return Layout(second, first)
    if not _crossed(first, second):
        return Layout(first)
    numbered = _numbered(first), _numbered(second)
    if numbered[0] == numbered[1]:
        raise FrameSelectError(
            f"{folder}: the same folders ({some(second)}) repeat in others ({some(first)}), so "
            "either may be the classes; say which: --class-folders first or second"
        )
    labels, groups = (second, first) if numbered[0] else (first, second)
    otherwise = f"if {some(groups)} are the classes" if numbered[0] else "if these are no groups"
    note = (
        f"the folders {some(labels)} are the classes, and {some(groups)} are groups; {otherwise}, "
        "use --class-folders first"
    )
    return Layout(labels, groups, (note,))


def _crossed(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the names of one level repeat in the folders of the other."""
    pairs = set(zip(first, second, strict=True))
    rows, columns = len(set(first)), len(set(second))
    return min(rows, columns) > 1 and len(pairs) >= FULL * rows * columns


def _numbered(names: Sequence[str]) -> bool:
    """Whether names differ in a number alone, as spk1 and spk2 do."""
    different = set(names)
    stems = {re.sub(r"\d+", "", name) for name in different}
    return len(stems) == 1 and all(re.search(r"\d", name) for name in different)


def some(names: Sequence[str]) -> str:
    """The first of the different names, for a message."""
    different = sorted(set(names))
    return ", ".join(different[:NAMED]) + (", ..." if len(different) > NAMED else "")
