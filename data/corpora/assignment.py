"""What every corpus reader takes and returns: the folder's videos, and their assignment to splits.

People work with subsets, so a difference from a corpus's official numbers is a note, not an error.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError
from frame_select_env.wording import counted

NAMED = 5  # classes a note lists before it says "and N other classes"


@dataclass(frozen=True)
class Assignment:
    """Split, label and group of N videos, in the order of the folder's ids."""

    outputs: list[str]  # names of the C classes in label order, or of the K targets
    labels: list[str | None]  # [N] class names, None if unknown; regression: empty
    # Fold -> [N] splits, "" if the file does not list the video; "default" comes first.
    splits: dict[str, list[str]]
    groups: list[str] | None = None  # [N] names
    # Regression: [N, K] float32, finite; 0 where unknown (such a video is unused in every fold).
    targets: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)  # for the user, one line each
    missing: list[str] = field(default_factory=list)  # a line per listed video that is not there


class Videos:
    """The videos of a folder, looked up by the paths in split files."""

    def __init__(self, folder: Path, ids: list[str]) -> None:
        self.folder = folder  # for messages
        self.ids = ids  # [N] paths below the folder, without suffix: `class/video`
        self.missing: list[str] = []  # a line per listed video that `find` did not find
        self._exact = set(ids)
        # None: two videos differ only in case, so case must match.
        self._folded: dict[str, str | None] = {}
        for name in ids:
            folded = name.casefold()
            self._folded[folded] = None if folded in self._folded else name

    def find(
        self, listed: str, where: str, name: str | None = None, taken: Container[str] = ()
    ) -> str | None:
        """The id of a listed video; if it is not there, None and a new line in `missing`.

        The line starts with `where` and calls the video `name`, or `listed`: `class/video` or
        `class/video.avi`, with either slash. Case is ignored where that is unambiguous: UCF101's
        lists and archive spell v_HandStandPushups differently. A video must not be in `taken`.
        """
        path = PurePosixPath(listed.strip().replace("\\", "/"))
        # Try the whole name first: a dot in a name, or before a number, does not start a suffix.
        suffix = path.suffix and not path.suffix[1:].isdecimal()
        candidates = [str(path), str(path.with_suffix(""))] if suffix else [str(path)]
        exact = [candidate for candidate in candidates if candidate in self._exact]
        folded = [self._folded.get(candidate.casefold()) for candidate in candidates]
        found = next(filter(None, [*exact, *folded]), None)
        if found in taken:
            raise FrameSelectError(f"{where}: video {name or listed!r} is duplicated")
        if found is None:
            self.missing.append(f"{where}: video {name or listed!r} has no file in {self.folder}")
        return found

    def classes(self) -> list[str]:
        """The class folder of each video, [N]."""
        for name in self.ids:
            if "/" not in name:
                raise FrameSelectError(
                    f"{self.folder}/{name}: is not in a class folder; move it into one, or use a "
                    "CSV with a label column"
                )
        return [name.split("/")[0] for name in self.ids]


@dataclass(frozen=True)
class Official:
    """The official numbers of a complete corpus."""

    name: str
    videos: int
    classes: int = 0  # 0: not a classification corpus
    splits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by fold and split


def count_notes(
    official: Official,
    labels: list[str],
    splits: Mapping[str, list[str]],
    listed: Iterable[str] = (),
) -> list[str]:
    """How labels [N] and splits differ from `official`; `listed` is each listed video's class."""
    notes = []
    present = Counter(labels)
    # Class names in split files and folder names may differ in case.
    folded = Counter({name.casefold(): number for name, number in present.items()})
    incomplete = [
        f"{name} {folded[name.casefold()]} of {number}"
        for name, number in sorted(Counter(listed).items())
        if folded[name.casefold()] < number
    ]
    rest = len(incomplete) - NAMED
    named = ", ".join(incomplete[:NAMED]) + (f" and {rest} other classes" if rest > 0 else "")
    if len(labels) != official.videos:
        found = f"found {len(labels)} of the official {official.videos} videos"
        notes.append(found + (f": {named}" if named else ""))
    elif named:
        notes.append(f"missing videos: {named}")
    if official.classes and len(present) != official.classes:
        notes.append(f"found {len(present)} of the official {official.classes} classes")
    for fold, expected in official.splits.items():
        if fold not in splits:
            notes.append(f"{fold} is missing")
            continue
        counts = Counter(splits[fold])
        wrong = [
            f"{split} {counts[split]} of {number}"
            for split, number in expected.items()
            if counts[split] != number
        ]
        if wrong:
            prefix = "" if fold == schema.DEFAULT_FOLD else f"{fold}: "
            notes.append(f"{prefix}{', '.join(wrong)} videos")
    return [f"{official.name}: {note}" for note in notes]


def unlisted_note(ids: list[str], listed: Iterable[str]) -> list[str]:
    """A note about the videos that no split lists, if there are any."""
    known = set(listed)
    rest = [name for name in ids if name not in known]
    if not rest:
        return []
    more = " ..." if rest[1:] else ""
    return [f"{counted(len(rest), 'video')} in no split, not used: {rest[0]}{more}"]
