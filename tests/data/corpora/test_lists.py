"""Split files: lists of training and test videos; UCF101."""

from pathlib import Path

import pytest

from data.corpora import read_corpus

FOLDER = Path("features")
CLIPS = ["Bowl/v_Bowl_g01_c01", "Bowl/v_Bowl_g08_c02", "Archery/v_Archery_g01_c01", "Archery/other"]
UCF = {
    "classInd.txt": "1 Bowl\n2 Archery\n3 Basketball\n",
    "trainlist01.txt": "Bowl/v_Bowl_g08_c02.avi 1\r\nArchery/v_Archery_g01_c01.avi 2\r\n",
    "testlist01.txt": "Bowl/v_Bowl_g01_c01.avi\n",
    "trainlist03.txt": "Bowl/v_Bowl_g01_c01.avi 1\n",
    "testlist03.txt": "Archery/v_Archery_g01_c01.avi\n",
}


def test_ucf101(official) -> None:
    assignment = read_corpus(official("ucf101", UCF), FOLDER, CLIPS)
    # In the order of classInd.txt, which is not the alphabet's; without those that have no video.
    assert assignment.outputs == ["Bowl", "Archery"]
    assert assignment.labels == ["Bowl", "Bowl", "Archery", "Archery"]
    assert assignment.groups == ["Bowl_g01", "Bowl_g08", "Archery_g01", "Archery/other"]
    assert assignment.splits == {
        "default": ["test", "train", "train", ""],
        "split1": ["test", "train", "train", ""],
        "split3": ["train", "", "test", ""],
    }
    assert assignment.missing == []
    assert assignment.notes == [
        "UCF101: 4 videos are here, not the official 13320",
        "UCF101: 2 classes are here, not the official 101",
        "UCF101: split1: train 2 of 9537, test 1 of 3783 videos",
        "UCF101: split2 is not here",
        "UCF101: split3: train 1 of 9624, test 1 of 3696 videos",
        "1 videos stand in no split and are unused: Archery/other ...",
    ]


def test_the_clips_that_ucf101_spells_in_two_ways(official) -> None:
    name = "HandstandPushups/v_HandStandPushups_g01_c01"
    files = {
        "classInd.txt": "1 HandstandPushups\n",
        "trainlist01.txt": f"{name}.avi 1\n",
        "testlist01.txt": "",
    }
    ids = [name.replace("v_HandS", "v_Hands")]
    assignment = read_corpus(official("ucf101", files), FOLDER, ids)
    assert assignment.splits["default"] == ["train"] and assignment.missing == []


def test_absent_videos_are_told(official) -> None:
    split_file = official("ucf101", UCF)
    assignment = read_corpus(split_file, FOLDER, CLIPS[1:])
    directory = split_file.partition(":")[2]
    assert assignment.missing == [
        f"{directory}/testlist01.txt: line 1: video 'Bowl/v_Bowl_g01_c01.avi' has no file in "
        "features",
        f"{directory}/trainlist03.txt: line 1: video 'Bowl/v_Bowl_g01_c01.avi' has no file in "
        "features",
    ]
    assert assignment.notes[0].endswith(": Bowl 1 of 2")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("classInd.txt", None, ["classInd.txt: is missing"]),
        ("classInd.txt", "Bowl\n", ["classInd.txt", "line 1"]),
        ("classInd.txt", "1 Bowl\n", ["'Archery'", "classInd.txt"]),
        ("testlist01.txt", None, ["testlist01.txt: is missing"]),
        ("testlist01.txt", "v_Bowl_g08_c02.avi", ["testlist01.txt", "line 1", "Class/video"]),
        ("testlist01.txt", "Bowl/v_Bowl_g08_c02.avi", ["testlist01.txt", "g08_c02", "twice"]),
    ],
)
def test_ucf101_refused(official, refused, name: str, text: str | None, words: list[str]) -> None:
    refused(official("ucf101", {**UCF, name: text}), CLIPS, words)


def test_refused_places(tmp_path: Path, official, refused) -> None:
    for kind in ("ucf101",):
        refused(f"{kind}:{tmp_path}/absent", CLIPS, ["absent: no such folder"])
        only = {"classInd.txt": UCF["classInd.txt"]}
        refused(official(kind, only), CLIPS, ["holds no trainlist01.txt"])
    refused("ucf101", CLIPS, ["ucf101 needs the official files", "ucf101:DIR"])
