"""The h5 of video summarisation: importance, times, splits, labels, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

from data.__main__ import main
from data.sources.summarization import read_summarization
from frame_select_env import FeatureCache, FrameSelectError

STEPS, USERS, STRIDE, SIZE = 6, 3, 15, 8
NAMES = [f"video_{number}" for number in range(1, 13)]
IDS = sorted(NAMES)  # as HDF5 lists them: video_1, video_10, ...


def group_of(number: int) -> dict[str, Any]:
    """The datasets of one video as eccv16_dataset_tvsum_google_pool5.h5 has them; 6 to 8 steps."""
    rng = np.random.default_rng(number)
    steps = STEPS + number % 3
    frames = steps * STRIDE - 4
    features = rng.normal(size=(steps, SIZE)).astype(np.float32)
    features[:, 0] += 4 * (number % 2)
    return {
        "features": features,
        "gtscore": rng.random(steps).astype(np.float32),
        "gtsummary": np.zeros(steps, np.float32),
        "picks": np.arange(0, frames, STRIDE),
        "n_frames": np.int64(frames),
        "n_steps": np.int64(steps),
        "user_summary": (rng.random((USERS, frames)) < 0.3).astype(np.float32),
        "change_points": np.array([[0, 30], [31, frames - 1]]),
        "n_frame_per_seg": np.array([31, frames - 31]),
        "video_name": "a name of variable length",
    }


H5 = Callable[..., Path]


@pytest.fixture
def h5(tmp_path: Path) -> H5:
    """Writes the file; `change` gets the open file."""

    def write(change: Callable[[h5py.File], object] = lambda _: None) -> Path:
        path = tmp_path / "tvsum.h5"
        with h5py.File(path, "w") as file:
            for number, name in enumerate(NAMES):
                for dataset, values in group_of(number).items():
                    file[f"{name}/{dataset}"] = values
            change(file)
        return path

    return write


def imported(path: Path, *options: str | Path) -> FeatureCache:
    out = path.parent / "out.h5"
    main(["import", str(path), str(out), *map(str, options)])
    return FeatureCache(out)


def given(video: str) -> dict[str, Any]:
    return group_of(NAMES.index(video))


def of(cache: FeatureCache, dataset: str, row: int) -> np.ndarray:
    """The values of all frames of a video."""
    return cache.read_frames(dataset, np.array([row]), int(cache.lengths[row]))[0]


def write_json(tmp_path: Path, *splits: dict[str, Any], prefix: str = "") -> Path:
    for split in splits:
        for keys in split.values():
            keys[:] = [prefix + key for key in keys]
    path = tmp_path / "splits.json"
    path.write_text(json.dumps(splits))
    return path


def test_from_h5_to_cache(h5: H5, capsys: pytest.CaptureFixture[str]) -> None:
    cache = imported(h5())
    assert cache.ids.tolist() == IDS
    assert cache.classes == ("video",)
    assert cache.frame_datasets == ("number", "importance", "raters")
    assert set(cache.labels.tolist()) == {-1}
    assert (cache.predictions() == 1).all()
    assert cache.provenance["predictions"] == "ready-made"
    for row, video in enumerate(IDS):
        features = cache.features()[cache.start[row] : cache.start[row + 1]]
        np.testing.assert_array_equal(features, given(video)["features"])
        np.testing.assert_array_equal(of(cache, "importance", row), given(video)["gtscore"])
        assert of(cache, "number", row).tolist() == given(video)["picks"].tolist()
    assert len(cache.rows("train")) == 10 and len(cache.rows("test")) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "random split with seed 0: 10 training and 2 test videos" in error
    assert "labels unknown" in error and "CSV with a label column" in error


def test_rewards_without_labels_work_and_others_are_refused(h5: H5) -> None:
    path = imported(h5()).path
    half = np.arange(STEPS) % 2
    where = {"data": str(path), "num_frames": STEPS, "split": "test"}
    for reward in ("diversity_representativeness", "span", "spread"):
        env = gym.make("FrameSelect/OneShot-v0", reward=reward, **where)
        env.reset(seed=0)
        assert env.step(half)[1] != 0
    with pytest.raises(FrameSelectError, match="has no video with a known label"):
        gym.make("FrameSelect/OneShot-v0", reward="sign_omega", **where)


def test_the_seed_draws_the_split(h5: H5) -> None:
    def splits(seed: int) -> list[str]:
        return read_summarization(h5(), seed=seed).splits["default"].tolist()

    assert splits(1) == splits(1) != splits(2)


def test_users_mean_where_there_is_no_score(h5: H5) -> None:
    def drop(file: h5py.File) -> None:
        del file["video_3/gtscore"]

    cache = imported(h5(drop))
    values = given("video_3")
    expected = values["user_summary"].mean(axis=0)[values["picks"]]
    np.testing.assert_allclose(of(cache, "importance", IDS.index("video_3")), expected)


def without(*names: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        for video in file:
            for name in names:
                del file[video][name]

    return change


def test_no_importance_at_all(h5: H5) -> None:
    cache = imported(h5(without("gtscore", "user_summary", "picks")))
    assert cache.frame_datasets == ()


def fps_dataset(file: h5py.File) -> None:
    for video in file:
        file[f"{video}/fps"] = 30.0


def fps_attribute(file: h5py.File) -> None:
    file.attrs["fps"] = 30


@pytest.mark.parametrize(
    ("change", "options", "fps"),
    [
        (fps_dataset, [], 30),
        (fps_attribute, [], 30),
        (lambda _: None, ["--fps", "25"], 25),
        (fps_attribute, ["--fps", "25"], 25),
    ],
)
def test_times(h5: H5, change: Any, options: list[str], fps: float) -> None:
    cache = imported(h5(change), *options)
    steps = cache.lengths[0]
    np.testing.assert_allclose(of(cache, "time", 0), np.arange(steps) * STRIDE / fps, rtol=1e-6)


@pytest.mark.parametrize("prefix", ["", "tvsum/", "../datasets/tvsum.h5/"])
def test_splits_of_that_line_of_work(h5: H5, tmp_path: Path, prefix: str) -> None:
    first = {"train_keys": NAMES[:8], "test_keys": NAMES[8:]}
    second = {"test_keys": NAMES[:3], "train_keys": NAMES[3:11]}
    splits = write_json(tmp_path, first, second, prefix=prefix)
    cache = imported(h5(), "--split-file", splits)
    assert cache.folds == ("default", "split1", "split2")
    assert cache.splits().tolist() == cache.splits("split1").tolist()
    for fold, names, split in [
        ("split1", NAMES[:8], "train"),
        ("split1", NAMES[8:], "test"),
        ("split2", NAMES[:3], "test"),
        ("split2", NAMES[11:], ""),
    ]:
        assert {cache.splits(fold)[IDS.index(name)] for name in names} == {split}
    assert cache.provenance["split_file"] == "splits.json"


def test_videos_of_other_files_are_left_out(h5: H5, tmp_path: Path, capsys: Any) -> None:
    splits = {"train_keys": [*NAMES[:8], "summe/video_9", "video_99"], "test_keys": NAMES[8:]}
    cache = imported(h5(), "--split-file", write_json(tmp_path, splits))
    assert cache.splits()[IDS.index("video_9")] == "test"
    error = " ".join(capsys.readouterr().err.split())
    assert "2 videos are not in tvsum.h5: summe/video_9 ..." in error


def write_csv(tmp_path: Path, header: str, line: Callable[[int, str], str]) -> Path:
    path = tmp_path / "splits.csv"
    lines = [line(number, name) for number, name in enumerate(NAMES)]
    path.write_text("\n".join([header, *lines]))
    return path


def split_of(number: int) -> str:
    return "test" if number >= 8 else "train"


def test_a_csv_with_labels_trains_a_head(h5: H5, tmp_path: Path) -> None:
    csv = write_csv(
        tmp_path,
        "video,split,label,group",
        lambda n, name: f"{name},{split_of(n)},{('news', 'sports')[n % 2]},g{n // 2}",
    )
    cache = imported(h5(), "--split-file", csv)
    assert cache.classes == ("news", "sports")
    assert cache.provenance["predictions"] == "linear head"
    assert cache.labels.tolist() == [NAMES.index(name) % 2 for name in IDS]
    assert cache.groups is not None and cache.groups[0] == "g0"
    test = cache.rows("test")
    clips = cache.read(test, STEPS)
    assert (clips.predictions.sum(axis=1).argmax(axis=1) == cache.labels[test]).all()


def test_a_csv_without_labels(h5: H5, tmp_path: Path) -> None:
    csv = write_csv(tmp_path, "video,split", lambda n, name: f"{name},{split_of(n)}")
    cache = imported(h5(), "--split-file", csv)
    assert cache.classes == ("video",)
    assert len(cache.rows("test")) == 4


def test_a_csv_with_targets_is_regression(h5: H5, tmp_path: Path) -> None:
    csv = write_csv(
        tmp_path, "video,split,target.joy", lambda n, name: f"{name},{split_of(n)},{n % 2}"
    )
    cache = imported(h5(), "--split-file", csv)
    assert cache.task == "regression" and cache.classes == ("joy",)
    assert cache.labels[:, 0].tolist() == [NAMES.index(name) % 2 for name in IDS]


def test_a_csv_that_lists_absent_videos(h5: H5, failure, tmp_path: Path) -> None:
    csv = write_csv(tmp_path, "video,split", lambda n, name: f"{name}x,{split_of(n)}")
    line = failure("import", h5(), tmp_path / "out.h5", "--split-file", csv)
    assert "splits.csv: line 2: video 'video_1x'" in line and "(and 11 more)" in line


def replaced(name: str, values: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = values

    return change


def virtual(file: h5py.File) -> None:
    del file["video_1/features"]
    layout = h5py.VirtualLayout((STEPS, SIZE), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (STEPS, SIZE))
    file["video_1"].create_virtual_dataset("features", layout)


def stored_outside(file: h5py.File) -> None:
    del file["video_1/features"]
    external = [("other.raw", 0, STEPS * SIZE * 4)]
    file["video_1"].create_dataset("features", (STEPS, SIZE), "f4", external=external)


def cache_format(file: h5py.File) -> None:
    file.attrs["format"] = "frame-select-cache"


def group_of_scores(file: h5py.File) -> None:
    del file["video_1/gtscore"]
    file.create_group("video_1/gtscore")


NOT_RISING = np.array([0, 15, 15, 30, 45, 60])
FALLING = np.array([75, 60, 45, 30, 15, 0], np.uint32)
BAD = np.array([0.5, np.nan, 0.5, 0.5, 0.5, 0.5])
REFUSED: dict[str, tuple[Callable[[h5py.File], object], list[str]]] = {
    "no features": (without("features"), ["video_1/features", "is missing", "gtscore"]),
    "flat features": (replaced("video_1/features", np.ones(6)), ["video_1/features", "2 axes"]),
    "no steps": (replaced("video_1/features", np.ones((0, 8))), ["video_1/features", "(0, 8)"]),
    "features of strings": (
        replaced("video_1/features", [["a"]]),
        ["video_1/features", "object", "expected numbers"],
    ),
    "features NaN": (
        replaced("video_1/features", np.full((6, SIZE), np.nan)),
        ["features", "'video_1'", "nan"],
    ),
    "scores miscounted": (replaced("video_1/gtscore", np.ones(5)), ["video_1/gtscore", "5", "6"]),
    "scores NaN": (replaced("video_1/gtscore", BAD), ["video_1/gtscore", "nan at frame 1"]),
    "scores in a group": (group_of_scores, ["video_1/gtscore", "is a group"]),
    "picks too few": (replaced("video_1/picks", [0]), ["video_1/picks", "1 values"]),
    "picks that fall": (replaced("video_1/picks", FALLING), ["video_1/picks", "increasing"]),
    "picks that stand still": (
        replaced("video_1/picks", NOT_RISING),
        ["video_1/picks", "increasing"],
    ),
    "no picks": (without("picks"), ["video_1/picks", "fps needs it"]),
    "a dataset beside": (replaced("notes", 1), ["notes", "not a video group"]),
    "a video by a soft link": (
        lambda file: replaced("copy", h5py.SoftLink("/video_1"))(file),
        ["copy", "soft link"],
    ),
    "a video elsewhere": (
        lambda file: replaced("video_1", h5py.ExternalLink("other.h5", "/x"))(file),
        ["video_1", "external or soft link"],
    ),
    "features elsewhere": (
        replaced("video_1/features", h5py.ExternalLink("other.h5", "/x")),
        ["video_1/features", "external or soft link"],
    ),
    "virtual features": (virtual, ["video_1/features", "virtual"]),
    "features in another file": (stored_outside, ["video_1/features", "external dataset"]),
    "a cache": (cache_format, ["is already a cache"]),
    "nothing": (lambda file: [file.pop(name) for name in NAMES], ["contains no video"]),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(h5: H5, failure, tmp_path: Path, change: Any, words: list[str]) -> None:
    path = h5(change)
    line = failure("import", path, tmp_path / "out.h5", "--fps", "30")
    for word in [str(path), *words]:
        assert word in line
    assert not (tmp_path / "out.h5").exists()


def test_rates_that_are_refused(h5: H5, failure, tmp_path: Path) -> None:
    line = failure("import", h5(replaced("video_2/fps", 0.0)), tmp_path / "out.h5")
    assert "video_2/fps" in line and "expected one positive number" in line
    line = failure("import", h5(replaced("video_2/fps", 30.0)), tmp_path / "out.h5")
    assert "video_1: has no fps, but video_2 does" in line


def test_importance_of_some(h5: H5, failure, tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["video_3/gtscore"], file["video_3/user_summary"]

    line = failure("import", h5(change), tmp_path / "out.h5")
    assert "video_3: has no gtscore or user_summary, but video_1 does" in line


def test_picks_beyond_the_users(h5: H5, failure, tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["video_1/gtscore"], file["video_1/user_summary"]
        file["video_1/user_summary"] = np.ones((2, 20))

    line = failure("import", h5(change), tmp_path / "out.h5")
    assert "video_1/user_summary: has shape (2, 20), but picks go up to 75" in line


SPLITS: dict[str, tuple[str, list[str]]] = {
    "no JSON": ("{", ["cannot be read as JSON"]),
    "no list": ("{}", ["expected a list"]),
    "an empty list": ("[]", ["expected a list"]),
    "no test_keys": ('[{"train_keys": ["video_1"]}]', ["split 1", "test_keys is missing"]),
    "numbers": ('[{"train_keys": [1], "test_keys": []}]', ["split 1", "train_keys"]),
    "on both sides": (
        '[{"train_keys": ["video_1"], "test_keys": ["video_1"]}]',
        ["split 1", "'video_1' is duplicated"],
    ),
    "of another file": (
        '[{"train_keys": ["video_1"], "test_keys": ["x/video_2"]}]',
        ["split 1", "test_keys lists no video of tvsum.h5"],
    ),
}


@pytest.mark.parametrize(("text", "words"), SPLITS.values(), ids=SPLITS.keys())
def test_splits_that_are_refused(h5: H5, failure, tmp_path: Path, text: str, words: Any) -> None:
    splits = tmp_path / "splits.json"
    splits.write_text(text)
    line = failure("import", h5(), tmp_path / "out.h5", "--split-file", splits)
    for word in ["splits.json", *words]:
        assert word in line


def test_files_and_flags_that_are_refused(h5: H5, failure, npz, tmp_path: Path) -> None:
    out, path = tmp_path / "out.h5", h5()
    assert "splits.json: no such split file" in failure(
        "import", path, out, "--split-file", tmp_path / "splits.json"
    )
    assert "--fps 0.0: must be positive" in failure("import", path, out, "--fps", "0")
    assert "--seed -1" in failure("import", path, out, "--seed", "-1")
    assert "--axis needs a folder" in failure("import", path, out, "--axis", "view")
    assert "--fps needs" in failure("import", npz(), out, "--fps", "30")
    path.write_bytes(path.read_bytes()[:1000])
    assert "cannot be read as HDF5" in failure("import", path, out)
