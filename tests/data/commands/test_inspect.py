"""Inspection: what it shows, what it warns of, and that --full finds one wrong value."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from data.__main__ import main
from data.commands.inspect import all_frames
from frame_select_env import FeatureCache, write_cache


def shown(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    main(["inspect", *map(str, arguments)])
    return " ".join(capsys.readouterr().out.split())


def test_it_shows_the_facts(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = FeatureCache(planted)
    text = shown(capsys, planted)
    assert f"60 in all, {len(cache.rows('train'))} train" in text
    assert f"{cache.start[-1]} in all; {cache.lengths.min()} to" in text
    assert "importance" in text and "time" in text and "float16" in text
    counts = [(cache.labels[cache.splits() == s] == 2).sum() for s in ("train", "val", "test")]
    assert "│ c │ " + " │ ".join(map(str, [*counts, 0, 15])) + " │" in text
    accuracy = 100 * all_frames(cache, "test").accuracy
    assert f"│ default │ main │ test │ {len(cache.rows('test'))} │ {accuracy:.1f} │" in text


def test_a_bundled_name_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "digits", "--num-frames", "10")
    assert "600 in all, 320 train, 80 val, 200 test" in text
    assert "up to 10 per video" in text


def test_regression_and_streams(regression: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, regression)
    assert "2 targets" in text and "valence" in text and "averaged" in text
    cache = FeatureCache(regression)
    result = all_frames(cache, "val", streams=("audio",))
    assert f"│ default │ audio │ val │ 8 │ {result.pcc:.3f} │ {result.mae:.3f} │" in text


def test_all_frames_by_hand(tmp_path: Path) -> None:
    def video(row: int, label: int, predictions: list[list[float]]) -> dict[str, object]:
        features = np.zeros((len(predictions), 1), np.float32)
        return {
            "id": str(row),
            "label": label,
            "split": "test",
            "features": features,
            "predictions": np.array(predictions),
        }

    path = write_cache(
        tmp_path / "hand.h5",
        [
            video(0, 0, [[0.9, 0.1], [0.3, 0.7]]),  # mean 0.6 : 0.4, right
            video(1, 0, [[0.9, 0.1], [0.0, 1.0]]),  # mean 0.45 : 0.55, wrong
            video(2, 1, [[0.4, 0.6]]),  # right
            video(3, -1, [[0.4, 0.6]]),  # not judged
        ],
        classes=["a", "b"],
    )
    result = all_frames(FeatureCache(path), "test")
    assert result.videos == 3
    assert result.accuracy == pytest.approx(2 / 3)


def test_regression_by_hand(tmp_path: Path) -> None:
    def video(row: int, label: float, values: list[float]) -> dict[str, object]:
        return {
            "id": str(row),
            "label": [label],
            "split": "test",
            "features": np.zeros((len(values), 1), np.float32),
            "predictions": np.array(values)[:, None],
        }

    videos = [video(0, 1, [0, 2]), video(1, 2, [4]), video(2, 6, [3, 6])]
    path = write_cache(tmp_path / "hand.h5", videos, targets=["mood"])
    result = all_frames(FeatureCache(path), "test")
    # Consensus 1, 4, 4.5 against 1, 2, 6: errors 0, 2, 1.5.
    assert result.mae == pytest.approx(3.5 / 3)
    assert result.pcc == pytest.approx(np.corrcoef([1, 4, 4.5], [1, 2, 6])[0, 1])


def suspicious(tmp_path: Path, training_right: int) -> Path:
    """20 training videos of which so many are right, and 20 test videos of which 14 are."""

    def videos() -> object:
        for row in range(40):
            split, right = ("train", training_right) if row < 20 else ("test", 14)
            correct = row % 20 < right
            predictions = np.tile([0.8, 0.2] if correct else [0.2, 0.8], (3, 1))
            features = np.zeros((3, 1), np.float32)
            yield {
                "id": str(row),
                "label": 0,
                "split": split,
                "features": features,
                "predictions": predictions,
            }

    return write_cache(tmp_path / "gap.h5", videos(), classes=["a", "b"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("right", "warned"), [(16, False), (17, True), (20, True)])
def test_fifteen_points_between_training_and_test_are_suspicious(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], right: int, warned: bool
) -> None:
    main(["inspect", str(suspicious(tmp_path, right))])
    captured = capsys.readouterr()
    assert ("above test accuracy" in " ".join(captured.err.split())) == warned


def spoilt(cache: Path, path: Path, name: str, row: int, value: float) -> Path:
    """A copy of a cache with one wrong number in the frames of the video in `row`."""
    shutil.copy(cache, path)
    known = FeatureCache(path)
    extent = known.features_extent() if name == "features" else known.predictions_extent()
    values = np.memmap(path, extent.dtype, "r+", extent.offset, extent.shape)
    values[known.start[row], -1] = value
    values.flush()
    return path


@pytest.mark.parametrize("kind", ["features", "predictions"])
def test_full_finds_one_wrong_value(
    planted: Path, tmp_path: Path, failure, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    assert "all values are valid" in shown(capsys, planted, "--full")
    path = spoilt(planted, tmp_path / "bad.h5", kind, 59, np.nan)
    if kind == "features":
        # Judging the predictions reads no feature; it is --full that finds this one.
        assert "default" in shown(capsys, path)  # the row of a fold in the table
    line = failure("inspect", path, "--full")
    assert "bad.h5" in line and f"streams/main/{kind}" in line and "'video 59'" in line


def test_inspect_refuses(failure, tmp_path: Path) -> None:
    assert "digits" in failure("inspect", "absent")
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    assert "is not an HDF5 file" in failure("inspect", text)
    assert "--num-frames" in failure("inspect", "digits", "--num-frames", "0")
