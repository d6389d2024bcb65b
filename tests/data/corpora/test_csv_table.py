"""Split files: a CSV of one's own."""

from pathlib import Path

import numpy as np
import pytest

from data.corpora.read import read_corpus

FOLDER = Path("features")
IDS = ["dive/a.b", "dive/c", "wave/a", "wave/d"]


def csv(tmp_path: Path, text: str) -> str:
    path = tmp_path / "splits.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_finds_videos_with_and_without_suffix(tmp_path: Path) -> None:
    text = "video,split\ndive/a.b,train\nDive/c.avi,test\nwave\\a.npy,val\n"
    assignment = read_corpus(csv(tmp_path, text), FOLDER, IDS)
    assert assignment.splits == {"default": ["train", "test", "val", ""]}
    assert assignment.outputs == ["dive", "wave"]
    assert assignment.labels == ["dive", "dive", "wave", "wave"]
    assert assignment.groups is None and assignment.targets is None
    assert assignment.missing == []
    assert assignment.notes[0] == "1 video in no split, not used: wave/d"


def test_case_counts_where_it_is_needed(tmp_path: Path) -> None:
    text = "video,split\nx/A,train\nx/a,test\n"
    assignment = read_corpus(csv(tmp_path, text), FOLDER, ["x/A", "x/a"])
    assert assignment.splits["default"] == ["train", "test"]
    ambiguous = read_corpus(csv(tmp_path, "video,split\nX/a,train\n"), FOLDER, ["x/A", "x/a"])
    assert len(ambiguous.missing) == 1


def test_labels_groups_and_folds(tmp_path: Path) -> None:
    text = (
        "\ufeffsplit, group ,video,label,split.b,fps\n"
        "train,g1,dive/a.b,10,test,25\ntrain,g2,dive/c,9,,25\n\ntest,g1,wave/a,9,train,25\n"
    )
    assignment = read_corpus(csv(tmp_path, text), FOLDER, IDS)
    assert assignment.outputs == ["9", "10"]
    assert assignment.labels == ["10", "9", "9", None]
    assert assignment.groups == ["g1", "g2", "g1", ""]
    assert assignment.splits == {
        "default": ["train", "train", "test", ""],
        "b": ["test", "", "train", ""],
    }
    assert "fps" in assignment.notes[0]


def test_absent_videos_are_told(tmp_path: Path) -> None:
    text = "video,split\ndive/x.mp4,train\ndive/c,test\nz,train\n"
    assignment = read_corpus(csv(tmp_path, text), FOLDER, IDS)
    path = tmp_path / "splits.csv"
    assert assignment.missing == [
        f"{path}: line 2: video 'dive/x.mp4' has no file in features",
        f"{path}: line 4: video 'z' has no file in features",
    ]
    assert assignment.splits["default"] == ["", "test", "", ""]


def test_targets_make_it_regression(tmp_path: Path) -> None:
    text = (
        "video,split,target.joy,group,target.fear\n"
        "a,train,0.5,g,-1e2\nb.mp4,test,1,h,0\nc,,,h,\nd,,2,h,3\n"
    )
    assignment = read_corpus(csv(tmp_path, text), FOLDER, ["a", "b", "c", "d", "e"])
    assert assignment.outputs == ["joy", "fear"]
    assert assignment.labels == []
    assert assignment.groups == ["g", "h", "h", "h", ""]
    assert assignment.splits == {"default": ["train", "test", "", "", ""]}
    assert assignment.targets is not None and assignment.targets.dtype == np.float32
    assert assignment.targets.tolist() == [[0.5, -100], [1, 0], [0, 0], [2, 3], [0, 0]]


def test_labels_need_no_class_folder(tmp_path: Path) -> None:
    text = "video,split,label\na,train,x\nb,test,y\n"
    assignment = read_corpus(csv(tmp_path, text), FOLDER, ["a", "b"])
    assert assignment.labels == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no column 'video'"]),
        ("name,split\n", ["no column 'video'", "name"]),
        ("video;split\n", ["no column 'video'", "video;split"]),
        ("video\ndive/c\n", ["no column 'split'"]),
        ("video,split,split\n", ["'split' is duplicated"]),
        ("video,split\n", ["lists no video"]),
        ("video,split\n,train\n", ["line 2", "video is empty"]),
        ("video,split\ndive/c,train\ndive/c.avi,test\n", ["line 3", "'dive/c.avi'", "duplicated"]),
        ("video,split\ndive/c,training\n", ["line 2", "'dive/c'", "'training'"]),
        ("video,split\ndive/x,training\n", ["line 2", "'dive/x'", "'training'"]),
        ("video,split,split.x\ndive/c,train,Test\n", ["line 2", "'Test'"]),
        ("video,split,label\ndive/c,train,\n", ["line 2", "label"]),
        ("video,split,group\ndive/c,train,\n", ["line 2", "group"]),
        ("video,split\ndive/c\n", ["line 2", "2 cells"]),
        ("video,split\ndive/c,train,x\n", ["line 2", "2 cells"]),
        ("video,split,label,target.x\n", ["label and target.x", "remove"]),
        ("video,split,target.x\ndive/c,train,\n", ["line 2", "target.x", "''", "number"]),
        ("video,split,target.x\ndive/c,train,low\n", ["line 2", "target.x", "'low'"]),
        ("video,split,target.x\ndive/c,train,nan\n", ["line 2", "target.x", "'nan'"]),
        ("video,split,target.x\ndive/c,,-inf\n", ["line 2", "target.x", "'-inf'"]),
        ("video,split,target.x,target.y\ndive/c,,1,\n", ["line 2", "target.y", "''"]),
        ("video,split,split.b,target.x\ndive/c,,test,\n", ["line 2", "target.x", "''"]),
    ],
)
def test_refused(tmp_path: Path, refused, text: str, words: list[str]) -> None:
    refused(csv(tmp_path, text), IDS, ["splits.csv", *words])


def test_refused_files(tmp_path: Path, refused) -> None:
    path = tmp_path / "splits.csv"
    path.write_bytes(b"video,split\n\xff\xfe,train\n")
    refused(str(path), IDS, ["not a UTF-8 CSV"])
    refused(str(tmp_path / "absent.csv"), IDS, ["absent.csv: no such split file", "ucf101:DIR"])
    refused("kinetics:DIR", IDS, ["kinetics:DIR: no such split file", "hmdb51:DIR"])
    mixed = csv(tmp_path, "video,split\na,train\n")
    words = ["features/a: is not in a class folder", "label column"]
    refused(mixed, ["a", "x/b"], words)
