"""Split files: HMDB51's official ones."""

from pathlib import Path

import pytest

from data.corpora.read import read_corpus

FOLDER = Path("features")
IDS = ["dive/a.b", "dive/c", "wave/a", "wave/d"]
HMDB = {
    "dive_test_split1.txt": "a.b.avi 1 \nc.avi 2 \n",
    "wave_test_split1.txt": "a.avi 1 \n\nd.avi 0 \n",
    "dive_test_split2.txt": "a.b.avi 2\nc.avi 1\n",
    "wave_test_split2.txt": "a.avi 2\nd.avi 1\n",
}


def test_splits_are_folds(official) -> None:
    assignment = read_corpus(official("hmdb51", HMDB), FOLDER, [*IDS, "wave/e f"])
    assert assignment.splits == {
        "default": ["train", "test", "train", "", ""],
        "split1": ["train", "test", "train", "", ""],
        "split2": ["test", "train", "test", "train", ""],
    }
    assert assignment.outputs == ["dive", "wave"]
    assert assignment.groups is None and assignment.missing == []
    # wave/d is listed, as unused; wave/e f is not.
    assert assignment.notes == [
        "HMDB51: found 5 of the official 6766 videos",
        "HMDB51: found 2 of the official 51 classes",
        "HMDB51: split1: train 2 of 3570, test 1 of 1530 videos",
        "HMDB51: split2: train 2 of 3570, test 2 of 1530 videos",
        "HMDB51: split3 is missing",
        "1 video in no split, not used: wave/e f",
    ]


def test_absent_videos_are_told_by_line_and_by_class(official) -> None:
    split_file = official("hmdb51", HMDB)
    assignment = read_corpus(split_file, FOLDER, ["dive/c", "wave/a"])
    directory = split_file.partition(":")[2]
    assert assignment.missing[0] == (
        f"{directory}/dive_test_split1.txt: line 1: video 'a.b.avi' has no file in features"
    )
    assert len(assignment.missing) == 4
    assert assignment.notes[0] == (
        "HMDB51: found 2 of the official 6766 videos: dive 1 of 2, wave 1 of 2"
    )


def test_the_whole_corpus_leaves_nothing_to_note(official) -> None:
    # 51 classes as large as HMDB51 in all: 6766 = 34 x 133 + 17 x 132.
    files, ids = {}, []
    for place in range(51):
        size = 133 if place < 34 else 132
        ids += [f"c{place:02d}/v{number}" for number in range(size)]
        for split in (1, 2, 3):
            tags = [1] * 70 + [2] * 30 + [0] * (size - 100)
            files[f"c{place:02d}_test_split{split}.txt"] = "".join(
                f"v{number}.avi {tag}\n" for number, tag in enumerate(tags)
            )
    assignment = read_corpus(official("hmdb51", files), FOLDER, ids)
    assert assignment.notes == [] and assignment.missing == []


def test_names_may_hold_spaces_and_brackets(official) -> None:
    files = {"dive_test_split1.txt": "Oceans (2009) a#1_x_.avi 1\n"}
    ids = ["dive/Oceans (2009) a#1_x_"]
    assert read_corpus(official("hmdb51", files), FOLDER, ids).splits["split1"] == ["train"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ["CLASS_test_split1.txt"]),
        ({**HMDB, "wave_test_split2.txt": None}, ["wave_test_split2.txt is missing"]),
        ({**HMDB, "dive_test_split1.txt": "a.b.avi 3\n"}, ["dive_test_split1.txt", "line 1"]),
        ({**HMDB, "dive_test_split1.txt": "a.b.avi\n"}, ["dive_test_split1.txt", "line 1"]),
        (
            {**HMDB, "dive_test_split1.txt": "c.avi 1\nc.avi 2\n"},
            ["line 2", "'c.avi' is duplicated"],
        ),
    ],
)
def test_refused(official, refused, files: dict[str, str | None], words: list[str]) -> None:
    refused(official("hmdb51", files), IDS, words)


def test_refused_places(tmp_path: Path, official, refused) -> None:
    refused(f"hmdb51:{tmp_path}/absent", IDS, ["absent: no such folder"])
    refused("hmdb51", IDS, ["hmdb51: give the official files", "hmdb51:DIR"])
    refused(official("hmdb51", HMDB), ["alone"], ["features/alone: is not in a class folder"])
    (tmp_path / "official" / "dive_test_split1.txt").write_bytes(b"\xff\xfe 1\n")
    refused(official("hmdb51", {}), IDS, ["dive_test_split1.txt", "UTF-8"])
