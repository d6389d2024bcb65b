"""The table of reaction intensity: the figures, the streams, and correlations in its cells."""

import csv

import numpy as np
import pytest
from scipy.stats import pearsonr

from agents.__main__ import main
from agents.comparison.samples import correlation_sample
from agents.evaluation.intervals import Resamples
from agents.reproduction.reaction import ERI, streams
from agents.training.load import load_run
from frame_select_env import open_cache, write_cache

TINY = "reaction@hidden_size=4,num_heads=1,epochs=2,batch_size=8"


def reactions(*names):
    """Videos with these streams, whose mean tells the first of two targets."""
    rng = np.random.default_rng(0)
    for row in range(30):
        label = rng.uniform(0, 1, 2).astype(np.float32)
        yield {
            "id": f"v{row}",
            "label": label,
            "split": ("train", "train", "val", "test", "test")[row % 5],
            "features": {
                name: (label[0] + rng.normal(size=(4, 2))).astype(np.float32) for name in names
            },
            "predictions": {
                name: (label + rng.normal(size=(4, 2))).astype(np.float32) for name in names
            },
        }


def reproduce(out, path):
    command = ["reproduce", "eri", "--data", str(path), "--out", str(out), "--agents", TINY]
    command += ["--seeds", "2", "--num-frames", "4", "--frames", "2", "--resamples", "20"]
    main([*command, "--jobs", "1"])
    with (out / "table.csv").open(newline="") as file:
        return {row["line"]: row for row in csv.DictReader(file)}


def test_the_authors_figures_and_the_streams_of_each():
    found = {line.label: (line.paper, line.stream) for line in ERI.lines}
    assert found == {
        "audio": (0.299, "audio"),
        "action units": (0.342, "local"),
        "visual": (0.362, "holistic"),
        "visual + units": (0.377, "holistic+local"),
        "visual + audio": (0.438, "holistic+audio"),
        "all": (0.455, "holistic+local+audio"),
        "all, on the test videos": (0.4547, "holistic+local+audio"),
    }
    assert streams("all") == "holistic+local+audio"


def test_the_figure_is_the_correlation_of_the_networks_own_answers(tmp_path, capsys):
    path = write_cache(tmp_path / "two.h5", reactions("holistic", "audio"), targets=["joy", "fear"])
    out = tmp_path / "out"
    rows = reproduce(out, path)
    cache = open_cache(path)
    test = cache.rows("test")
    for line, stream in (("audio", "audio"), ("visual + audio", "holistic+audio")):
        each = []
        for folder in sorted((out / "runs").glob(f"*stream={stream.replace('+', '*')}*/seed-*")):
            run = load_run(folder, cache)
            if run.task.stream == stream:
                answer = run.agent.predict(cache.read(test, 4, stream=stream))
                each += [pearsonr(answer[:, k], cache.labels[test, k])[0] for k in (0, 1)]
        assert len(each) == 4
        row = rows[line]
        assert float(row["pcc"]) == pytest.approx(np.mean(each), abs=1e-5)
        assert float(row["pcc_low"]) < float(row["pcc"]) < float(row["pcc_high"])
        predicted = cache.read(test, 4, stream=stream).predictions.mean(axis=1)
        whole = np.mean([pearsonr(predicted[:, k], cache.labels[test, k])[0] for k in (0, 1)])
        assert float(row["gain"]) == pytest.approx(np.mean(each) - whole, abs=1e-5)
        assert (row["frames"], row["runs"], row["agent"]) == ("all", "2", TINY)
        assert row["paper"] == {"audio": "0.2990", "visual + audio": "0.4380"}[line]
        assert row["differs"].startswith("targets 2, not 7")
    # What the cache has no stream for stays empty, and so does the paper's own line.
    for line in ("action units", "visual + units", "all", "all, on the test videos"):
        assert rows[line]["pcc"] == "" and rows[line]["paper"] != ""
    text = (out / "table.md").read_text()
    assert "\n- the data is two, not Hume-Reaction as in the paper: targets 2, not 7" in text
    assert "| paper, PCC | at m, PCC |" in text and "| all | 0.455 | – |" in text
    assert "| audio | 0.299 | " in text and "%" not in text.split("\n- ")[0].partition("kept")[0]
    assert (out / "figure.png").stat().st_size > 0


def test_a_classification_is_refused(planted, tmp_path, capsys):
    with pytest.raises(SystemExit):
        reproduce(tmp_path / "out", planted)
    assert "is a classification; eri is about a regression" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_sample_of_correlations_is_paired_with_its_reference():
    rng = np.random.default_rng(0)
    label = rng.normal(size=(20, 2))
    predicted = label + rng.normal(size=(3, 20, 2))
    drawn = Resamples(20, count=30)
    plain = correlation_sample(predicted, None, label, drawn)
    each = [[pearsonr(run[:, k], label[:, k])[0] for k in (0, 1)] for run in predicted]
    np.testing.assert_allclose(plain.score, np.mean(each, axis=1))
    gain = correlation_sample(predicted, predicted[0], label, drawn)
    np.testing.assert_allclose(gain.score, plain.score - plain.score[0], atol=1e-9)
    alone = correlation_sample(predicted[:1], predicted[0], label, drawn)
    assert not alone.score.any() and not alone.resampled.any()
