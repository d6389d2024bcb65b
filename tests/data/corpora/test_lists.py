"""Split files: lists of training and test videos; UCF101, Ekman-6 and VideoEmotion-8."""

from collections import Counter
from pathlib import Path

import pytest

from data.corpora.emotions import NUMBERS, split_ekman6
from data.corpora.read import read_corpus

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
        "UCF101: found 4 of the official 13320 videos",
        "UCF101: found 2 of the official 101 classes",
        "UCF101: split1: train 2 of 9537, test 1 of 3783 videos",
        "UCF101: split2 is missing",
        "UCF101: split3: train 1 of 9624, test 1 of 3696 videos",
        "1 video in no split, not used: Archery/other",
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
        ("testlist01.txt", "Bowl/v_Bowl_g08_c02.avi", ["testlist01.txt", "g08_c02", "duplicated"]),
    ],
)
def test_ucf101_refused(official, refused, name: str, text: str | None, words: list[str]) -> None:
    refused(official("ucf101", {**UCF, name: text}), CLIPS, words)


def test_refused_places(tmp_path: Path, official, refused) -> None:
    for kind in ("ucf101", "ekman6", "videoemotion8"):
        refused(f"{kind}:{tmp_path}/absent", CLIPS, ["absent: no such folder"])
        only = {"classInd.txt": UCF["classInd.txt"]}
        refused(official(kind, only), CLIPS, ["contains no trainlist01.txt"])
    refused("ucf101", CLIPS, ["ucf101: give the official files", "ucf101:DIR"])


def test_the_rule_of_ekman6() -> None:
    split = split_ekman6()
    assert Counter(split.values()) == {"train": 819, "test": 818}
    # As in the published lists: their first and last lines of some classes.
    train = [path for path, name in split.items() if name == "train"]
    test = [path for path, name in split.items() if name == "test"]
    assert train[:2] == ["anger/1000", "anger/1002"] and test[:2] == ["anger/1001", "anger/1003"]
    assert train[-1] == "surprise/599" and test[-1] == "surprise/598"
    assert {"disgust/10", "disgust/110", "disgust/98", "joy/1113"} <= set(train)
    assert {"disgust/1", "disgust/11", "disgust/111", "joy/1112"} <= set(test)
    assert sum(last - first + 1 for first, last in NUMBERS.values()) == 1637


def test_ekman6_without_lists(refused) -> None:
    ids = [path.replace("a", "A", 1) for path in split_ekman6()]
    assignment = read_corpus("ekman6", FOLDER, ids)
    assert list(assignment.splits) == ["default"]
    assert assignment.notes == [] and assignment.missing == []
    assert assignment.outputs == ["Anger", "disgust", "feAr", "joy", "sAdness", "surprise"]

    part = read_corpus("ekman6", FOLDER, ["anger/887", "joy/1112", "joy/extra"])
    assert part.splits["default"] == ["train", "test", ""]
    assert "Ekman-6: video 'anger/888' has no file in features" in part.missing
    assert "anger 1 of 225" in part.notes[0] and "and 1 other classes" in part.notes[0]
    refused("ekman6", ["anger/x"], ["features", "ekman6:DIR"])


@pytest.mark.parametrize("kind", ["ekman6", "videoemotion8"])
def test_lists_of_emotions(official, kind: str) -> None:
    # As code for these corpora writes them: no suffix, names with dots and brackets.
    files = {
        "trainlist01.txt": "joy/BMW.Jump.Part2 5\nanger/HOW(TO)[1].avi 1\n",
        "testlist01.txt": "joy/1416 4\n",
    }
    ids = ["Anger/HOW(TO)[1].avi", "Joy/1416", "Joy/BMW.Jump.Part2"]
    assignment = read_corpus(official(kind, files), FOLDER, ids)
    assert assignment.outputs == ["Anger", "Joy"]
    assert assignment.splits["default"] == ["train", "test", "train"]
    assert ("split1" in assignment.splits) == (kind == "videoemotion8")
    assert assignment.missing == []
    ordered = read_corpus(official(kind, {"classInd.txt": "1 joy\n2 anger\n"}), FOLDER, ids)
    assert ordered.outputs == ["Joy", "Anger"]


def test_lists_of_ten_splits_are_folds_in_order(official) -> None:
    files = {}
    for number in range(1, 11):
        files[f"trainlist{number:02d}.txt"] = "joy/a 1\n"
        files[f"testlist{number:02d}.txt"] = "joy/b\n"
    assignment = read_corpus(official("videoemotion8", files), FOLDER, ["joy/a", "joy/b"])
    assert list(assignment.splits) == ["default", *(f"split{k}" for k in range(1, 11))]
