"""Split files: Hume-Reaction's data_info.csv."""

from pathlib import Path

import numpy as np
import pytest

from data.corpora.read import read_corpus

FOLDER = Path("videos")
HEADER = "File_ID,Adoration,Amusement,Anxiety,Disgust,Empathic-Pain,Fear,Surprise,Split"
ROWS = [
    "[00001],0.1,0.2,0.3,0.4,0.5,0.6,0.7,Train",
    "[2],1,0,0,0,0,0,0,Val",
    "[3],,,,,,,,Test",
    "[4],0,0,0,0,0,0,1,Test",
]
IDS = ["00001", "2", "3", "4", "5"]


def info(tmp_path: Path, rows: list[str], header: str = HEADER) -> str:
    (tmp_path / "data_info.csv").write_text("\n".join([header, *rows]))
    return f"hume-reaction:{tmp_path}"


def test_intensities_and_splits(tmp_path: Path) -> None:
    assignment = read_corpus(info(tmp_path, ROWS), FOLDER, IDS)
    assert assignment.outputs[4] == "Empathic Pain" and len(assignment.outputs) == 7
    assert assignment.labels == [] and assignment.groups is None
    # Hidden labels: unused. 5 is not listed.
    assert assignment.splits == {"default": ["train", "val", "", "test", ""]}
    assert assignment.targets is not None and assignment.targets.shape == (5, 7)
    np.testing.assert_allclose(assignment.targets[0], np.arange(1, 8) / 10, rtol=1e-6)
    assert not assignment.targets[[2, 4]].any()
    assert assignment.missing == []
    assert assignment.notes == [
        "Hume-Reaction: found 5 of the official 25067 videos",
        "Hume-Reaction: train 1 of 15806, val 1 of 4657, test 1 of 4604 videos",
        "1 video in no split, not used: 5",
        "data_info.csv: 1 video without intensities, not used",
    ]


def test_the_file_itself_folders_and_subjects(tmp_path: Path) -> None:
    header = f"Subject_ID,{HEADER}".replace("Empathic-Pain", "Empathic Pain")
    rows = [f"s{number % 2},{row}" for number, row in enumerate(ROWS)]
    info(tmp_path, rows, header)
    split_file = f"hume-reaction:{tmp_path / 'data_info.csv'}"
    assignment = read_corpus(split_file, FOLDER, ["mp4/00001", "mp4/2", "mp4/4"])
    assert assignment.groups == ["s0", "s1", "s1"]
    assert assignment.splits["default"] == ["train", "val", "test"]
    path = tmp_path / "data_info.csv"
    assert assignment.missing == [f"{path}: line 4: video '3' has no file in videos"]


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        (HEADER.replace("File_ID", "ID"), ROWS, ["no column 'File_ID'"]),
        (HEADER.replace("Split", "Set"), ROWS, ["no column 'Split'"]),
        (HEADER.replace("Empathic-Pain", "Pain"), ROWS, ["no column 'Empathic Pain'", "Pain"]),
        (HEADER, [], ["lists no video"]),
        (HEADER, [ROWS[0].replace("Train", "Dev")], ["line 2", "'Dev'", "Train, Val or Test"]),
        (HEADER, [ROWS[0], ROWS[0]], ["line 3", "'00001'", "is duplicated"]),
        (HEADER, [ROWS[0].replace("0.5", "")], ["line 2", "Empathic-Pain", "number"]),
        (HEADER, [ROWS[0].replace("0.5", "high")], ["line 2", "Empathic-Pain", "'high'"]),
    ],
)
def test_refused(tmp_path: Path, refused, header: str, rows: list[str], words: list[str]) -> None:
    refused(info(tmp_path, rows, header), IDS, ["data_info.csv", *words])


def test_refused_places(tmp_path: Path, refused) -> None:
    refused(f"hume-reaction:{tmp_path}", IDS, ["data_info.csv: no such file"])
    refused(f"hume-reaction:{tmp_path}/x.csv", IDS, ["x.csv: no such file"])
    refused("hume-reaction", IDS, ["hume-reaction: give the official files"])
