"""Raters and their summaries: from a file of video summarisation to caches."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from summary_videos import STRIDE, summary_file

from data.__main__ import main
from frame_select_env import FeatureCache
from frame_select_env.cache.summaries import ABSENT


def imported(path: Path, *options: str) -> FeatureCache:
    out = path.parent / "out.h5"
    main(["import", str(path), str(out), *options])
    return FeatureCache(out)


def dataset(path: Path, name: str) -> np.ndarray:
    with h5py.File(path) as file:
        return file[name][()]


def change(path: Path, name: str, values: np.ndarray | None) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        if values is not None:
            file[name] = values


def test_what_raters_said_is_in_the_cache(tmp_path):
    path = summary_file(tmp_path / "tvsum.h5", videos=3)
    cache = imported(path)
    for row, video in enumerate(cache.ids):
        scores = cache.read_frames("raters", [row], int(cache.lengths[row]))[0]
        np.testing.assert_array_equal(scores, dataset(path, f"{video}/user_scores").T)
        found = cache.summaries(row)
        np.testing.assert_array_equal(found.kept, dataset(path, f"{video}/user_summary").T)
        np.testing.assert_array_equal(found.frame, np.arange(len(found.frame)) // STRIDE)
        assert (
            np.bincount(found.shot).tolist() == dataset(path, f"{video}/n_frame_per_seg").tolist()
        )


def test_without_scores_the_summaries_are_the_scores(tmp_path):
    path = summary_file(tmp_path / "tvsum.h5", videos=2)
    for number in (1, 2):
        change(path, f"video_{number}/user_scores", None)
    cache = imported(path)
    kept, picks = (dataset(path, f"video_1/{name}") for name in ("user_summary", "picks"))
    scores = cache.read_frames("raters", [0], int(cache.lengths[0]))[0]
    np.testing.assert_array_equal(scores, kept.T[picks])


def test_a_video_may_have_fewer_raters(tmp_path):
    path = summary_file(tmp_path / "summe.h5", videos=2)
    for name in ("user_summary", "user_scores"):
        change(path, f"video_2/{name}", dataset(path, f"video_2/{name}")[:3])
    cache = imported(path)
    assert cache.raters == 4
    assert np.isnan(cache.read_frames("raters", [1], 3)[0, :, 3]).all()
    assert (cache.summaries(1).kept[:, 3] == ABSENT).all()
    assert cache.summaries(0).raters.shape[1] == 4 and cache.summaries(1).raters.shape[1] == 3


def test_frames_outside_shots_are_in_none(tmp_path):
    path = summary_file(tmp_path / "tvsum.h5", videos=2)
    bounds = dataset(path, "video_1/change_points")
    bounds[0, 0] += 2
    bounds[-1, 1] += 1  # one frame late, as in some files
    change(path, "video_1/change_points", bounds)
    shot = imported(path).summaries(0).shot
    assert shot[:3].tolist() == [-1, -1, 0] and shot[-1] == len(bounds) - 1


@pytest.mark.parametrize(
    ("bounds", "shown"),
    [
        (np.array([[0, 20], [15, 40]]), "must be the first and last frames of shots in order"),
        (np.array([[0, 10**6]]), "must be the first and last frames of shots in order"),
        (np.array([[0, 10, 20]]), "expected [shots, 2]"),
    ],
)
def test_wrong_shots_are_named(tmp_path, capsys, bounds, shown):
    path = summary_file(tmp_path / "tvsum.h5", videos=2)
    change(path, "video_2/change_points", bounds)
    with pytest.raises(SystemExit) as stopped:
        imported(path)
    assert stopped.value.code == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "video_2/change_points: " in error and shown in error
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("name", "options", "rule"),
    [
        ("eccv16_dataset_summe_google_pool5.h5", [], "max"),
        ("tvsum.h5", [], "mean"),
        ("tvsum.h5", ["--f-score", "max"], "max"),
        ("summe.h5", ["--f-score", "mean"], "mean"),
    ],
)
def test_f_scores_are_joined_as_papers_on_that_data_set_do(tmp_path, capsys, name, options, rule):
    assert imported(summary_file(tmp_path / name, videos=2), *options).f_score == rule
    word = {"max": "maximum", "mean": "mean"}[rule]
    assert f"F-scores are the {word} over raters" in " ".join(capsys.readouterr().err.split())


def test_f_score_needs_summaries(tmp_path, capsys):
    path = summary_file(tmp_path / "tvsum.h5", videos=2)
    for number in (1, 2):
        change(path, f"video_{number}/change_points", None)
    with pytest.raises(SystemExit):
        imported(path, "--f-score", "max")
    assert "--f-score: tvsum.h5 has no summaries" in capsys.readouterr().err


def test_inspect_counts_raters_and_checks_them(tmp_path, capsys):
    cache = imported(summary_file(tmp_path / "tvsum.h5", videos=2))
    main(["inspect", str(cache.path), "--full"])
    said = capsys.readouterr().out
    assert "4 per video, or fewer, with summaries over shots" in said
    assert "all values are valid" in said


def test_another_head_keeps_the_raters(tmp_path):
    path = summary_file(tmp_path / "summe.h5", videos=6)
    lines = [f"video_{n},{('train', 'test')[n > 4]},{'ab'[n % 2]}" for n in range(1, 7)]
    (tmp_path / "labels.csv").write_text("\n".join(["video,split,label", *lines]))
    cache = imported(path, "--split-file", str(tmp_path / "labels.csv"))
    main(["head", str(cache.path), str(tmp_path / "other.h5"), "--head", "logistic"])
    other = FeatureCache(tmp_path / "other.h5")
    assert other.f_score == "max" and other.raters == 4
    for row in range(6):
        for name, values in vars(cache.summaries(row)).items():
            np.testing.assert_array_equal(getattr(other.summaries(row), name), values)
