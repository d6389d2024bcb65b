"""The official numbers of corpora, and how a folder differs from them.

People work with subsets, so that a difference is a note and never an error.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from frame_select_env.cache import schema

NAMED = 5  # how many classes a note names before it says "and N others"


@dataclass(frozen=True)
class Official:
    """What a corpus holds when it is whole.

    Attributes:
        name: As papers write it.
        videos: Number of videos.
        classes: Number of classes; 0: it has none.
        splits: Fold -> split -> number of videos. "default" speaks of a corpus of one split.
    """

    name: str
    videos: int
    classes: int = 0
    splits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def count_notes(
    official: Official,
    labels: list[str],
    splits: Mapping[str, list[str]],
    listed: Iterable[str] = (),
) -> list[str]:
    """How a folder differs from the official numbers, a line each.

    Args:
        official: The numbers.
        labels: [N] the class of every video of the folder; any names where there are no classes.
        splits: Fold -> [N] splits.
        listed: The class of every video that the split files name, whether it is here or not;
            empty: they name none.
    """
    notes = []
    here, whole = Counter(labels), Counter(listed)
    # Split files name the classes in their own case, and folders in theirs.
    folded = Counter({name.casefold(): number for name, number in here.items()})
    few = [
        f"{name} {folded[name.casefold()]} of {number}"
        for name, number in sorted(whole.items())
        if folded[name.casefold()] < number
    ]
    if len(labels) != official.videos:
        notes.append(
            f"{official.name}: {len(labels)} videos are here, not the official {official.videos}"
            + (f": {_named(few)}" if few else "")
        )
    elif few:
        notes.append(f"{official.name}: videos are not here: {_named(few)}")
    if official.classes and len(here) != official.classes:
        notes.append(
            f"{official.name}: {len(here)} classes are here, not the official {official.classes}"
        )
    for fold, expected in official.splits.items():
        if fold not in splits:
            notes.append(f"{official.name}: {fold} is not here")
            continue
        found = Counter(splits[fold])
        wrong = [
            f"{split} {found[split]} of {number}"
            for split, number in expected.items()
            if found[split] != number
        ]
        if wrong:
            name = "" if fold == schema.DEFAULT_FOLD else f"{fold}: "
            notes.append(f"{official.name}: {name}{', '.join(wrong)} videos")
    return notes


def _named(parts: list[str]) -> str:
    rest = len(parts) - NAMED
    return ", ".join(parts[:NAMED]) + (f" and {rest} other classes" if rest > 0 else "")
