"""Reading any kind of split file."""

from collections.abc import Callable
from pathlib import Path

from data.corpora.assignment import Assignment, Videos
from data.corpora.class_folders import read_class_folders
from data.corpora.csv_table import read_csv
from data.corpora.ekman6 import draw_ekman6, read_ekman6
from data.corpora.hmdb51 import read_hmdb51
from data.corpora.hume_reaction import read_hume_reaction
from data.corpora.ucf101 import read_ucf101
from data.corpora.videoemotion8 import draw_videoemotion8, read_videoemotion8
from frame_select_env.errors import FrameSelectError

RANDOM = "random"
# NAME:DIR, with the official files in a folder.
BY_FOLDER: dict[str, Callable[[Path, Videos], Assignment]] = {
    "hmdb51": read_hmdb51,
    "ucf101": read_ucf101,
    "ekman6": read_ekman6,
    "videoemotion8": read_videoemotion8,
}
# NAME alone, by a rule.
BY_RULE: dict[str, Callable[[Videos, int], Assignment]] = {
    RANDOM: read_class_folders,
    "ekman6": lambda videos, seed: draw_ekman6(videos),
    "videoemotion8": draw_videoemotion8,
}
HUME_REACTION = "hume-reaction"
#: The values of --split-file, for messages.
FORMS = (
    "CSV|hmdb51:DIR|ucf101:DIR|ekman6[:DIR]|videoemotion8[:DIR]|hume-reaction:FILE_OR_DIR|random"
)


def split_file_name(split_file: str | None) -> str:
    """What a cache records about a split file: its kind or name, without the path."""
    given = split_file or RANDOM
    kind, colon, _ = given.partition(":")
    return kind if colon and kind in (*BY_FOLDER, HUME_REACTION) else Path(given).name


def read_corpus(split_file: str | None, folder: Path, ids: list[str], seed: int = 0) -> Assignment:
    """Read a split file for the videos of a folder.

    Args:
        split_file: The path of a CSV; `hmdb51:DIR`, `ucf101:DIR`, `ekman6:DIR` or
            `videoemotion8:DIR` with the official text files in DIR; `hume-reaction:` with
            data_info.csv or its folder; `ekman6`, `videoemotion8` or `random` alone; None:
            `random`.
        folder: The folder of class folders, for messages.
        ids: The videos in it, `class/video` without suffix.
        seed: Seed of a random split, at least 0.

    Returns:
        The assignment. Listed videos that the folder does not contain are in `missing`: the caller
        decides whether that is an error.

    Raises:
        FrameSelectError: naming the file, the line or video, and the problem.
    """
    videos = Videos(folder, ids)
    kind, colon, where = (split_file or RANDOM).partition(":")
    if not colon and kind in BY_RULE:
        return BY_RULE[kind](videos, seed)
    if not colon and (kind in BY_FOLDER or kind == HUME_REACTION):
        raise FrameSelectError(
            f"--split-file {kind}: give the official files too; choose from {FORMS}"
        )
    if colon and kind == HUME_REACTION:
        return read_hume_reaction(Path(where), videos)
    if colon and kind in BY_FOLDER:
        directory = Path(where)
        if not directory.is_dir():
            raise FrameSelectError(f"{directory}: no such folder of split files (--split-file)")
        return BY_FOLDER[kind](directory, videos)
    path = Path(split_file or RANDOM)
    if not path.is_file():
        raise FrameSelectError(f"{path}: no such split file (--split-file); choose from {FORMS}")
    return read_csv(path, videos)
