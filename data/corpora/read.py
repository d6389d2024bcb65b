"""Telling the kinds of split files apart."""

from pathlib import Path

from data.corpora.assignment import Assignment
from data.corpora.csv_table import read_csv
from data.corpora.hmdb51 import read_hmdb51
from data.corpora.ucf101 import read_ucf101
from frame_select_env.errors import FrameSelectError

OFFICIAL = {"hmdb51": read_hmdb51, "ucf101": read_ucf101}


def read_corpus(split_file: str, folder: Path, ids: list[str]) -> Assignment:
    """Read a split file for the videos of a folder.

    Args:
        split_file: The path of a CSV, or `hmdb51:DIR` or `ucf101:DIR`, DIR holding the official
            text files.
        folder: The folder of class folders, for messages.
        ids: The videos in it, `class/video` without suffix.

    Raises:
        FrameSelectError: naming the file, the line or video, and what is wrong.
    """
    kind, colon, where = split_file.partition(":")
    if colon and kind in OFFICIAL:
        directory = Path(where)
        if not directory.is_dir():
            raise FrameSelectError(f"{directory}: no such folder of split files (--split-file)")
        return OFFICIAL[kind](directory, folder, ids)
    path = Path(split_file)
    if not path.is_file():
        raise FrameSelectError(
            f"{path}: no such split file; --split-file takes a CSV, hmdb51:DIR or ucf101:DIR"
        )
    return read_csv(path, folder, ids)
