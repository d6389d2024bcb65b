"""How many validation videos a cache has, and what is said where they are few."""

import numpy as np
import pytest
from by_hand import video_by_hand

from frame_select_env import FeatureCache, write_cache
from frame_select_env.validation import few_validation_warning, holdout
from frame_select_env.wording import counted


@pytest.fixture
def labelled(tmp_path):
    """A cache of videos with one frame each, by their splits, labels and groups."""

    def write(splits, labels, groups=None):
        own = [{} if groups is None else {"group": group} for group in groups or splits]
        videos = (
            video_by_hand(f"v{row}", [[0.5, 0.5]], labels[row], split, **own[row])
            for row, split in enumerate(splits)
        )
        return FeatureCache(write_cache(tmp_path / "a.h5", videos, classes=["no", "yes"]))

    return write


def test_the_warning_counts_what_training_holds_out(labelled):
    # A fifth of 24 videos is 5; of four groups one of 12, 6, 4 and 2 videos is held out.
    groups = np.repeat(["a", "b", "c", "d"], [12, 6, 4, 2]).tolist()
    cache = labelled(["train"] * 24, np.arange(24) % 2, groups)
    held = len(holdout(cache)[1])
    assert held in (12, 6, 4, 2)
    assert few_validation_warning(cache) == (
        f"only {held} validation videos (the val split or, without one, about a fifth of train); "
        "at least 20 are needed to choose the number of frames reliably"
    )


@pytest.mark.parametrize(("videos", "said"), [(1, "only 1 validation video"), (20, "")])
def test_a_val_split_is_counted(labelled, videos, said):
    splits = ["train"] * 4 + ["val"] * videos
    warning = few_validation_warning(labelled(splits, np.arange(len(splits)) % 2))
    assert warning.partition(" (")[0] == said


def test_no_validation_videos_are_a_sentence_of_their_own(labelled):
    cache = labelled(["train", "test", "test"], [0, 1, 0])
    assert few_validation_warning(cache).startswith(
        "there are no validation videos; train needs a val split, or at least 2 labelled"
    )


def test_one_is_singular():
    assert [counted(n, "video") for n in (0, 1, 2)] == ["0 videos", "1 video", "2 videos"]
    assert counted(1, "class", "classes") == "1 class"
    assert counted(2, "class", "classes") == "2 classes"
