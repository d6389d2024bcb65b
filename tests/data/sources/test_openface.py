"""OpenFace's CSVs: columns, several faces, times, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.__main__ import main
from data.sources.openface import openface_kind
from frame_select_env import FeatureCache, FrameSelectError

# The order of RecorderCSV.cpp, cut short.
GAZE = [f"gaze_{eye}_{axis}" for eye in "01" for axis in "xyz"] + ["gaze_angle_x", "gaze_angle_y"]
POSE = [f"pose_{name}" for name in ("Tx", "Ty", "Tz", "Rx", "Ry", "Rz")]
LANDMARKS = [f"{axis}_0" for axis in "xyXYZ"]
UNITS = ["AU01_r", "AU45_r", "AU01_c", "AU28_c"]
META = ["frame", "face_id", "timestamp", "confidence", "success"]
HEADER = [
    *META, *GAZE, "eye_lmk_x_0", "eye_lmk_X_55", *POSE, *LANDMARKS, "p_scale", "p_rx", *UNITS
]  # fmt: skip
VIDEOS = [f"{name}/{name}{number}" for name in ("happy", "sad") for number in range(6)]


def table(frames: int, seed: int = 0) -> np.ndarray:
    """Rows of one face: random numbers, frames from 1, 30 a second, all found."""
    rows = np.random.default_rng(seed).normal(size=(frames, len(HEADER))).round(3)
    rows[:, 0] = np.arange(1, frames + 1)
    rows[:, 1] = 0
    rows[:, 2] = (np.arange(frames) / 30).round(3)
    rows[:, 3], rows[:, 4] = 0.98, 1
    return rows


def write(file: Path, rows: np.ndarray, header: list[str] = HEADER) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [", ".join(header), *(", ".join(f"{v:g}" for v in row) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    return file


def places(names: list[str]) -> list[int]:
    return [HEADER.index(name) for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve videos of two classes, 3 to 8 frames; the split file lies beside them."""
    lines = ["video,split"]
    for number, video in enumerate(VIDEOS):
        write(tmp_path / "faces" / f"{video}.csv", table(3 + number % 6, seed=number))
        lines.append(f"{video},{'test' if video[-1] in '45' else 'train'}")
    (tmp_path / "faces" / "splits.csv").write_text("\n".join(lines))
    return tmp_path / "faces"


def imported(folder: Path, *options: str) -> FeatureCache:
    out = folder.parent / "out.h5"
    splits = str(folder / "splits.csv")
    main(["import", str(folder), str(out), "--split-file", splits, *options])
    return FeatureCache(out)


def test_from_csv_to_cache(folder: Path) -> None:
    cache = imported(folder)
    assert cache.ids.tolist() == VIDEOS
    assert cache.classes == ("happy", "sad")
    assert cache.lengths.tolist() == [3 + number % 6 for number in range(12)]
    assert cache.frame_datasets == ("time",)
    for row in range(12):
        rows, length = table(3 + row % 6, seed=row), cache.lengths[row]
        features = cache.features()[cache.start[row] : cache.start[row + 1]]
        np.testing.assert_allclose(features, rows[:, places(GAZE + POSE + UNITS)], rtol=1e-6)
        clips = cache.read(np.array([row]), num_frames=length)
        np.testing.assert_allclose(clips.time[0], rows[:, 2], rtol=1e-6)


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (["au"], UNITS),
        (["gaze"], GAZE),
        (["landmarks"], LANDMARKS),
        (["au", "pose"], POSE + UNITS),
        (["au", "gaze", "pose", "landmarks"], GAZE + POSE + LANDMARKS + UNITS),
    ],
)
def test_columns_are_chosen_in_the_files_order(
    tmp_path: Path, groups: list[str], names: list[str]
) -> None:
    video = openface_kind(groups).read(write(tmp_path / "a.csv", table(4)))
    assert video.columns == tuple(names)
    np.testing.assert_allclose(video.features, table(4)[:, places(names)], rtol=1e-6)


def test_the_flag_columns(folder: Path) -> None:
    cache = imported(folder, "--columns", "au", "landmarks")
    assert cache.feature_size() == len(UNITS + LANDMARKS)
    assert cache.provenance["columns"] == ["au", "landmarks"]


def test_of_several_faces_the_surest_is_taken(tmp_path: Path) -> None:
    first, second = table(3, seed=1), table(3, seed=2)
    first[:, 3], second[:, 3] = [0.9, 0.2, 0.5], [0.8, 0.7, 0.5]
    rows = np.stack([first, second], axis=1).reshape(6, -1)
    video = openface_kind(["au"]).read(write(tmp_path / "a.csv", rows))
    expected = np.stack([first[0], second[1], first[2]])[:, places(UNITS)]
    np.testing.assert_allclose(video.features, expected, rtol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=20))
def test_a_row_a_frame_and_none_surer(tmp_path_factory: Any, faces: list[tuple[int, int]]) -> None:
    rows = table(len(faces))
    rows[:, 0] = [frame for frame, _ in faces]
    rows[:, 3] = [confidence / 4 for _, confidence in faces]
    rows[:, places(["AU01_r"])] = rows[:, [3]]
    file = write(tmp_path_factory.mktemp("faces") / "a.csv", rows)
    features = openface_kind(["au"]).read(file).features
    frames = sorted({frame for frame, _ in faces})
    best = [max(c for frame, c in faces if frame == f) / 4 for f in frames]
    assert features[:, 0].tolist() == best


def test_frames_without_a_face_stay(tmp_path: Path) -> None:
    rows = table(3)
    rows[1, 3:] = 0
    video = openface_kind().read(write(tmp_path / "a.csv", rows))
    assert len(video.features) == 3 and not video.features[1].any()


def test_files_of_older_versions_have_no_face_id(tmp_path: Path) -> None:
    kept = [place for place, name in enumerate(HEADER) if name != "face_id"]
    names = [HEADER[place] for place in kept]
    video = openface_kind().read(write(tmp_path / "a.csv", table(2)[:, kept], names))
    assert len(video.columns) == len(GAZE + POSE + UNITS)


TEXT = ", ".join(HEADER) + "\n"
REFUSED: dict[str, tuple[str, list[str]]] = {
    "of single images": ("face, confidence, AU01_r\n0, 1, 1\n", ["'frame'", "FeatureExtraction"]),
    "empty": ("", ["no column 'frame'"]),
    "no frames": (TEXT, ["contains no frames"]),
    "no features": ("frame, timestamp, confidence\n1, 0, 1\n", ["--columns"]),
    "a word": (TEXT + ", ".join(["1"] * 20 + ["x"] + ["1"] * 9) + "\n", ["not numbers", "' x'"]),
    "a short row": (TEXT + "1, 2\n", ["not numbers"]),
    "a column twice": ("frame, frame\n1, 1\n", ["'frame' is duplicated"]),
    "no frame number": (TEXT + ", ".join(["nan"] * len(HEADER)), ["frame or timestamp is nan"]),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises(FrameSelectError) as error:
        openface_kind().read(file)
    for word in [str(file), *words]:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_what_does_not_fit_together(folder: Path, failure, tmp_path: Path) -> None:
    out, splits = tmp_path / "out.h5", folder / "splits.csv"

    def line(*options: str) -> str:
        return failure("import", folder, out, "--split-file", splits, *options)

    assert "--axis needs a folder of .npy files" in line("--axis", "view")
    assert "--objects needs a folder of .json files" in line("--objects", "3")
    assert "--fps needs an .h5 file" in line("--fps", "3")
    renamed = [name.replace("AU45_r", "AU46_r") for name in HEADER]
    bad = write(folder / "sad" / "sad3.csv", table(4), renamed)
    text = line()
    assert str(bad) in text and "columns differ from happy/happy0.csv: AU46_r" in text
    write(bad, np.where(np.arange(len(HEADER)) == HEADER.index("AU01_r"), np.nan, table(4)))
    assert "'sad/sad3'" in (text := line()) and "nan at frame 0" in text
    np.save(folder / "happy" / "happy0.npy", np.ones((3, 2)))
    text = line()
    assert "several kinds" in text
    assert "happy/happy0.csv" in text and "happy/happy0.npy" in text
    assert not out.exists()
