"""Composed videos: what they are made of, and that what must stay apart does."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from data.__main__ import main
from data.synthetic.compose import Composition, compose_source, divide_classes
from frame_select_env import FeatureCache, FrameSelectError, write_cache

CLASSES = ["ant", "bee", "cat", "dog"]
SMALL = Composition(length=12, needle=3, videos=(20, 4, 10))


def write(path, grouped=True, splits=("train", "train", "val", "test"), length=6):
    """Clips of six frames, of four classes and 32 groups; a frame's feature is (clip, frame)."""

    def clips():
        for row in range(128):
            frames = np.arange(length)
            place = row // 4
            clip = {
                "id": f"clip {row}",
                "label": row % 4,
                "split": splits[place % 4],
                "features": np.stack([np.full(length, row), frames], axis=1).astype(np.float32),
                "predictions": np.full((length, 4), 0.25, np.float32),
                "thumbnail": np.full((length, 2, 2), row, np.uint8),
            }
            yield clip | ({"group": f"g{place}"} if grouped else {})

    return FeatureCache(write_cache(path, clips(), classes=CLASSES))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return write(tmp_path_factory.mktemp("clips") / "clips.h5")


def shown(source, row):
    """The clips [L] and their frames [L] that a video shows."""
    clip, frame = source.read_features("main", row).T.astype(int)
    return clip, frame


def test_a_needle_of_the_label_among_pieces_of_the_background(clips):
    source = compose_source(clips, SMALL)
    needles, background = divide_classes(clips, (), np.random.default_rng(0))
    assert source.outputs == [CLASSES[label] for label in needles]
    assert len(source) == 34 and (source.lengths == 12).all()
    places = Counter()
    for row in range(len(source)):
        clip, frame = shown(source, row)
        needle = source.frames["importance"](row) == 1
        (own,) = set(clip[needle])  # one clip
        assert clips.labels[own] == needles[source.labels[row]]
        assert set(clips.labels[clip[~needle]]) <= set(background)
        assert needle.sum() == 3
        # Every piece has three frames in a row of one clip: twelve are four pieces.
        assert (np.ptp(clip.reshape(4, 3), axis=1) == 0).all()
        assert (np.diff(frame.reshape(4, 3), axis=1) == 1).all()
        places[int(np.flatnonzero(needle)[0])] += 1
        thumbnails = source.frames["thumbnail"](row)
        np.testing.assert_array_equal(thumbnails[:, 0, 0], clip)
    assert set(places) == {0, 3, 6, 9}


def test_labels_are_equally_frequent_and_splits_stay_apart(clips):
    source = compose_source(clips, SMALL)
    splits = source.splits["default"]
    assert Counter(splits.tolist()) == {"train": 20, "val": 4, "test": 10}
    assert np.bincount(source.labels[splits == "train"]).tolist() == [10, 10]
    for row in range(len(source)):
        assert set(clips.splits()[shown(source, row)[0]]) == {splits[row]}


@pytest.mark.parametrize("grouped", [True, False])
def test_videos_of_two_groups_share_no_group_of_clips(tmp_path, grouped):
    cache = write(tmp_path / "clips.h5", grouped)
    source = compose_source(cache, SMALL)
    used = defaultdict(set)  # what each group of videos is made of
    for row, group in enumerate(source.groups.tolist()):
        for clip in shown(source, row)[0]:
            used[group].add(str(cache.groups[clip]) if grouped else int(clip))
    for split, parts in (("train", 5), ("test", 6)):
        made = [own for group, own in used.items() if group.startswith(split)]
        assert len(made) >= parts
        assert sum(map(len, made)) == len(set.union(*made))


def test_a_seed_gives_the_same_videos_and_another_seed_others(clips):
    def clip_rows(seed):
        source = compose_source(clips, Composition(12, 3, (8, 0, 4), seed=seed))
        return [shown(source, row)[0].tolist() for row in range(len(source))]

    assert clip_rows(3) == clip_rows(3) != clip_rows(4)


def test_clips_that_are_shorter_than_the_needle_are_used_whole(tmp_path):
    cache = write(tmp_path / "short.h5", length=2)
    source = compose_source(cache, Composition(9, 4, (8, 0, 4)))
    for row in range(len(source)):
        clip, frame = shown(source, row)
        assert source.frames["importance"](row).sum() == 2 and len(clip) == 9
        assert frame[source.frames["importance"](row) == 1].tolist() == [0, 1]


def test_background_classes_by_name(clips):
    chosen = Composition(12, 3, (8, 0, 4), background_classes=("cat",))
    source = compose_source(clips, chosen)
    assert source.outputs == ["ant", "bee", "dog"]
    assert source.record["composed"]["background_classes"] == ["cat"]


def test_without_validation_clips_there_are_no_validation_videos(tmp_path):
    cache = write(tmp_path / "clips.h5", splits=("train", "train", "train", "test"))
    source = compose_source(cache, SMALL)
    assert "val" not in source.splits["default"]
    assert source.notes == ["no validation videos: the cache has none"]


def test_the_command_writes_a_cache_with_new_predictions(clips, tmp_path, capsys):
    out = tmp_path / "out.h5"
    sizes = ["--length", "12", "--needle", "3", "--videos", "40", "8", "20"]
    main(["compose", str(clips.path), str(out), *sizes, "--background-classes", "bee", "dog"])
    assert "68 videos, 816 frames" in capsys.readouterr().out
    made = FeatureCache(out)
    assert list(made.classes) == ["ant", "cat"] and made.predictions().shape == (816, 2)
    assert made.provenance["crossfit"] == "group"
    assert made.provenance["composed"]["cache"] == clips.digest
    assert made.frame_datasets == ("importance", "thumbnail")
    importance = made.read_frames("importance", np.arange(68), 12)
    assert (importance.sum(axis=1) == 3).all()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--needle", "12", "--length", "12"], "needle=12: must be less than length=12"),
        (["--length", "1"], "length=1: must be an integer of at least 2"),
        (["--videos", "0", "1", "1"], "only that of validation videos may be 0"),
        (["--background-classes", "cow"], "unknown background class 'cow'; known: ant"),
        (["--background-classes", "ant", "bee", "cat"], "4 classes, of which 3 are background"),
        (["--fold", "second"], "unknown fold 'second'"),
    ],
)
def test_bad_input_is_one_line(clips, failure, tmp_path, flags, words):
    assert words in failure("compose", clips.path, tmp_path / "out.h5", *flags)
    assert not list(tmp_path.iterdir())


def test_targets_and_missing_clips_are_refused(regression, tmp_path):
    with pytest.raises(FrameSelectError, match="composing needs classes"):
        compose_source(FeatureCache(regression), SMALL)
    # The test split has clips of one class alone.
    videos = [
        {
            "id": f"v{row}",
            "label": row % 4 if row < 16 else 0,
            "split": "train" if row < 16 else "test",
            "features": np.ones((4, 1), np.float32),
            "predictions": np.full((4, 4), 0.25, np.float32),
        }
        for row in range(20)
    ]
    cache = FeatureCache(write_cache(tmp_path / "one.h5", videos, classes=CLASSES))
    chosen = Composition(8, 2, (4, 0, 4), background_classes=("dog",))
    with pytest.raises(FrameSelectError, match="split 'test' has no clip of 'ant' beside clips"):
        compose_source(cache, chosen)
