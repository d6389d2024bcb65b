"""Every file of a comparison chooses m by the rule that was asked for."""

import csv

import pytest

from agents.__main__ import main
from agents.evaluation.run_scores import evaluate_runs
from frame_select_env import open_cache


@pytest.mark.usefixtures("no_pictures")
def test_each_run_chooses_by_the_rule_of_the_command(regression, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["compare", "--data", str(regression), "--streams", "audio", "--choose", "pcc"]
    command += ["--agents", "soft-attention@hidden_size=4,epochs=1,batch_size=4", "--seeds", "4"]
    command += ["--num-frames", "6", "--target-frames", "2", "--frames", "1", "2", "4"]
    main([*command, "--resamples", "20", "--jobs", "1", "--out", str(out)])
    folders = sorted((out / "runs").glob("*/seed-*"))
    options = {"frames": (1, 2, 4), "references": False, "resamples": 2}
    made = {
        rule: evaluate_runs(open_cache(regression), {"mine": folders}, choose_by=rule, **options)
        for rule in ("pcc", "best")
    }
    assert made["pcc"].chosen["mine"] != made["best"].chosen["mine"], "the test needs a difference"
    with (out / "results.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["agent"].startswith("soft-attention")]
    # The lowest error stands beside it.
    for rule, frames in (("pcc", "chosen"), ("best", "best")):
        found = made[rule].results["mine", "chosen"]
        own = [row for row in rows if row["frames"] == frames]
        for run, row in enumerate(own):
            assert float(row["mae"]) == pytest.approx(found.error[run].mean(), abs=1e-6)
        assert len(own) == 4
    assert "| best |" in (out / "summary.md").read_text(encoding="utf-8")


def test_a_correlation_is_of_a_regression(planted, tmp_path, capsys):
    command = ["compare", "--data", str(planted), "--agents", "soft-attention", "--choose", "pcc"]
    with pytest.raises(SystemExit):
        main([*command, "--num-frames", "10", "--frames", "2", "--out", str(tmp_path / "out")])
    assert "rule to choose by 'pcc': is for regressions" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
