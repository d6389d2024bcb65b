"""Telling the kinds of split files apart."""

from collections.abc import Callable
from pathlib import Path

from data.corpora.assignment import Assignment
from data.corpora.csv_table import read_csv
from data.corpora.hmdb51 import read_hmdb51
from data.corpora.ucf101 import read_ucf101
from data.corpora.videos import Videos
from frame_select_env.errors import FrameSelectError

# KIND:DIR, by the official files in a folder.
BY_FOLDER: dict[str, Callable[[Path, Videos], Assignment]] = {
    "hmdb51": read_hmdb51,
    "ucf101": read_ucf101,
}
#: What --split-file takes, for its help and messages.
FORMS = "CSV|hmdb51:DIR|ucf101:DIR"


def read_corpus(split_file: str, folder: Path, ids: list[str]) -> Assignment:
    """Read a split file for the videos of a folder.

    Args:
        split_file: The path of a CSV, or `hmdb51:DIR` or `ucf101:DIR`, DIR holding the official
            text files.
        folder: The folder of class folders, for messages.
        ids: The videos in it, `class/video` without suffix.

    Returns:
        What is known of the videos. Videos that a split file names and the folder lacks stand in
        `missing`: whether that is an error is up to the caller.

    Raises:
        FrameSelectError: naming the file, the line or video, and what is wrong.
    """
    videos = Videos(folder, ids)
    kind, colon, where = split_file.partition(":")
    if not colon and kind in BY_FOLDER:
        raise FrameSelectError(f"--split-file {kind} needs the official files; it takes {FORMS}")
    if colon and kind in BY_FOLDER:
        directory = Path(where)
        if not directory.is_dir():
            raise FrameSelectError(f"{directory}: no such folder of split files (--split-file)")
        return BY_FOLDER[kind](directory, videos)
    path = Path(split_file)
    if not path.is_file():
        raise FrameSelectError(f"{path}: no such split file; --split-file takes {FORMS}")
    return read_csv(path, videos)
