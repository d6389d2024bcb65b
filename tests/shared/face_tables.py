"""Made CSVs of OpenFace, with a table that keeps people apart."""

from pathlib import Path

import numpy as np

COLUMNS = ("frame", "face_id", "timestamp", "confidence", "success", "gaze_angle_x", "pose_Rx")
COLUMNS += ("AU06_r", "AU12_r", "AU04_c")
EMOTIONS = ("anger", "joy")


def write_faces(folder: Path, people: str = "stuv", frames: int = 8) -> None:
    """Write faces/EMOTION/PERSON0N.csv and people.csv; an emotion shows in half of the frames."""
    rng = np.random.default_rng(0)
    lines = ["video,split,group"]
    for label, emotion in enumerate(EMOTIONS):
        (folder / "faces" / emotion).mkdir(parents=True)
        for person in people:
            for number in range(3):
                rows = rng.normal(size=(frames, len(COLUMNS)))
                rows[:, :5] = 0
                rows[:, 0], rows[:, 2] = np.arange(1, frames + 1), np.arange(frames) / 30
                rows[:, 3:5] = 1
                rows[frames // 2 :, 7:9] += 3 * label
                name = f"{emotion}/{person}{number:02d}.csv"
                text = "\n".join(", ".join(f"{value:.3f}" for value in row) for row in rows)
                (folder / "faces" / name).write_text(f"{', '.join(COLUMNS)}\n{text}\n")
                lines.append(f"{name},{'test' if person == people[-1] else 'train'},{person}")
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
