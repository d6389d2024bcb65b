"""What picking writes: pictures, frames.json and frames.csv; frames.json last, so it means done."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from agents.picking.selection import Selection
from frame_select_env import FrameSelectError
from frame_select_env.storage import write_whole, writing

JSON, CSV = "frames.json", "frames.csv"
VERSION = 1  # of frames.json
COLUMNS = ("video", "file", "frame", "seconds", "score")


def write_selection(
    folder: Path, video: str, selection: Selection, outputs: Mapping[str, list[Any]], asked: Any
) -> dict[str, Any]:
    """Write a video's pictures 000.png, 001.png, ... and its tables into a folder.

    Args:
        folder: The folder.
        video: What the tables call the video.
        selection: The frames.
        outputs: More columns of the tables, [m] each, see `output_columns`.
        asked: What decides the result, as JSON types: it is kept, for `read_finished`.

    Returns:
        The content of frames.json.

    Raises:
        UnwritableError: if something cannot be written.
        VideoError: if a frame cannot be decoded; nothing is written then.
    """
    pictures = [_png(picture) for picture in selection.pictures()]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / JSON).unlink(missing_ok=True)
        for old in folder.glob("[0-9]*.png"):
            if old.stem.isdecimal():
                old.unlink()
    files = [f"{number:03d}.png" for number in range(len(pictures))]
    for name, picture in zip(files, pictures, strict=True):
        write_whole(folder / name, picture)
    entry = {
        "version": VERSION,
        "video": video,
        "files": files,
        "seconds": [round(value, 6) for value in selection.seconds.tolist()],
        "scores": selection.scores.tolist(),
        **outputs,
        "video_metadata": selection.video_metadata,
        "asked": asked,
    }
    write_tables(folder, entry, [entry])
    return entry


def write_tables(
    folder: Path, content: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]
) -> None:
    """Write frames.csv, a row per frame of the `entries`, and then frames.json."""
    rows = [row for entry in entries for row in frame_rows(entry)]
    columns = list(rows[0]) if rows else list(COLUMNS)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / CSV, text.getvalue())
    write_whole(folder / JSON, json.dumps(content, indent=2) + "\n")


def read_finished(folder: Path) -> dict[str, Any] | None:
    """The content of a folder's frames.json; None if the folder is not finished.

    Raises:
        FrameSelectError: if it is damaged, or not what `pick` writes.
    """
    file = folder / JSON
    if not file.is_file():
        return None
    try:
        entry = json.loads(file.read_text(encoding="utf-8"))
        if entry["version"] == VERSION:
            return entry
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise FrameSelectError(f"{file}: was not written by this version; add --overwrite")


def output_columns(
    predictions: np.ndarray, classes: tuple[str, ...], task: str
) -> dict[str, list[Any]]:
    """Columns of the tables from predictions [m, C].

    The class and its probability of each frame, or of a regression the value of each target; none
    where one class is all there is.
    """
    if task == "classification" and len(classes) == 1:
        return {}
    if task == "regression":
        return {f"predicted {name}": predictions[:, k].tolist() for k, name in enumerate(classes)}
    best = predictions.argmax(axis=1)
    probability = predictions.max(axis=1)
    return {"predicted": [classes[k] for k in best], "probability": probability.tolist()}


def frame_rows(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of frames.csv of a video, from the content of its frames.json."""
    names = {"file": "files", "seconds": "seconds", "score": "scores"}
    known = {"version", "video", "video_metadata", "asked", *names.values()}
    outputs = [name for name in entry if name not in known]
    columns = {column: entry[name] for column, name in names.items()}
    columns["frame"] = entry["video_metadata"]["frames_indices"]
    columns |= {name: entry[name] for name in outputs}
    count = len(entry["files"])
    ordered = [*COLUMNS[1:], *outputs]
    return [
        {"video": entry["video"], **{name: columns[name][row] for name in ordered}}
        for row in range(count)
    ]


def _png(picture: np.ndarray) -> bytes:
    """A picture [h, w, 3] uint8 as the content of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
