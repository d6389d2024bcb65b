"""Import, from source to cache: what the file holds, folds, streams, ready-made predictions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from data.__main__ import main
from frame_select_env import FeatureCache


def loaded(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def imported(path: Path, *options: str | Path) -> FeatureCache:
    out = path.parent / "out.h5"
    main(["import", str(path), str(out), "--overwrite", *map(str, options)])
    return FeatureCache(out)


def test_everything_of_the_npz_is_in_the_cache(npz) -> None:
    given = loaded(npz())
    cache = imported(npz())
    np.testing.assert_array_equal(cache.features(), given["features"])
    assert cache.features().dtype == np.float16
    assert cache.ids.tolist() == given["ids"].tolist()
    assert cache.labels.tolist() == given["labels"].tolist()
    assert cache.lengths.tolist() == given["lengths"].tolist()
    assert cache.splits().tolist() == given["splits"].tolist()
    assert cache.groups is not None and cache.groups.tolist() == given["groups"].tolist()
    assert cache.classes == ("ant", "bee", "cat")
    assert cache.frame_datasets == ("importance",)
    importance = cache.read_frames("importance", np.array([4]), num_frames=8)
    start = cache.start[4]
    length = cache.lengths[4]
    np.testing.assert_array_equal(
        importance[0, :length], given["importance"][start : start + length]
    )
    for _ in cache.check_values():
        pass


def test_the_head_finds_the_planted_class(npz) -> None:
    cache = imported(npz())
    for split in ("train", "val", "test"):
        rows = cache.rows(split)
        clips = cache.read(rows, num_frames=8)
        assert (clips.predictions.sum(axis=1).argmax(axis=1) == cache.labels[rows]).mean() > 0.75


def test_provenance_tells_how_and_no_path(npz, tmp_path: Path) -> None:
    cache = imported(npz(), "--seed", "3", "--crossfit", "group", "--head-frames", "5")
    made = cache.provenance
    assert made["source"] == "features.npz"
    assert made["crossfit"] == "group" and made["seed"] == 3 and made["head_frames"] == 5
    head = made["head"]["default"]["main"]
    assert head["penalty"] > 0 and 0.5 < head["cv_accuracy"] <= 1
    assert str(tmp_path) not in str(made)


def test_the_same_seed_gives_the_same_file_and_crossfit_changes_training_videos_alone(npz) -> None:
    path = npz()
    first = imported(path)
    data = first.path.read_bytes()
    assert imported(path).path.read_bytes() == data
    before = first.predictions().copy()
    after = imported(path, "--crossfit", "none").predictions()
    training = np.repeat(first.splits() == "train", first.lengths)
    assert (before[training] != after[training]).any()
    # The penalty is chosen on the same parts, so the final head is the same.
    np.testing.assert_array_equal(before[~training], after[~training])


def test_every_fold_has_its_own_heads(npz) -> None:
    splits = loaded(npz())["splits"]
    swapped = np.where(splits == "test", "train", np.where(splits == "train", "test", splits))
    cache = imported(npz(splits__same=splits, splits__swapped=swapped))
    assert cache.folds == ("default", "same", "swapped")
    assert cache.splits("swapped").tolist() == swapped.tolist()
    np.testing.assert_array_equal(cache.predictions(fold="same"), cache.predictions())
    assert (cache.predictions(fold="swapped") != cache.predictions()).any()
    assert set(cache.provenance["head"]) == {"default", "swapped"}
    alone = imported(npz(splits=swapped))
    np.testing.assert_array_equal(
        cache.predictions(fold="swapped"), alone.predictions(), strict=True
    )


def test_two_streams_have_a_head_each(npz) -> None:
    features = loaded(npz())["features"]
    cache = imported(npz(features=None, features__face=features, features__voice=features[:, :2]))
    assert cache.streams == ("face", "voice")
    assert cache.features_extent("voice").shape[1] == 2
    assert (cache.predictions("face") != cache.predictions("voice")).any()
    assert set(cache.provenance["head"]["default"]) == {"face", "voice"}


def test_regression(npz, capsys: pytest.CaptureFixture[str]) -> None:
    given = loaded(npz())
    sums = np.add.reduceat(
        given["features"].astype(float), np.cumsum(given["lengths"]) - given["lengths"], axis=0
    )
    labels = sums[:, :2] / given["lengths"][:, None] + [3, 0]
    cache = imported(npz(classes=None, labels=labels, targets=np.array(["valence", "arousal"])))
    assert cache.task == "regression" and cache.classes == ("valence", "arousal")
    rows = cache.rows("test")
    predictions = cache.read_predictions(rows, num_frames=8)
    means = predictions.sum(axis=1) / cache.lengths[rows][:, None]
    assert np.abs(means - labels[rows]).mean() < 0.5 * np.abs(labels - labels.mean(axis=0)).mean()
    assert "PCC" in capsys.readouterr().out


def test_videos_of_unknown_label_are_predicted_and_not_trained_on(npz) -> None:
    labels = loaded(npz())["labels"]
    rng = np.random.default_rng(0)
    labels[rng.permutation(30)[:6]] = -1
    cache = imported(npz(labels=labels))
    assert (cache.labels == -1).sum() == 6
    np.testing.assert_allclose(cache.predictions().sum(axis=1), 1, atol=1e-5)


def test_ready_made_predictions_are_kept(npz) -> None:
    given = loaded(npz())
    logits = np.random.default_rng(0).normal(size=(len(given["features"]), 3)).astype(np.float32)
    probabilities = softmax(logits, axis=1)
    cache = imported(npz(predictions=probabilities))
    np.testing.assert_array_equal(cache.predictions(), probabilities)
    assert cache.provenance["predictions"] == "ready-made"
    assert cache.provenance["crossfit"] == "unknown"
    assert "head" not in cache.provenance
    again = imported(npz(predictions=logits), "--logits")
    np.testing.assert_allclose(again.predictions(), probabilities, atol=1e-6)


def test_ready_made_predictions_need_no_training_videos(npz) -> None:
    frames = len(loaded(npz())["features"])
    cache = imported(npz(predictions=np.full((frames, 3), 1 / 3), splits=np.full(30, "test")))
    assert len(cache.rows("test")) == 30


def test_lone_videos_of_a_class_are_told(npz, capsys: pytest.CaptureFixture[str]) -> None:
    given = loaded(npz())
    bees = np.flatnonzero((given["labels"] == 1) & (given["splits"] == "train"))
    splits = given["splits"].copy()
    splits[bees[1:]] = ""
    imported(npz(splits=splits))
    error = " ".join(capsys.readouterr().err.split())
    assert "only one training video of bee" in error


def test_few_frames_may_train_the_head_and_all_are_predicted(npz) -> None:
    path = npz()
    few, many = imported(path, "--head-frames", "1").predictions().copy(), imported(path)
    assert few.shape == many.predictions().shape
    assert (few != many.predictions()).any()
    all_frames = many.predictions().copy()
    np.testing.assert_array_equal(imported(path, "--head-frames", "0").predictions(), all_frames)


def without_groups(npz: Any) -> Path:
    return npz(groups=None)


def one_group(npz: Any) -> Path:
    return npz(groups=np.full(30, "g"))


def unlabelled(npz: Any) -> Path:
    return npz(labels=np.full(30, -1))


REFUSED = {
    "group without groups": (
        without_groups,
        ["--crossfit", "group"],
        "groups: --crossfit group needs groups",
    ),
    "one group": (one_group, ["--crossfit", "group"], "groups: all training videos"),
    "logits without predictions": (lambda npz: npz(), ["--logits"], "--logits"),
    "negative seed": (lambda npz: npz(), ["--seed", "-1"], "--seed"),
    "negative frames": (lambda npz: npz(), ["--head-frames", "-1"], "--head-frames"),
    "split file": (lambda npz: npz(), ["--split-file", "a.csv"], "--split-file needs a folder"),
    "predictions": (lambda npz: npz(), ["--predictions", "p"], "--predictions needs a folder"),
    "no label known": (unlabelled, [], "'ant' has no training video"),
}


@pytest.mark.parametrize(("write", "options", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_options_that_do_not_go_together(
    npz, failure, tmp_path: Path, write: Any, options: list[str], words: str
) -> None:
    line = failure("import", write(npz), tmp_path / "out.h5", *options)
    assert words in line
    assert not (tmp_path / "out.h5").exists()


def test_a_place_that_cannot_be_written_to(npz, failure, tmp_path: Path) -> None:
    path = npz()
    assert "absent/out.h5" in failure("import", path, tmp_path / "absent" / "out.h5")
    assert "is a folder" in failure("import", path, tmp_path)


def test_a_failed_import_leaves_the_old_cache(npz, failure) -> None:
    cache = imported(npz())
    before = cache.path.read_bytes()
    failure("import", npz(ids=None), cache.path)
    assert cache.path.read_bytes() == before


def test_the_cache_keeps_the_heads_that_predict_test_videos_of_each_fold(npz) -> None:
    folds = np.array([("test", "train", "train")[row // 3 % 3] for row in range(30)])
    cache = imported(npz(splits__second=folds))
    for fold in ("default", "second"):
        head = cache.head(fold=fold)
        assert head is not None
        weight, bias = head
        row = int(cache.rows("test", fold)[0])
        frames = slice(cache.start[row], cache.start[row + 1])
        told = softmax(cache.features()[frames].astype(np.float32) @ weight + bias, axis=1)
        np.testing.assert_allclose(cache.predictions(fold=fold)[frames], told, atol=1e-6)
    default, second = (cache.head(fold=fold) for fold in ("default", "second"))
    assert default is not None and second is not None and not np.array_equal(default[0], second[0])
