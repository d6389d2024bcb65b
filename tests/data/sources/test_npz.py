"""FEATURES.npz: what is read out of it, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.__main__ import main
from data.sources.npz import read_npz
from frame_select_env import FeatureCache


def loaded(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def test_frames_are_cut_at_the_videos(npz) -> None:
    given = loaded(npz())
    time = np.arange(float(given["lengths"].sum()))
    source = read_npz(npz(time=time, number=3 * time.astype(np.int64)))
    first = 0
    for row, length in enumerate(given["lengths"]):
        frames = slice(first, first + length)
        np.testing.assert_array_equal(source.read_features("main", row), given["features"][frames])
        np.testing.assert_array_equal(source.frames["time"](row), time[frames])
        np.testing.assert_array_equal(source.frames["number"](row), 3 * time[frames])
        first += length
    assert source.ids.tolist() == given["ids"].tolist()
    assert source.groups is not None and source.groups[5] == "g1"
    assert source.outputs == ["ant", "bee", "cat"]
    assert source.task == "classification"
    assert source.notes == []


def test_names_are_made_up_where_there_are_none(npz) -> None:
    assert read_npz(npz(classes=None)).outputs == ["0", "1", "2"]
    assert read_npz(npz(classes=None, labels=np.ones((30, 2)))).outputs == ["target0", "target1"]


def test_float_labels_are_targets(npz) -> None:
    source = read_npz(npz(classes=None, labels=np.arange(30.0), targets=np.array(["mood"])))
    assert source.task == "regression"
    assert source.labels.shape == (30, 1)
    assert source.outputs == ["mood"]


def test_streams_folds_and_their_order(npz) -> None:
    features = loaded(npz())["features"]
    splits = np.array(["test", "train"] * 15)
    source = read_npz(
        npz(
            features=None,
            features__face=features,
            features__voice=features[:, :2],
            splits__b=splits,
        )
    )
    assert list(source.features) == ["face", "voice"]
    assert list(source.splits) == ["default", "b"]
    assert source.splits["b"].tolist() == splits.tolist()


def test_the_only_streams_predictions_need_no_name(npz) -> None:
    features = loaded(npz())["features"]
    thirds = np.full((len(features), 3), 1 / 3)
    source = read_npz(npz(features=None, features__face=features, predictions=thirds))
    assert source.read_predictions("face", 0).shape[1] == 3


def test_bytes_are_names_too(npz) -> None:
    ids = np.array([f"v{row}".encode() for row in range(30)])
    assert read_npz(npz(ids=ids)).ids[3] == "v3"


def test_arrays_that_mean_nothing_are_named(npz) -> None:
    (note,) = read_npz(npz(fps=np.array(25), group=np.arange(30))).notes
    assert "fps" in note and "group" in note


def changed(name: str, index: int, value: Any) -> Any:
    def change(given: dict[str, np.ndarray]) -> dict[str, Any]:
        array = given[name].astype(object) if isinstance(value, str) else given[name].copy()
        array[index] = value
        return {name: np.array(array.tolist()) if isinstance(value, str) else array}

    return change


REFUSED = {
    "lengths do not sum": (lambda g: {"lengths": g["lengths"] + 1}, ["lengths sum to", "features"]),
    "no frames": (changed("lengths", 0, 0), ["lengths", "at least 1"]),
    "labels too few": (lambda g: {"labels": g["labels"][:-1]}, ["labels", "29", "30"]),
    "ids too many": (lambda g: {"ids": np.arange(31)}, ["ids", "31", "30"]),
    "splits too few": (lambda g: {"splits": g["splits"][1:]}, ["splits", "29"]),
    "a fold's splits too few": (lambda g: {"splits__b": g["splits"][1:]}, ["splits.b", "29"]),
    "groups too few": (lambda g: {"groups": g["groups"][1:]}, ["groups", "29"]),
    "importance too long": (lambda g: {"importance": np.zeros(1000)}, ["importance", "1000"]),
    "importance NaN": (changed("importance", 7, np.nan), ["importance", "nan", "frame 7"]),
    "thumbnail of floats": (
        lambda g: {"thumbnail": np.zeros((len(g["features"]), 2, 2))},
        ["thumbnail", "uint8"],
    ),
    "an id twice": (changed("ids", 4, "v09"), ["ids", "'v09'", "is duplicated"]),
    "NaN": (changed("features", 0, np.nan), ["features", "'v00'", "nan"]),
    "infinity": (changed("features", -1, np.inf), ["features", "'v29'", "inf"]),
    "label too large": (changed("labels", 2, 3), ["labels", "'v02'", "3", "0 to 2"]),
    "label too small": (changed("labels", 2, -2), ["labels", "'v02'", "-2"]),
    "unknown split": (changed("splits", 3, "validation"), ["splits", "'v03'", "'validation'"]),
    "no training video": (
        lambda g: {"splits": np.where(g["labels"] == 1, "test", g["splits"])},
        ["splits", "'bee'", "no training video"],
    ),
    "no training video in a fold": (
        lambda g: {"splits__b": np.where(g["labels"] == 2, "test", "train")},
        ["splits.b", "'cat'"],
    ),
    "objects": (
        lambda g: {"features": np.array([[1.0], "a"], dtype=object)},
        ["features", "Python objects"],
    ),
    "object ids": (lambda g: {"ids": g["ids"].astype(object)}, ["ids", "Python objects"]),
    "features of one axis": (lambda g: {"features": g["features"][:, 0]}, ["features", "2 axes"]),
    "features of strings": (
        lambda g: {"features": g["features"].astype(str)},
        ["features", "numbers"],
    ),
    "labels of strings": (lambda g: {"labels": g["ids"]}, ["labels", "integers"]),
    "classes twice": (lambda g: {"classes": np.array(["a", "a", "b"])}, ["classes", "distinct"]),
    "targets for integers": (lambda g: {"targets": np.array(["x"])}, ["targets", "classes"]),
    "targets miscounted": (
        lambda g: {"classes": None, "labels": np.ones((30, 2)), "targets": np.array(["x"])},
        ["targets", "expected 2"],
    ),
    "NaN target": (
        lambda g: {"classes": None, "labels": np.full((30, 1), np.nan)},
        ["labels", "'v00'"],
    ),
    "a stream and none": (
        lambda g: {"features__face": g["features"]},
        ["features", "features.<stream>"],
    ),
    "a stream with a slash": (lambda g: {"features__a/b": g["features"]}, ["features.a/b"]),
    "predictions of some streams": (
        lambda g: {
            "features": None,
            "features__a": g["features"],
            "features__b": g["features"],
            "predictions__a": np.ones((len(g["features"]), 3)) / 3,
        },
        ["predictions", "predictions.b"],
    ),
    "predictions too narrow": (
        lambda g: {"predictions": np.ones((len(g["features"]), 2)) / 2},
        ["predictions", "2 columns", "expected 3 (classes)"],
    ),
    "logits taken for probabilities": (
        lambda g: {"predictions": np.ones((len(g["features"]), 3)) * 4},
        ["predictions", "'v00'", "--logits"],
    ),
} | {
    f"no {name}": (lambda g, name=name: {name: None}, [f"{name}: is missing"])
    for name in ("features", "lengths", "labels", "ids", "splits")
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_in_one_line_with_nothing_left_behind(
    npz, failure, tmp_path: Path, change: Any, words: list[str]
) -> None:
    path = npz(**change(loaded(npz())))
    line = failure("import", path, tmp_path / "out.h5")
    for word in [str(path), *words]:
        assert word in line
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_files_that_are_no_npz(failure, tmp_path: Path, npz) -> None:
    out = tmp_path / "out.h5"
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    assert "is not an .npz file" in failure("import", text, out)
    array = tmp_path / "array.npy"
    np.save(array, np.ones(3))
    assert "single array" in failure("import", array, out)
    whole = npz()
    cut = tmp_path / "cut.npz"
    cut.write_bytes(whole.read_bytes()[:-200])
    assert "cut.npz" in failure("import", cut, out)
    damaged = tmp_path / "damaged.npz"
    data = bytearray(whole.read_bytes())
    data[len(data) // 4] ^= 255
    damaged.write_bytes(data)
    assert "damaged.npz: features: cannot be read" in failure("import", damaged, out)
    assert "no such file" in failure("import", tmp_path / "absent.npz", out)
    assert not out.exists()


@pytest.mark.parametrize(("axis", "predicted"), [("view", (2, 3)), ("object", (3,))])
def test_a_middle_axis(npz, tmp_path: Path, axis: str, predicted: tuple[int, ...]) -> None:
    features = loaded(npz())["features"]
    path, out = npz(features=np.stack([features, -features], axis=1)), tmp_path / "out.h5"
    main(["import", str(path), str(out), "--axis", axis])
    cache = FeatureCache(out)
    assert cache.features_extent().axes == axis
    np.testing.assert_array_equal(cache.features()[:, 1], -features)
    assert cache.predictions().shape == (len(features), *predicted)


def test_a_middle_axis_of_one_stream_and_given_predictions_of_views(npz, tmp_path: Path) -> None:
    features, out = loaded(npz())["features"], tmp_path / "out.h5"
    halves = np.full((len(features), 2, 3), 1 / 3, np.float32)
    path = npz(
        features=None,
        features__rgb=np.stack([features, features], axis=1),
        features__audio=features,
        predictions__rgb=halves,
        predictions__audio=halves[:, 0],
    )
    main(["import", str(path), str(out), "--axis", "rgb=view"])
    cache = FeatureCache(out)
    assert [cache.features_extent(s).axes for s in ("rgb", "audio")] == ["view", ""]
    np.testing.assert_array_equal(cache.predictions("rgb"), halves)


def test_axes_that_do_not_fit(npz, failure, tmp_path: Path) -> None:
    features, out = loaded(npz())["features"], tmp_path / "out.h5"
    line = failure("import", npz(), out, "--axis", "view")
    assert "features: has dtype float16" in line and "expected numbers with 3 axes" in line
    path = npz(features=features[:, None])
    assert "use --axis view or object for 3 axes" in failure("import", path, out)
    line = failure("import", path, out, "--axis", "rgb=view")
    assert "--axis: unknown stream 'rgb'; known: main" in line
    assert not out.exists()
