"""The categories of a folder of detections: the union of all files', in a fixed order.

A category is identified by its name; without a name, by its id. In a file that does not list an id,
it means what it means in the files that do. Categories are ordered by id (numbers first, by value,
then strings), for one with several ids by the first of them, and those with the same id by name.

If no file lists categories and all ids are COCO's, they are COCO's 80, whether detected or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from frame_select_env.errors import FrameSelectError

Identifier = int | str  # of an image or category
# The 80 of COCO's category numbers 1 to 90 that its detection task uses.
COCO = [n for n in range(1, 91) if n not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]


@dataclass(frozen=True)
class Listed:
    """The categories of one file."""

    names: Mapping[Identifier, str | None]  # of those it lists, by id; None: without a name
    used: set[Identifier]  # the ids of its detections


@dataclass(frozen=True)
class Categories:
    """The C categories of a folder."""

    names: list[str]  # [C]; the id where there is no name
    indices: Mapping[Path, Mapping[Identifier, int]]  # id -> index, by file

    def index(self, file: Path, identifier: Identifier) -> int:
        """The index of a detection's category."""
        try:
            return self.indices[file][identifier]
        except KeyError:
            raise FrameSelectError(f"{file}: was changed while it was read") from None


def union(files: Mapping[Path, Listed]) -> Categories:
    """The union of the categories of all files."""
    elsewhere: dict[Identifier, dict[str, Path]] = {}  # id -> its names, each with a file
    for file, listed in files.items():
        for identifier, name in listed.names.items():
            names = elsewhere.setdefault(identifier, {})
            if name is not None:
                names.setdefault(name, file)
    if not elsewhere and all(listed.used <= set(COCO) for listed in files.values()):
        indices: dict[Identifier, int] = {number: index for index, number in enumerate(COCO)}
        return Categories([str(n) for n in COCO], dict.fromkeys(files, indices))
    keys = {file: _keys(file, listed, elsewhere) for file, listed in files.items()}
    first: dict[str | tuple[Identifier], tuple[bool, Identifier]] = {}
    for identifier, key in (pair for of_file in keys.values() for pair in of_file.items()):
        rank = (isinstance(identifier, str), identifier)
        first[key] = min(first.get(key, rank), rank)
    order = sorted(first, key=lambda key: (first[key], _name(key)))
    index = {key: place for place, key in enumerate(order)}
    return Categories(
        [_name(key) for key in order],
        {file: {i: index[key] for i, key in of_file.items()} for file, of_file in keys.items()},
    )


def _keys(
    file: Path, listed: Listed, elsewhere: Mapping[Identifier, Mapping[str, Path]]
) -> dict[Identifier, str | tuple[Identifier]]:
    """What identifies the category of each of a file's ids: its name, or a tuple of the id."""
    keys: dict[Identifier, str | tuple[Identifier]] = {}
    for identifier in {*listed.names, *listed.used}:
        name = listed.names.get(identifier)
        others = elsewhere.get(identifier, {})
        if name is None and len(others) > 1:
            (one, here), (two, there) = list(others.items())[:2]
            raise FrameSelectError(
                f"{file}: category {identifier!r} has no name here, and is {one!r} in {here.name} "
                f'but {two!r} in {there.name}; add "categories" to the file'
            )
        keys[identifier] = name or next(iter(others), None) or (identifier,)
    return keys


def _name(key: str | tuple[Identifier]) -> str:
    return key if isinstance(key, str) else str(key[0])
