"""Reading any kind of split file: a CSV, official files, or none (folder names, or random).

Differences from a corpus's official numbers become notes. Videos that no file lists are unused.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from data.corpora.assignment import Assignment, Videos
from data.corpora.class_folders import read_class_folders
from data.corpora.csv_table import read_csv
from data.corpora.emotions import EKMAN6, VIDEOEMOTION8, draw_ekman6, draw_videoemotion8
from data.corpora.folder_layout import ClassFolders
from data.corpora.hmdb51 import read_hmdb51
from data.corpora.hume_reaction import read_hume_reaction
from data.corpora.lists import read_lists, read_ucf101
from frame_select_env.errors import FrameSelectError

RANDOM = "random"
HUME_REACTION = "hume-reaction"
# NAME:PATH, with the official files in a folder (Hume-Reaction: or the file itself).
BY_PATH: dict[str, Callable[[Path, Videos], Assignment]] = {
    "hmdb51": read_hmdb51,
    "ucf101": read_ucf101,
    "ekman6": partial(read_lists, EKMAN6),
    "videoemotion8": partial(read_lists, VIDEOEMOTION8),
    HUME_REACTION: read_hume_reaction,
}
# NAME alone, by a rule, with the seed.
BY_RULE: dict[str, Callable[[Videos, int], Assignment]] = {
    "ekman6": draw_ekman6,
    "videoemotion8": draw_videoemotion8,
}
#: The values of --split-file, for messages.
FORMS = (
    "CSV|hmdb51:DIR|ucf101:DIR|ekman6[:DIR]|videoemotion8[:DIR]|hume-reaction:FILE_OR_DIR|random"
)


def split_file_name(split_file: str | None) -> str:
    """What a cache records about a split file: its kind or name, without the path."""
    given = split_file or RANDOM
    kind, colon, _ = given.partition(":")
    return kind if colon and kind in BY_PATH else Path(given).name


def read_corpus(
    split_file: str | None,
    folder: Path,
    ids: list[str],
    seed: int = 0,
    class_folders: ClassFolders = "auto",
) -> Assignment:
    """Read a split file, one of `FORMS` (None: `random`), for the videos `ids` of a folder.

    `class_folders` says which folders are the classes, where the folders and not the split file do.
    """
    videos = Videos(folder, ids)
    given = split_file or RANDOM
    if given == RANDOM:
        return read_class_folders(videos, seed, class_folders)
    kind, colon, where = given.partition(":")
    path = Path(where)
    if class_folders != "auto" and (kind in BY_PATH or given in BY_RULE):
        raise FrameSelectError(
            f"--class-folders {class_folders}: cannot be used with --split-file {kind}, whose "
            "classes are the top-level folders"
        )
    if not colon and kind in BY_RULE:
        return BY_RULE[kind](videos, seed)
    if kind in BY_PATH:
        if not colon:
            raise FrameSelectError(
                f"--split-file {kind}: give the official files too; choose from {FORMS}"
            )
        if kind != HUME_REACTION and not path.is_dir():
            raise FrameSelectError(f"{path}: no such folder of split files (--split-file)")
        return BY_PATH[kind](path, videos)
    path = Path(given)
    if not path.is_file():
        raise FrameSelectError(f"{path}: no such split file (--split-file); choose from {FORMS}")
    return read_csv(path, videos, class_folders)
