"""Split files: a CSV of one's own, HMDB51's and UCF101's official files."""

from pathlib import Path

import pytest

from data.corpora import read_corpus
from frame_select_env.errors import FrameSelectError

FOLDER = Path("features")
IDS = ["dive/a.b", "dive/c", "wave/a", "wave/d"]


def csv(tmp_path: Path, text: str) -> str:
    path = tmp_path / "splits.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_csv_finds_videos_with_and_without_suffix(tmp_path: Path) -> None:
    text = "video,split\ndive/a.b,train\ndive/c.avi,test\nwave\\a.npy,val\n"
    assignment = read_corpus(csv(tmp_path, text), FOLDER, IDS)
    assert assignment.splits == {"default": ["train", "test", "val", ""]}
    assert assignment.classes == ["dive", "wave"]
    assert assignment.labels == ["dive", "dive", "wave", "wave"]
    assert assignment.groups is None
    assert "1 videos" in assignment.notes[0] and "wave/d" in assignment.notes[0]


def test_csv_labels_groups_and_folds(tmp_path: Path) -> None:
    text = (
        "\ufeffsplit, group ,video,label,split.b,fps\n"
        "train,g1,dive/a.b,10,test,25\ntrain,g2,dive/c,9,,25\n\ntest,g1,wave/a,9,train,25\n"
    )
    assignment = read_corpus(csv(tmp_path, text), FOLDER, IDS)
    assert assignment.classes == ["9", "10"]
    assert assignment.labels == ["10", "9", "9", None]
    assert assignment.groups == ["g1", "g2", "g1", ""]
    assert assignment.splits == {
        "default": ["train", "train", "test", ""],
        "b": ["test", "", "train", ""],
    }
    assert "fps" in assignment.notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no column 'video'"]),
        ("name,split\n", ["no column 'video'", "name"]),
        ("video;split\n", ["no column 'video'", "video;split"]),
        ("video\ndive/c\n", ["no column 'split'"]),
        ("video,split\n", ["lists no video"]),
        ("video,split\ndive/x,train\n", ["line 2", "'dive/x'", "no .npy", "features"]),
        ("video,split\ndive/c,train\ndive/c.avi,test\n", ["line 3", "'dive/c.avi'", "twice"]),
        ("video,split\ndive/c,training\n", ["line 2", "'dive/c'", "'training'"]),
        ("video,split,split.x\ndive/c,train,Test\n", ["line 2", "'Test'"]),
        ("video,split,label\ndive/c,train,\n", ["line 2", "label"]),
        ("video,split,group\ndive/c,train,\n", ["line 2", "group"]),
        ("video,split\ndive/c\n", ["line 2", "2 cells"]),
        ("video,split\ndive/c,train,x\n", ["line 2", "2 cells"]),
    ],
)
def test_csv_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(FrameSelectError) as error:
        read_corpus(csv(tmp_path, text), FOLDER, IDS)
    for word in ["splits.csv", *words]:
        assert word in str(error.value)


def test_csv_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.write_bytes(b"video,split\n\xff\xfe,train\n")
    with pytest.raises(FrameSelectError, match="not a UTF-8 CSV"):
        read_corpus(str(path), FOLDER, IDS)


HMDB = {
    "dive_test_split1.txt": "a.b.avi 1 \nc.avi 2 \n",
    "wave_test_split1.txt": "a.avi 1 \n\nd.avi 0 \n",
    "dive_test_split2.txt": "a.b.avi 2\nc.avi 1\n",
    "wave_test_split2.txt": "a.avi 2\nd.avi 1\n",
}


def official(tmp_path: Path, files: dict[str, str], kind: str) -> str:
    directory = tmp_path / "official"
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text)
    return f"{kind}:{directory}"


def test_hmdb51(tmp_path: Path) -> None:
    assignment = read_corpus(official(tmp_path, HMDB, "hmdb51"), FOLDER, [*IDS, "wave/e f"])
    assert assignment.splits == {
        "default": ["train", "test", "train", "", ""],
        "split1": ["train", "test", "train", "", ""],
        "split2": ["test", "train", "test", "train", ""],
    }
    assert assignment.classes == ["dive", "wave"]
    assert assignment.groups is None
    # wave/d is listed, as unused; wave/e f is not.
    assert assignment.notes == ["1 videos stand in no split and are unused: wave/e f ..."]


def test_hmdb51_names_may_hold_spaces_and_brackets(tmp_path: Path) -> None:
    files = {"dive_test_split1.txt": "Oceans (2009) a#1_x_.avi 1\n"}
    ids = ["dive/Oceans (2009) a#1_x_"]
    assignment = read_corpus(official(tmp_path, files, "hmdb51"), FOLDER, ids)
    assert assignment.splits["split1"] == ["train"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ["CLASS_test_split1.txt"]),
        ({**HMDB, "wave_test_split2.txt": None}, ["wave_test_split2.txt is missing"]),
        (
            {**HMDB, "wave_test_split1.txt": "a.avi 1\nz.avi 2\n"},
            ["wave_test_split1.txt", "line 2", "'z.avi'", "features/wave"],
        ),
        ({**HMDB, "dive_test_split1.txt": "a.b.avi 3\n"}, ["dive_test_split1.txt", "line 1"]),
        ({**HMDB, "dive_test_split1.txt": "a.b.avi\n"}, ["dive_test_split1.txt", "line 1"]),
    ],
)
def test_hmdb51_refused(tmp_path: Path, files: dict[str, str | None], words: list[str]) -> None:
    present = {name: text for name, text in files.items() if text is not None}
    with pytest.raises(FrameSelectError) as error:
        read_corpus(official(tmp_path, present, "hmdb51"), FOLDER, IDS)
    for word in words:
        assert word in str(error.value)


CLIPS = ["Bowl/v_Bowl_g01_c01", "Bowl/v_Bowl_g08_c02", "Archery/v_Archery_g01_c01", "Archery/other"]
UCF = {
    "classInd.txt": "1 Bowl\n2 Archery\n",
    "trainlist01.txt": "Bowl/v_Bowl_g08_c02.avi 1\r\nArchery/v_Archery_g01_c01.avi 2\r\n",
    "testlist01.txt": "Bowl/v_Bowl_g01_c01.avi\n",
    "trainlist03.txt": "Bowl/v_Bowl_g01_c01.avi 1\n",
    "testlist03.txt": "Archery/v_Archery_g01_c01.avi\n",
}


def test_ucf101(tmp_path: Path) -> None:
    assignment = read_corpus(official(tmp_path, UCF, "ucf101"), FOLDER, CLIPS)
    # In the order of classInd.txt, which is not the alphabet's.
    assert assignment.classes == ["Bowl", "Archery"]
    assert assignment.labels == ["Bowl", "Bowl", "Archery", "Archery"]
    assert assignment.groups == ["Bowl_g01", "Bowl_g08", "Archery_g01", "Archery/other"]
    assert assignment.splits == {
        "default": ["test", "train", "train", ""],
        "split1": ["test", "train", "train", ""],
        "split3": ["train", "", "test", ""],
    }


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("classInd.txt", None, ["classInd.txt: is missing"]),
        ("classInd.txt", "Bowl\n", ["classInd.txt", "line 1"]),
        ("classInd.txt", "1 Bowl\n", ["'Archery'", "classInd.txt"]),
        ("testlist01.txt", None, ["testlist01.txt: is missing"]),
        ("testlist01.txt", "Bowl/v_Bowl_g09_c01.avi", ["testlist01.txt", "line 1", "g09_c01"]),
        ("testlist01.txt", "Bowl/v_Bowl_g08_c02.avi", ["testlist01.txt", "g08_c02", "twice"]),
    ],
)
def test_ucf101_refused(tmp_path: Path, name: str, text: str | None, words: list[str]) -> None:
    files = {**UCF, name: text}
    present = {name: text for name, text in files.items() if text is not None}
    with pytest.raises(FrameSelectError) as error:
        read_corpus(official(tmp_path, present, "ucf101"), FOLDER, CLIPS)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("kind", ["hmdb51", "ucf101"])
def test_folders_of_split_files_that_are_not_there(tmp_path: Path, kind: str) -> None:
    with pytest.raises(FrameSelectError, match="absent: no such folder"):
        read_corpus(f"{kind}:{tmp_path}/absent", FOLDER, IDS)
    if kind == "ucf101":
        only = {"classInd.txt": UCF["classInd.txt"]}
        with pytest.raises(FrameSelectError, match="trainlist01.txt"):
            read_corpus(official(tmp_path, only, kind), FOLDER, CLIPS)
