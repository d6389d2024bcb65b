"""From a file of features to a verdict without a flag, through the command lines."""

import csv
from pathlib import Path

import numpy as np
from processes import Done, run_command
from summary_videos import summary_file

from frame_select_env import FeatureCache
from frame_select_env.rewards import default_reward


def to_verdict(source: str, folder: Path) -> Done:
    """import, train and evaluate; what the last says."""
    for arguments in (
        ["import", source, "cache.h5"],
        ["train", "--data", "cache.h5", "--out", "run"],
        ["evaluate", "run", "--data", "cache.h5"],
    ):
        done = run_command(arguments, folder)
        assert done.returncode == 0, done.stderr
    return done


def rows_of(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="") as file:
        return {(row["ranking"], row["frames"]): row for row in csv.DictReader(file)}


def test_a_file_of_video_summarisation(tmp_path):
    summary_file(tmp_path / "tvsum-like.h5", videos=15, shots=14)
    said = " ".join(to_verdict("tvsum-like.h5", tmp_path).stdout.split())
    assert "3 test videos" in said or said.startswith("Selection agrees with the raters")
    assert " above random; F " in said and "among themselves the raters have tau" in said
    cache = FeatureCache(tmp_path / "cache.h5")
    assert default_reward(cache, cache.rows("train")) == "diversity_representativeness"
    rows = rows_of(tmp_path / "run" / "evaluation.csv")
    for name, frames in (("human", ""), ("random", "8"), ("uniform", "8"), ("reinforce", "8")):
        row = rows[name, frames]
        assert -1 <= float(row["tau_low"]) <= float(row["tau"]) <= float(row["tau_high"]) <= 1
        assert 0 <= float(row["f_score"]) <= 1 and row["rho"]
    assert rows["all", "all"]["tau"] == ""
    assert not any(frames == "chosen" for _, frames in rows)
    page = (tmp_path / "run" / "evaluation.html").read_text()
    assert "<td>human</td>" in page and "all frames:" not in page
    assert page.count("<p>random: tau ") == page.count("<p>reinforce: tau ") == 3


def test_a_regression(tmp_path):
    rng = np.random.default_rng(0)
    lengths = rng.integers(6, 12, 40)
    labels = rng.normal(size=(40, 1)).astype(np.float32)
    telling = [np.arange(length) < 3 for length in lengths]
    shown = [np.where(one, label, 0.0) for one, label in zip(telling, labels, strict=True)]
    np.savez(
        tmp_path / "features.npz",
        features=np.column_stack([np.concatenate(shown), np.concatenate(telling)]).astype("f4"),
        lengths=lengths,
        labels=labels,
        ids=[f"v{row}" for row in range(40)],
        splits=["train"] * 28 + ["test"] * 12,
        targets=["valence"],
    )
    said = to_verdict("features.npz", tmp_path).stdout
    assert said.startswith(("Selection ", "12 test videos are too few to tell"))
    assert "of the MAE [" in said and "PCC" in said
