"""python -m agents reproduce rewards, through the real entry point."""

import csv
import json

import numpy as np
import pytest

from agents.__main__ import main
from agents.reproduction.reward_figures import correlation
from agents.training.load import load_run
from baselines.optimum import every_return
from frame_select_env import open_cache

LEARNERS = (
    "reinforce@hidden_size=4,epochs=2,beta=0.0",
    "reinforce-sequential@hidden_size=4,epochs=1",
)
DESIGNS = ("sign_omega", "delta_prob", "looks")
FRAMES = 4


def rows(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def reproduce(out, *arguments):
    common = ["--num-frames", str(FRAMES), "--frames", "2", "--resamples", "20", "--jobs", "1"]
    main(["reproduce", "rewards", "--out", str(out), *common, *map(str, arguments)])


@pytest.fixture(scope="module")
def out(planted, tmp_path_factory):
    out = tmp_path_factory.mktemp("rewards") / "out"
    named = ("--rewards", *DESIGNS, "--agents", *LEARNERS)
    reproduce(out, "--data", planted, *named, "--seeds", "2")
    return out


def test_every_line_has_its_figures_and_its_factor(out, planted):
    table = rows(out / "table.csv")
    runs = [row for row in table if row["design"]]
    assert {(row["agent"], row["design"], row["reward_scale"]) for row in runs} == {
        (agent, design, scale)
        for agent in LEARNERS
        for design in DESIGNS
        for scale in ("unit", "raw")
    }
    assert {row["frames"] for row in runs} == {"4", "chosen", "free"}  # m = 8, of 4 frames
    trained = {row["reward"] for row in rows(out / "results.csv")} - {""}
    assert {row["reward"] for row in runs} == trained
    for row in runs:
        assert row["runs"] == "2" and row["data"] == "planted"
        if row["design"] == "delta_prob" and row["reward_scale"] == "unit":
            assert json.loads(row["reward"]) == {"delta_prob": float(row["factor"])}
    # sign_omega is the unit: both scales are the same runs.
    same = [row for row in runs if row["design"] == "sign_omega" and row["frames"] == "free"]
    assert len({(row["agent"], row["accuracy"]) for row in same}) == 2
    assert len(list(out.rglob("model.safetensors"))) == 2 * 2 * (1 + 2 + 2)


def test_the_correlation_of_the_own_choice_is_that_of_its_videos(out, planted):
    cache = open_cache(planted)
    test = cache.rows("test")
    clips = cache.read(test, FRAMES)
    pay, told = [], []
    for folder in sorted(out.glob("runs/*reinforce-hidden*delta_prob,*/seed-*")):
        selected = load_run(folder, cache).agent.select(clips) & clips.valid
        for made, reward in ((pay, "delta_prob"), (told, "correct")):
            every = every_return(test, FRAMES, data=str(planted), split="test", reward=reward)
            made.append(every.of(selected))
    assert len(pay) == 2
    (row,) = (
        row
        for row in rows(out / "table.csv")
        if (row["agent"], row["design"], row["reward_scale"], row["frames"])
        == (LEARNERS[0], "delta_prob", "raw", "free")
    )
    assert float(row["accuracy"]) == pytest.approx(np.mean(told), abs=1e-6)
    assert float(row["reward_own"]) == pytest.approx(np.mean(pay), rel=1e-4)
    expected = np.corrcoef(np.ravel(pay), np.ravel(told))[0, 1]
    assert float(row["correlation_own"]) == pytest.approx(expected, rel=1e-4)


def test_interaction_has_the_means_and_shares_that_add_up(out):
    found = rows(out / "interaction.csv")
    gain = {
        (row["learner"], row["design"]): float(row["value"])
        for row in found
        if (row["figure"], row["reward_scale"], row["frames"]) == ("gain", "unit", "free")
    }
    for learner in LEARNERS:
        mean = np.mean([gain[learner, design] for design in DESIGNS])
        assert gain[learner, ""] == pytest.approx(mean, abs=1e-6)
    for row in rows(out / "table.csv"):
        if row["design"] and (row["reward_scale"], row["frames"]) == ("unit", "free"):
            assert gain[row["agent"], row["design"]] == pytest.approx(float(row["gain"]), abs=2e-6)
    shares = [
        float(row["value"])
        for row in found
        if row["figure"].startswith("variance ")
        and (row["reward_scale"], row["frames"]) == ("unit", "free")
    ]
    assert len(shares) == 4 and sum(shares) == pytest.approx(1, abs=1e-5)


def test_the_advice_is_sorted_by_the_mean_gain_at_chosen(out):
    text = (out / "table.md").read_text()
    advice = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    advice = [cells for cells in advice if cells[1].strip() in DESIGNS][: len(DESIGNS)]
    gains = [float(cells[2].split()[0]) for cells in advice]
    assert gains == sorted(gains, reverse=True) and len(gains) == len(DESIGNS)
    table = rows(out / "table.csv")
    for cells, gain in zip(advice, gains, strict=True):
        own = [
            float(row["gain"])
            for row in table
            if (row["design"], row["reward_scale"]) == (cells[1].strip(), "unit")
            and row["frames"] == "chosen"
        ]
        assert 100 * np.mean(own) == pytest.approx(gain, abs=0.051)
    assert '- looks stands for {"sign_omega": 1.0, "looks": -0.1}' in text.replace("\\", "")
    assert (out / "figure.png").stat().st_size > 10_000


def test_glance_has_its_own_learners(planted, tmp_path):
    out = tmp_path / "out"
    named = ("--rewards", "correct", "--reward-scale", "raw", "--budget", "40", "--seeds", "1")
    reproduce(out, "--data", f"glance={planted}", *named)
    runs = [row for row in rows(out / "table.csv") if row["design"]]
    assert {row["agent"] for row in runs} == {"reinforce-glance", "dqn-glance", "ppo-glance"}
    assert {row["reward"] for row in runs} == {'{"correct": 1.0, "looks": -0.01}'}
    assert "| advice (raw) | gain chosen |" in (out / "table.md").read_text()


def test_options_of_rewards_are_for_no_other_table(planted, tmp_path, capsys):
    for option in (["--rewards", "margin"], ["--reward-scale", "raw"]):
        command = ["reproduce", "proposal", "--data", str(planted), "--out", str(tmp_path / "out")]
        with pytest.raises(SystemExit):
            main([*command, *option])
        expected = f"{option[0]}: is for the table rewards alone; leave it out"
        assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_constant_has_no_correlation():
    assert np.isnan(correlation(np.full(4, 0.1), np.array([0.0, 1.0, 0.0, 1.0])))
    assert np.isnan(correlation(np.arange(4.0), np.ones(4)))
    assert correlation(np.arange(4.0), -2 * np.arange(4.0)) == pytest.approx(-1)
