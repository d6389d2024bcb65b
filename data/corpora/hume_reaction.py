"""Hume-Reaction (MuSe 2022, ABAW 2023): data_info.csv, seven intensities per video.

Columns: File_ID, Split (Train, Val, Test) and one per emotion. The File_ID `[12345]` belongs to
12345.mp4. The test labels were hidden from participants. The data need a licence, so this follows
published code that reads the file: github.com/VaianiLorenzo/ViPER (MuSe 2022) and entries to ABAW's
challenge. A column Subject_ID, found in other files of the same authors, defines groups.
"""

from pathlib import Path, PurePosixPath

import numpy as np

from data.corpora.assignment import Assignment, Official, Videos, count_notes, unlisted_note
from data.corpora.text_files import number, read_table
from frame_select_env.cache import schema
from frame_select_env.errors import FrameSelectError
from frame_select_env.wording import counted

FILE = "data_info.csv"
EMOTIONS = ["Adoration", "Amusement", "Anxiety", "Disgust", "Empathic Pain", "Fear", "Surprise"]
REQUIRED = ("File_ID", "Split")
GROUP = "Subject_ID"
HIDDEN = ("", "nan", "-")
OFFICIAL = Official(
    "Hume-Reaction",
    videos=25067,
    splits={schema.DEFAULT_FOLD: {"train": 15806, "val": 4657, "test": 4604}},
)


def read_hume_reaction(path: Path, videos: Videos) -> Assignment:
    """Read data_info.csv, or the one in a folder. Videos without intensities are unused."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise FrameSelectError(f"{file}: no such file (--split-file hume-reaction:FILE_OR_DIR)")
    rows, columns = read_table(file, REQUIRED)
    # `Empathic-Pain` is accepted for `Empathic Pain`.
    known = {column.replace("-", " ").replace("_", " ").lower(): column for column in columns}
    for emotion in EMOTIONS:
        if emotion.lower() not in known:
            raise FrameSelectError(
                f"{file}: has no column {emotion!r}; columns: {', '.join(columns)}"
            )
    emotions = [known[emotion.lower()] for emotion in EMOTIONS]
    # The videos may be in subfolders, which the file does not mention.
    by_name = {PurePosixPath(video).name: video for video in videos.ids}
    splits: dict[str, str] = {}
    targets: dict[str, list[float]] = {}
    groups: dict[str, str] = {}
    for line, row in rows:
        where = f"{file}: line {line}"
        name = row["File_ID"].strip("[]'\" ")
        split = row["Split"].lower()
        if split not in ("train", "val", "test"):
            raise FrameSelectError(f"{where}: Split {row['Split']!r} is not Train, Val or Test")
        video = videos.find(by_name.get(PurePosixPath(name).name, name), where, name, taken=splits)
        if video is None:
            continue
        groups[video] = row.get(GROUP, "")
        cells = {column: row[column] for column in emotions}
        hidden = all(cell.lower() in HIDDEN for cell in cells.values())
        splits[video] = "" if hidden else split
        if not hidden:
            targets[video] = [number(cell, f"{where}: {column}") for column, cell in cells.items()]
    if not rows:
        raise FrameSelectError(f"{file}: lists no videos")
    fold = {schema.DEFAULT_FOLD: [splits.get(video, "") for video in videos.ids]}
    notes = count_notes(OFFICIAL, videos.ids, fold) + unlisted_note(videos.ids, splits)
    if hidden_videos := len(splits) - len(targets):
        unused = counted(hidden_videos, "video")
        notes.append(f"{file.name}: {unused} without intensities, not used")
    none = [0.0] * len(EMOTIONS)
    return Assignment(
        outputs=EMOTIONS.copy(),
        labels=[],
        splits=fold,
        groups=[groups.get(video, "") for video in videos.ids] if GROUP in columns else None,
        targets=np.array([targets.get(video, none) for video in videos.ids], np.float32),
        notes=notes,
        missing=videos.missing,
    )
