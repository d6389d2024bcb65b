"""compare where raters are all that can be judged by: tau in the file, the pairs and the report."""

import csv

import pytest
from summary_videos import summary_file

from agents.__main__ import main
from data.__main__ import main as data

TINY = "hidden_size=4,epochs=2"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    summary_file(folder / "tvsum.h5", videos=10, shots=8, raters=3)
    data(["import", str(folder / "tvsum.h5"), str(folder / "cache.h5")])
    command = ["compare", "--data", str(folder / "cache.h5"), "--out", str(folder / "out")]
    command += ["--agents", f"reinforce@{TINY}", f"plackett-luce@{TINY}", "--seeds", "2"]
    main([*command, "--num-frames", "12", "--frames", "2", "--resamples", "20", "--jobs", "1"])
    return folder / "out"


def rows(out, name):
    with (out / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_run_control_and_reference_has_its_agreement(out):
    found = rows(out, "results.csv")
    for agent in ("human", "random", "uniform", "motion", f"untrained reinforce@{TINY}"):
        one = next(row for row in found if row["agent"] == agent and row["frames"] != "free")
        assert -1 <= float(one["tau"]) <= 1 and 0 <= float(one["f_score"]) <= 1
    taus = {
        row["seed"]: row["tau"]
        for row in found
        if (row["agent"], row["frames"]) == (f"reinforce@{TINY}", "2")
    }
    assert set(taus) == {"0", "1"} and taus["0"] != taus["1"]
    assert {row["reward"] for row in found if row["seed"]} == {"diversity_representativeness", ""}


def test_agents_are_compared_by_tau(out):
    (pair,) = (row for row in rows(out, "pairs.csv") if row["frames"] == "2")
    taus = {}
    for row in rows(out, "results.csv"):
        if row["frames"] == "2" and row["seed"]:
            taus.setdefault(row["agent"], []).append(float(row["tau"]))
    means = [sum(taus[pair[name]]) / 2 for name in ("first", "second")]
    assert float(pair["difference"]) == pytest.approx(means[0] - means[1], abs=1e-5)
    assert pair["task"] == "agreement"


def test_the_summary_speaks_of_tau_alone(out):
    text = (out / "summary.md").read_text()
    assert "IQM of tau above random" in text and "| human |" in text
    assert "accuracy" not in text.partition("## Cost")[0]
    assert "<td>human</td>" in (out / "report.html").read_text()
