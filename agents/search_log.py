"""The log of a search: a CSV file with a row for every run, appended as the runs end."""

import csv
import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from agents.evaluation.files import whole_file
from agents.searching import Trial, TrialScore
from agents.training.run_folder import as_json
from frame_select_env import FrameSelectError, open_cache

# What a run is, and what came of it; `task` and `cache` (its digest) tell apart what a later search
# asks for under other settings, or of data that have changed.
KEY = ("agent", "trial", "hyper", "data", "seed", "task", "cache")
COLUMNS = (
    *("agent", "trial", "hyper", "data", "seed"),
    *("validation", "validation_p_c", "episodes", "seconds", "task", "cache"),
)

Key = tuple[str, ...]


def make_key(text: str, trial: Trial, data: str, keywords: Mapping[str, object]) -> Key:
    """What a run is known by in the log: the values of the columns `KEY`.

    Args:
        text: The agent as the search named it.
        trial: What is tried.
        data: The cache.
        keywords: Of the run's task.
    """
    whole = as_json(trial.choice.config)
    task = {name: value for name, value in keywords.items() if name != "seed"}
    return (
        text,
        str(trial.number),
        json.dumps(whole),
        data,
        str(keywords["seed"]),
        json.dumps(task, sort_keys=True),
        open_cache(data).digest,
    )


def folder_name(key: Key) -> str:
    """A name for the run's folder that no other run has."""
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]


def read_log(path: Path) -> dict[Key, TrialScore]:
    """The runs of a log, empty if there is no file.

    A line that was cut off when a search was killed is removed from the file.

    Raises:
        FrameSelectError: if the file is no log.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise FrameSelectError(f"{path}: cannot be read: {error}") from None
    whole = text[: text.rfind("\n") + 1]
    rows = list(csv.DictReader(io.StringIO(whole, newline="")))
    header = next(csv.reader(io.StringIO(whole, newline="")), None)
    if whole and header != list(COLUMNS):
        raise FrameSelectError(f"{path}: is no log of a search; choose another --out")
    if whole != text:
        with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            file.write(whole)
    try:
        return {tuple(row[name] for name in KEY): _score(row) for row in rows}
    except (ValueError, TypeError) as error:
        raise FrameSelectError(f"{path}: holds a row that is no run: {error}") from None


def append(path: Path, key: Key, score: TrialScore) -> None:
    """Add a run to the log, in one piece."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if not path.is_file() or not path.stat().st_size:
        writer.writeheader()
    row = {**dict(zip(KEY, key, strict=True)), **dataclasses.asdict(score)}
    writer.writerow(row)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, text.getvalue().encode())
    finally:
        os.close(descriptor)


def means(scores: Iterable[TrialScore]) -> TrialScore:
    """The means over runs; episodes are whole."""
    rows = [dataclasses.astuple(score) for score in scores]
    validation, p_c, episodes, seconds = (
        sum(column) / len(rows) for column in zip(*rows, strict=True)
    )
    return TrialScore(validation, p_c, round(episodes), seconds)


def _score(row: dict[str, str]) -> TrialScore:
    return TrialScore(
        float(row["validation"]),
        float(row["validation_p_c"]),
        int(row["episodes"]),
        float(row["seconds"]),
    )
