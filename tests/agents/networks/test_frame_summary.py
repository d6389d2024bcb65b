"""state=summary: its eleven numbers by hand, padding, and agents that train on it."""

import csv

import numpy as np
import pytest
import torch

from agents.__main__ import main
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_scorer import FrameScorer
from agents.networks.frame_summary import SUMMARY_SIZE, summary
from agents.reinforce import DESIGN
from agents.reproduction.ablations import ABLATION
from agents.training.load import load_run
from baselines.formulas import confidence, motion
from frame_select_env import open_cache

FAST = ["--epochs", "1", "--hidden-size", "8", "--num-frames", "10", "--batch-size", "10"]
SCORERS = ["reinforce", "ppo", "q-factored", "soft-attention"]


def whole(*lengths: int, frames: int) -> torch.Tensor:
    return torch.arange(frames) < torch.tensor(lengths)[:, None]


def test_the_numbers_of_a_video_of_three_frames_by_hand():
    # sqrt(D) is 2. Norms: 10, 0 and 2; steps: 10 and 2.
    features = torch.tensor([[[12.0, 16.0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 4.0]]])
    predictions = torch.tensor([[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.25, 0.75]]])
    found = summary(features, predictions, whole(3, frames=3))[0].T
    # p0 = (1/2, 1/4, 1/4)
    log = np.log
    expected = [
        [0.5, 1.0, 0.75],
        [0.0, 1.0, 0.5],
        [log(2), 0.0, -(0.25 * log(0.25) + 0.75 * log(0.75))],
        [0.375, 0.5, 0.25],
        [0.5 * log(2), log(2), 0.75 * log(3)],
        [10.0, 0.0, 2.0],
        [10.0, 6.0, 2.0],
        [0.0, 0.5, 1.0],
        [0.75, 0.75, 0.875],
        [0.4375, 0.375, 0.375],
        [5.0, 4.0, 1.0],
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


def test_a_video_of_one_frame_has_no_motion_and_no_neighbours():
    features, predictions = torch.tensor([[[3.0]]]), torch.tensor([[[0.25, 0.75]]])
    found = summary(features, predictions, whole(1, frames=1))[0, 0]
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    own = [0.75, 0.5, entropy, 0.625, 0.0, 3.0, 0.0, 0.0, 0.75, 0.625, 3.0]
    torch.testing.assert_close(found, torch.tensor(own, dtype=torch.float32))


def test_a_single_class_has_its_whole_probability_as_margin():
    found = summary(torch.ones(1, 2, 3), torch.ones(1, 2, 1), whole(2, frames=2))
    assert found[..., :5].tolist() == [[[1.0, 1.0, 0.0, 1.0, 0.0]] * 2]


def test_a_probability_of_nothing_has_no_infinite_logarithm():
    predictions = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    found = summary(torch.zeros(1, 2, 1), predictions, whole(2, frames=2))[0]
    assert found[:, 2].tolist() == [0.0, 0.0]
    torch.testing.assert_close(found[:, 4], torch.full((2,), 2.0).log())


def test_what_stands_at_padding_changes_nothing_and_has_zeros():
    torch.manual_seed(0)
    features, predictions = torch.randn(3, 6, 5), torch.rand(3, 6, 4).softmax(2)
    valid = whole(6, 4, 1, frames=6)
    made = summary(features, predictions, valid)
    assert made.shape == (3, 6, SUMMARY_SIZE) and made[valid].isfinite().all()
    assert not made[~valid].any()
    for garbage in (0.0, 1e3, torch.nan, torch.inf):
        other, told = features.clone(), predictions.clone()
        other[~valid], told[~valid] = garbage, garbage
        assert torch.equal(summary(other, told, valid), made)
    for video, length in enumerate((6, 4, 1)):
        cut = slice(video, video + 1), slice(0, length)
        alone = summary(features[cut], predictions[cut], valid[cut])
        torch.testing.assert_close(alone, made[cut])


def test_it_agrees_with_the_rankings_by_formula(planted):
    clips = open_cache(planted).read(np.arange(20), 10)
    parts = (torch.from_numpy(part) for part in (clips.features, clips.predictions, clips.valid))
    found = summary(*parts).numpy()
    size = np.sqrt(clips.features.shape[2])
    np.testing.assert_allclose(found[..., 0], np.where(clips.valid, confidence(clips), 0))
    expected = np.where(clips.valid, motion(clips), 0)
    np.testing.assert_allclose(found[..., 6] * size, expected, rtol=1e-5, atol=1e-6)


def test_the_network_sees_the_summary_of_standardised_features(planted):
    torch.manual_seed(0)
    table = FeatureTable.read(open_cache(planted), np.arange(20), 10)
    features, predictions, valid = table(np.arange(20))
    assert features.dtype == torch.float16
    network = FrameScorer(6, 4, "summary", hidden_size=8).eval()
    assert network.lstm.input_size == SUMMARY_SIZE
    raw = network(features, predictions, valid)
    # float16 is the same as the same values in float32.
    assert torch.equal(network(features.float(), predictions, valid), raw)
    network.standardise(table.features, table.valid)
    standardised = network(features, predictions, valid)
    assert not torch.allclose(standardised[valid], raw[valid])
    # A network that is not standardised sees the same of features that are.
    seen = network.normal(features)
    network.mean.zero_()
    network.scale.fill_(1.0)
    torch.testing.assert_close(network(seen, predictions, valid), standardised)


def test_dropout_drops_what_the_lstm_reads(planted):
    table = FeatureTable.read(open_cache(planted), np.arange(20), 10)
    network = FrameScorer(6, 4, "summary", hidden_size=8, dropout=0.5)
    assert not torch.equal(network(*table(np.arange(20))), network(*table(np.arange(20))))
    network.eval()
    assert torch.equal(network(*table(np.arange(20))), network(*table(np.arange(20))))


@pytest.mark.parametrize("agent", SCORERS)
def test_every_scorer_trains_on_it_and_is_scored(planted, tmp_path, agent):
    run = tmp_path / "run"
    task = ["--data", str(planted), "--out", str(run), "--target-frames", "4"]
    main(["train", "--agent", agent, "--state", "summary", *task, *FAST])
    network = load_run(run, open_cache(planted)).agent.network
    assert network.state == "summary" and network.lstm.input_size == SUMMARY_SIZE
    main(["evaluate", str(run), "--data", str(planted), "--frames", "4", "--resamples", "20"])
    with (run / "evaluation.csv").open() as file:
        assert (agent, "4") in {(row["ranking"], row["frames"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("agent", SCORERS)
def test_a_regression_has_no_probabilities_to_summarise(regression, tmp_path, agent, capsys):
    task = ["--data", str(regression), "--stream", "video", "--reward", "delta_error"]
    run = ["--out", str(tmp_path / "run"), "--num-frames", "4", "--target-frames", "2"]
    with pytest.raises(SystemExit) as caught:
        main(["train", "--agent", agent, "--state", "summary", *task, *run])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "state=summary" in line and "regression.h5" in line
    assert line.endswith("use state=feature or state=feature+prediction")
    assert not (tmp_path / "run").exists()


def test_the_ablation_compares_all_three_states():
    states = [dict(line.changes)["state"] for line in ABLATION.lines if "state = " in line.label]
    tuned = DESIGN.presets["tuned"].state  # has a line of its own
    assert [tuned, *states] == ["feature", "feature+prediction", "summary"]
