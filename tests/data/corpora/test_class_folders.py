"""Folders without a split file, and random splits: VideoEmotion-8's ten, and one's own."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.corpora.class_folders import random_split, split_groups
from data.corpora.read import read_corpus

FOLDER = Path("features")
CLASSES = st.dictionaries(st.text("abé ", min_size=1, max_size=3), st.integers(1, 12), min_size=1)


@given(CLASSES, st.integers(0, 2**40))
def test_a_third_of_every_class_tests(sizes: dict[str, int], seed: int) -> None:
    labels = [name for name, size in sizes.items() for _ in range(size)]
    ids = [f"{label}/{number}" for number, label in enumerate(labels)]
    split = random_split(ids, labels, seed)
    assert set(split) <= {"train", "test"}
    for name, size in sizes.items():
        drawn = Counter(s for s, label in zip(split, labels, strict=True) if label == name)
        assert abs(drawn["test"] - size / 3) <= 0.5
        assert drawn["train"] >= 1


@given(CLASSES, st.integers(0, 9))
def test_a_split_hangs_on_nothing_but_seed_and_class(sizes: dict[str, int], seed: int) -> None:
    labels = [name for name, size in sizes.items() for _ in range(size)]
    ids = [f"{label}/{number}" for number, label in enumerate(labels)]
    whole = dict(zip(ids, random_split(ids, labels, seed), strict=True))
    backwards = random_split(ids[::-1], labels[::-1], seed)
    assert dict(zip(ids[::-1], backwards, strict=True)) == whole
    one = [video for video, label in zip(ids, labels, strict=True) if label == labels[0]]
    assert random_split(one, [labels[0]] * len(one), seed) == [whole[video] for video in one]


IDS = sorted(f"{name}/{number}" for name in ("run", "sit") for number in range(9))


@pytest.mark.parametrize("split_file", [None, "random"])
def test_class_folders_get_a_random_split(split_file: str | None) -> None:
    assignment = read_corpus(split_file, FOLDER, IDS, seed=3)
    assert assignment.outputs == ["run", "sit"]
    assert assignment.labels == ["run"] * 9 + ["sit"] * 9
    assert Counter(assignment.splits["default"]) == {"train": 12, "test": 6}
    assert len(assignment.notes) == 1
    assert "random split with seed 3: 12 training and 6 test videos" in assignment.notes[0]
    assert read_corpus(None, FOLDER, IDS, seed=3).splits == assignment.splits
    assert read_corpus(None, FOLDER, IDS, seed=4).splits != assignment.splits


def test_folders_named_after_splits_are_the_split() -> None:
    ids = ["Train/run/a", "Train/sit/b", "test/run/c", "validation/sit/x/d"]
    assignment = read_corpus(None, FOLDER, ids)
    assert assignment.splits == {"default": ["train", "train", "test", "val"]}
    assert assignment.labels == ["run", "sit", "run", "sit"]
    assert assignment.outputs == ["run", "sit"]
    assert "2 train, 1 val, 1 test videos" in assignment.notes[0]


@pytest.mark.parametrize("count", [1, 12])
def test_without_class_folders_labels_are_unknown(count: int) -> None:
    assignment = read_corpus(None, FOLDER, [f"clip{number:02d}" for number in range(count)])
    assert assignment.outputs == [] and assignment.labels == [None] * count
    assert Counter(assignment.splits["default"])["test"] == count // 3
    word = "videos" if count > 1 else "video"
    assert assignment.notes[0] == f"{count} {word}, no class folders: labels unknown"


def test_splits_without_class_folders_leave_labels_unknown() -> None:
    assignment = read_corpus(None, FOLDER, ["train/a", "test/b"])
    assert assignment.labels == [None, None] and assignment.splits["default"] == ["train", "test"]


GRID = [("spk1", "golf"), ("spk1", "run"), ("spk2", "golf"), ("spk2", "run"), ("spk12", "run")]


@pytest.mark.parametrize("order", ["{0}/{1}", "{1}/{0}", "train/{0}/{1}"])
def test_numbered_folders_that_repeat_are_groups(order: str) -> None:
    ids = [f"{order.format(*pair)}/{number}" for number, pair in enumerate(GRID)]
    assignment = read_corpus(None, FOLDER, ids)
    assert assignment.labels == [action for _, action in GRID]
    assert assignment.groups == [speaker for speaker, _ in GRID]
    speakers = "these are no groups" if order == "{1}/{0}" else "spk1, spk12, spk2 are the classes"
    assert assignment.notes[0] == (
        "the folders golf, run are the classes, and spk1, spk12, spk2 are groups; "
        f"if {speakers}, use --class-folders first"
    )


def crossed(speakers: int, each: int = 2) -> list[str]:
    """Every speaker with every action, so many videos of each."""
    pairs = ((s, action) for s in range(speakers) for action in ("golf", "run"))
    return [f"spk{s}/{action}/{number}" for s, action in pairs for number in range(each)]


@pytest.mark.parametrize("speakers", [3, 4, 9])
def test_a_random_split_keeps_groups_whole(speakers: int) -> None:
    ids = crossed(speakers)
    drawn = set()
    for seed in range(8):
        assignment = read_corpus(None, FOLDER, ids, seed)
        split = assignment.splits["default"]
        tests = {name.split("/")[0] for name, one in zip(ids, split, strict=True) if one == "test"}
        assert [name.split("/")[0] in tests for name in ids] == [one == "test" for one in split]
        assert abs(len(tests) - speakers / 3) < 1
        assert (
            len(tests) > 3
            or f"groups kept whole ({', '.join(sorted(tests))} for testing)"
            in (assignment.notes[1])
        )
        drawn.add(tuple(split))
        assert read_corpus(None, FOLDER, ids, seed).splits == assignment.splits
    assert len(drawn) > 1, "the seed draws the groups"


def test_two_groups_are_too_few_to_keep_whole() -> None:
    assignment = read_corpus(None, FOLDER, crossed(2, each=3))
    assert Counter(assignment.splits["default"]) == {"train": 8, "test": 4}
    assert "by video: 2 groups cannot be kept whole (3 are needed)" in assignment.notes[1]


def test_a_split_of_groups_leaves_every_class_a_training_video() -> None:
    labels, groups = ["golf", "run", "run", "golf"], ["g0", "g1", "g2", "g1"]
    for seed in range(12):  # never g1, which has half of each class and more than g0 alone
        split = split_groups(labels, groups, seed)
        assert split is not None
        kept = {one for one, where in zip(labels, split, strict=True) if where == "train"}
        assert kept == {"golf", "run"}
    # Each class is of one group alone.
    assert split_groups(["golf", "run", "sit"], ["g0", "g1", "g2"], 0) is None


def test_class_folders_overrule_what_was_found() -> None:
    ids = [f"{speaker}/{action}/a" for speaker, action in GRID]
    first = read_corpus(None, FOLDER, ids, class_folders="first")
    assert first.labels == [speaker for speaker, _ in GRID] and first.groups is None
    named = [id_.replace("spk12", "carl").replace("spk1", "anna") for id_ in ids]
    second = read_corpus(None, FOLDER, named, class_folders="second")
    assert second.outputs == ["golf", "run"] and second.groups == [n.split("/")[0] for n in named]
    none = read_corpus(None, FOLDER, ids, class_folders="none")
    assert set(none.labels) == {None} and none.groups is None


def test_folders_that_do_not_repeat_are_no_groups() -> None:
    ids = ["golf/2019/a", "golf/2020/b", "run/2021/c", "run/2020/d", "sit/2022/e"]
    assignment = read_corpus(None, FOLDER, ids)
    assert assignment.outputs == ["golf", "run", "sit"] and assignment.groups is None


def test_a_class_may_be_called_train() -> None:
    assert read_corpus(None, FOLDER, ["bus/a", "train/b"]).outputs == ["bus", "train"]


REPEATED = ["features: the same folders (golf, run) repeat in others (anna, bert)", "first or se"]


@pytest.mark.parametrize(
    ("ids", "seed", "words"),
    [
        (["a", "run/b"], 0, ["features/a: is not in a class folder"]),
        (["train/run/a", "test/b"], 0, ["features/test/b", "SPLIT/CLASS/VIDEO"]),
        (["train/run/a", "b"], 0, ["features/b: is not in a class folder"]),
        (["anna/golf/a", "anna/run/b", "bert/golf/c", "bert/run/d"], 0, REPEATED),
        (IDS, -1, ["--seed -1", "at least 0"]),
    ],
)
def test_refused(refused, ids: list[str], seed: int, words: list[str]) -> None:
    refused(None, ids, words, seed)


def test_videoemotion8_draws_ten_folds() -> None:
    assignment = read_corpus("videoemotion8", FOLDER, IDS, seed=1)
    assert list(assignment.splits) == ["default", *(f"split{k}" for k in range(1, 11))]
    assert assignment.splits["default"] == assignment.splits["split1"]
    folds = [tuple(split) for fold, split in assignment.splits.items() if fold != "default"]
    assert len(set(folds)) == 10
    for fold in folds:
        assert Counter(fold[:9]) == Counter(fold[9:]) == {"train": 6, "test": 3}
    assert read_corpus("videoemotion8", FOLDER, IDS, seed=1).splits == assignment.splits
    assert assignment.notes[:2] == [
        "VideoEmotion-8: found 18 of the official 1101 videos",
        "VideoEmotion-8: found 2 of the official 8 classes",
    ]
    assert "ten random splits of 2/3 and 1/3 with seed 1" in assignment.notes[2]
