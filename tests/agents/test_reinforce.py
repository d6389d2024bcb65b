"""REINFORCE: the paper's equations by hand, and a small run that learns, twice the same."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.networks.feature_table import FeatureTable
from agents.networks.frame_scorer import FrameScorer
from agents.rankings import ScorerAgent
from agents.reinforce import (
    DESIGN,
    PAPER,
    group_relative,
    leave_one_out,
    log_probability,
    sampling_loss,
)
from agents.training.task import make_task
from agents.training.trainer import make_learner, train
from agents.training.validation import Validation
from frame_select_env import Clips, FrameSelectError, open_cache

SMALL = dataclasses.replace(
    DESIGN.presets["tuned"], hidden_size=12, epochs=4, batch_size=10, episodes=4, dropout=0.0
)
BASELINES = ["leave-one-out", "moving-average", "self-critical", "group-relative"]


def test_sampling_loss_eq_9_by_hand():
    keep = torch.tensor([[0.5, 0.5, 0.25, 0.75], [1.0, 0.0, 0.9, 0.9]])
    valid = torch.tensor([[True, True, True, True], [True, True, False, False]])
    # Video 0: |2 / 4 - 1 / 4| = 1/4. Video 1, of 2 valid frames: |1 / 2 - 1 / 2| = 0.
    assert sampling_loss(keep, valid, 1).item() == pytest.approx(0.125)
    # m = 3 of 2 valid frames is 2 of 2: |2 / 4 - 3 / 4| and |1 / 2 - 2 / 2|.
    assert sampling_loss(keep, valid, 3).item() == pytest.approx((0.25 + 0.5) / 2)


def test_sampling_loss_of_decisions_about_several_frames():
    # Three decisions, one half kept on average, about 10 frames: m = 4 of 10, 20 are all of them.
    keep, valid = torch.tensor([[1.0, 0.5, 0.0]]), torch.ones(1, 3, dtype=torch.bool)
    length = torch.tensor([10])
    assert sampling_loss(keep, valid, 4, length).item() == pytest.approx(0.1)
    assert sampling_loss(keep, valid, 20, length).item() == pytest.approx(0.5)


def test_log_probability_is_summed_over_valid_frames():
    logits = torch.logit(torch.tensor([[0.8, 0.4, 0.3]]))
    actions = torch.tensor([[[True, False, True]]])
    valid = torch.tensor([[True, True, False]])
    expected = np.log(0.8) + np.log(0.6)
    assert log_probability(logits, actions, valid).item() == pytest.approx(expected)


def test_leave_one_out_compares_with_the_other_selections():
    rewards = torch.tensor([[3.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    # 3 - (0 + 0) / 2, 0 - (3 + 0) / 2; equal rewards have no advantage.
    assert leave_one_out(rewards).tolist() == [[3.0, 0.0], [-1.5, 0.0], [-1.5, 0.0]]


def test_group_relative_by_hand():
    # Videos: 1, 2, 3, 6 with mean 3, squares 4 + 1 + 0 + 9 = 14 of 4; equal ones; one of four paid.
    rewards = torch.tensor([[1.0, 0.1, 0.0], [2.0, 0.1, 0.0], [3.0, 0.1, 0.0], [6.0, 0.1, 10.0]])
    deviation = np.sqrt(14 / 4)
    found = group_relative(rewards).numpy()
    np.testing.assert_allclose(found[:, 0], np.array([-2, -1, 0, 3]) / deviation, rtol=1e-6)
    assert found[:, 1].tolist() == [0, 0, 0, 0]
    # Mean 2.5, squares 3 * 6.25 + 56.25 = 75 of 4: -2.5 / 4.33 and 7.5 / 4.33.
    expected = [-1 / np.sqrt(3)] * 3 + [np.sqrt(3)]
    np.testing.assert_allclose(found[:, 2], expected, rtol=1e-6)


@pytest.mark.parametrize("value", [0.1, 0.7, 1e-20, 1e20])
def test_equal_rewards_have_no_group_relative_advantage_to_the_bit(value):
    for count in (2, 3, 7):
        assert not group_relative(torch.full((count, 4), value)).any()


def test_the_moving_average_starts_at_0_and_follows_after_the_step_alg_1(planted):
    cache = open_cache(planted)
    config = dataclasses.replace(SMALL, baseline="moving-average", momentum=0.9)
    learner = make_learner(DESIGN, cache, make_task(cache, planted), config)
    video = learner.rows[: learner.batch_size]
    assert not learner.baseline.any()
    seen = []
    step = learner.env.step

    def listen(actions):
        result = step(actions)
        seen.append(result[1].reshape(config.episodes, -1).mean(0))
        return result

    learner.env.step = listen
    learner.update(video)
    first = learner.baseline[torch.from_numpy(video)].numpy()
    np.testing.assert_allclose(first, 0.1 * seen[0], rtol=1e-5)
    learner.update(video)
    second = learner.baseline[torch.from_numpy(video)].numpy()
    np.testing.assert_allclose(second, 0.9 * first + 0.1 * seen[1], rtol=1e-5, atol=1e-6)
    others = np.setdiff1d(np.arange(len(cache)), video)
    assert not learner.baseline[torch.from_numpy(others)].any()


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_gradient_points_to_the_paid_selection(planted, baseline):
    """With frame 0 paid whatever else is chosen, its probability rises and no other's must."""
    cache = open_cache(planted)
    config = dataclasses.replace(SMALL, baseline=baseline, beta=0.0, episodes=64, ema_decay=0.0)
    task = make_task(
        cache,
        planted,
        num_frames=6,
        target_frames=3,
        reward=lambda facts: facts.selected[:, 0] * 1.0,
    )
    learner = make_learner(DESIGN, cache, task, config)
    inputs = learner.table(learner.rows[:10])
    before = torch.sigmoid(learner.network(*inputs)).detach()
    for _ in range(20):
        learner.update(learner.rows[:10])
    after = torch.sigmoid(learner.network(*inputs)).detach()
    rise = (after - before).mean(0)
    assert rise[0] > 0.02
    assert rise[0] > rise[1:].max()


@pytest.mark.parametrize("baseline", ["leave-one-out", "self-critical", "group-relative"])
def test_the_baseline_is_of_the_same_videos_selections(planted, baseline):
    """Paid by its label alone, no selection is better than another of its video: nothing moves."""
    cache = open_cache(planted)
    config = dataclasses.replace(SMALL, baseline=baseline, beta=0.0, episodes=2, weight_decay=0.0)
    task = make_task(cache, planted, reward=lambda facts: 1.0 * facts.label)
    learner = make_learner(DESIGN, cache, task, config)
    videos = learner.rows[:10]
    assert len(set(cache.labels[videos])) == 4
    before = [value.clone() for value in learner.network.parameters()]
    for _ in range(3):
        learner.update(videos)
    assert all(map(torch.equal, before, learner.network.parameters()))


@pytest.mark.parametrize("bias", [-2.0, 2.0])
def test_an_entropy_bonus_draws_the_policy_to_one_half(planted, bias):
    cache = open_cache(planted)
    config = dataclasses.replace(
        SMALL, ent_coef=1.0, beta=0.0, weight_decay=0.0, learning_rate=0.05
    )
    task = make_task(cache, planted, reward=lambda facts: np.zeros(len(facts.selected)))
    learner = make_learner(DESIGN, cache, task, config)
    with torch.no_grad():
        learner.network.head.bias.fill_(bias)
    figures = [learner.update(learner.rows[:10]) for _ in range(30)]
    # The entropy of 0.88 and 0.12 is 0.37; that of one half is log 2 = 0.69.
    assert figures[0]["entropy"] == pytest.approx(0.37, abs=0.05)
    assert figures[-1]["entropy"] == pytest.approx(np.log(2), abs=0.05)
    assert figures[-1]["kept"] == pytest.approx(0.5, abs=0.1)


def test_self_critical_counts_its_greedy_episode(planted):
    cache = open_cache(planted)
    config = dataclasses.replace(SMALL, baseline="self-critical")
    learner = make_learner(DESIGN, cache, make_task(cache, planted), config)
    assert learner.env.num_envs == 10 * (4 + 1)


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_loss_of_a_policy_that_keeps_every_frame_alike_by_hand(planted, baseline):
    """Every frame is kept with the probability 3/4, and each kept one pays 1."""
    cache = open_cache(planted)
    config = dataclasses.replace(SMALL, baseline=baseline, beta=0.5, ent_coef=2.0, episodes=3)
    task = make_task(
        cache, planted, num_frames=9, target_frames=4,
        reward=lambda facts: 1.0 * facts.selected.sum(axis=1),
    )  # fmt: skip
    learner = make_learner(DESIGN, cache, task, config)
    with torch.no_grad():
        learner.network.head.weight.zero_()
        learner.network.head.bias.fill_(np.log(3))
    played, step = [], learner.env.step
    learner.env.step = lambda actions: played.append(actions) or step(actions)
    videos = learner.rows[:10]
    figures = learner.update(videos)
    length = np.minimum(cache.lengths[videos], 9)
    valid = np.arange(9) < length[:, None]
    drawn = played[0].reshape(-1, 10, 9)
    if baseline == "self-critical":
        assert drawn[3].all()  # greedily all are kept, since 3/4 is above one half
    kept = (drawn[:3] & valid).sum(axis=2)  # what is paid
    compared = {
        "leave-one-out": (kept.sum(axis=0) - kept) / 2,
        "moving-average": 0,
        "self-critical": length,
        "group-relative": kept.mean(axis=0),
    }
    advantage = kept - compared[baseline]
    if baseline == "group-relative":
        spread = kept.std(axis=0)
        assert spread.any()
        advantage = np.where(spread > 0, advantage / np.where(spread > 0, spread, 1), 0)
    likelihood = kept * np.log(3 / 4) + (length - kept) * np.log(1 / 4)
    policy = -(advantage * likelihood).mean()
    entropy = -(3 / 4 * np.log(3 / 4) + 1 / 4 * np.log(1 / 4))
    sampling = np.abs(3 / 4 - np.minimum(4, length) / length).mean()
    assert figures["entropy"] == pytest.approx(entropy, rel=1e-5)
    assert figures["sampling_loss"] == pytest.approx(sampling, rel=1e-5)
    assert figures["loss"] == pytest.approx(policy + 0.5 * sampling - 2 * entropy, rel=1e-4)
    assert figures["reward"] == pytest.approx(kept.mean())
    assert figures["kept"] == pytest.approx(kept.sum() / (3 * length.sum()))
    scored = 10 * (4 if baseline == "self-critical" else 3)
    assert (learner.episodes, learner.timesteps) == (scored, scored)


def test_a_baseline_without_other_selections_needs_one_episode():
    DESIGN.check(dataclasses.replace(SMALL, episodes=1, baseline="moving-average"))
    DESIGN.check(dataclasses.replace(SMALL, episodes=2))


def test_the_paper_preset_holds_the_papers_numbers():
    assert (PAPER.learning_rate, PAPER.decay_epochs, PAPER.epochs) == (1e-5, (20, 40), 45)
    assert (PAPER.weight_decay, PAPER.beta, PAPER.baseline) == (1e-5, 0.1, "moving-average")
    # The agent after epoch 45, trained on the whole split.
    assert (PAPER.keep, PAPER.holdout, PAPER.patience, PAPER.ema_decay) == ("last", False, 0, 0)
    assert DESIGN.default_target_frames("paper", 25) == 12
    # Not given by the paper, ours.
    assert (PAPER.hidden_size, PAPER.num_layers, PAPER.episodes, PAPER.batch_size) == (256, 1, 5, 1)


def test_the_learning_rate_is_divided_by_10_after_the_given_epochs(planted):
    cache = open_cache(planted)
    config = dataclasses.replace(SMALL, learning_rate=0.1, decay_epochs=(1, 3))
    learner = make_learner(DESIGN, cache, make_task(cache, planted), config)
    rates = []
    for number in range(1, 5):
        rates.append(learner.optimiser.param_groups[0]["lr"])
        learner.epoch(number)
    np.testing.assert_allclose(rates, [0.1, 0.01, 0.01, 0.001])


def test_it_learns_where_the_key_frames_are_and_repeats_bit_for_bit(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4, seed=1)
    # With dropout, whose draws are seeded too.
    config = dataclasses.replace(SMALL, epochs=25, learning_rate=0.01, patience=0, dropout=0.2)
    epochs = []
    torch.manual_seed(123)
    state = torch.get_rng_state()
    agent = train(DESIGN, cache, task, config, epochs.append).agent
    assert [epoch.number for epoch in epochs] == list(range(1, 26))
    assert epochs[-1].episodes == epochs[-1].updates * 40
    assert epochs[-1].figures["reward"] > epochs[0].figures["reward"] + 0.5
    validation = Validation(cache, task)
    assert validation(agent) == max(epoch.validation for epoch in epochs)
    assert validation(agent)[1] > validation.all_frames[1] + 0.1
    # The frames it ranks first are the planted ones: 0 is chance, 1 is perfect.
    clips = cache.read(cache.rows("test"), 14)
    key = cache.read_frames("importance", cache.rows("test"), 14) > 0
    best = agent.scores(clips).argmax(1)
    assert key[np.arange(len(best)), best].mean() > 0.8

    assert torch.equal(torch.get_rng_state(), state)  # as it was found
    torch.manual_seed(456)
    again = train(DESIGN, cache, task, config).agent
    for name, value in agent.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name


def test_training_looks_at_no_test_video(planted, monkeypatch):
    cache = open_cache(planted)
    task = make_task(cache, planted)
    test = set(cache.rows("test").tolist())
    assert not test & (set(task.fit_rows.tolist()) | set(task.validation_rows.tolist()))
    read = type(cache).read
    seen: set[int] = set()

    def listen(self, rows, *args, **kwargs):
        seen.update(np.asarray(rows).tolist())
        return read(self, rows, *args, **kwargs)

    monkeypatch.setattr(type(cache), "read", listen)
    train(DESIGN, cache, task, SMALL)
    assert seen and not seen & test


@pytest.mark.parametrize("state", ["feature", "feature+prediction"])
def test_the_network_sees_what_its_state_says_and_no_padding(state):
    torch.manual_seed(0)
    network = FrameScorer(5, 3, state, hidden_size=4).eval()
    features, predictions = torch.randn(2, 6, 5), torch.rand(2, 6, 3)
    valid = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    logits = network(features, predictions, valid)
    changed = network(features, predictions + 1, valid)
    assert torch.equal(logits, changed) == (state == "feature")
    # The padded video alone and cut: the same logits on its four frames.
    alone = network(features[1:, :4], predictions[1:, :4], valid[1:, :4])
    torch.testing.assert_close(logits[1, :4], alone[0])
    garbage = features.clone()
    garbage[1, 4:] = 1e3
    torch.testing.assert_close(network(garbage, predictions, valid)[1, :4], logits[1, :4])


def test_standardising_uses_valid_frames_only():
    network = FrameScorer(2, 1)
    features = torch.tensor([[[0.0, 5.0], [2.0, 5.0], [99.0, 99.0]]])
    network.standardise(features, torch.tensor([[True, True, False]]))
    assert network.mean.tolist() == [1.0, 5.0]
    assert network.scale.tolist() == [1.0, 0.0]  # a constant feature is left out


def test_the_feature_table_looks_up_what_the_cache_reads(planted):
    cache = open_cache(planted)
    rows = cache.rows("train")
    table = FeatureTable.read(cache, rows, 7)
    features, predictions, valid = table(rows[[3, 0]])
    clips = cache.read(rows[[3, 0]], 7)
    assert features.dtype == torch.float16
    assert np.array_equal(features.numpy(), clips.features)
    assert np.array_equal(predictions.numpy(), clips.predictions)
    assert np.array_equal(valid.numpy(), clips.valid)


class FixedScorer(FrameScorer):
    """A network whose logits are its first feature."""

    def forward(self, features, predictions, valid):
        return features[..., 0].float()


def test_the_free_choice_is_one_half_or_more_or_else_the_best_frame():
    agent = ScorerAgent("fixed", FixedScorer(1, 1))
    features = np.float32([[[0.0], [-0.1], [3.0]], [[-2.0], [-1.0], [9.0]]])
    valid = np.array([[True, True, True], [True, True, False]])
    clips = Clips(features, np.zeros((2, 3, 1), np.float32), valid, np.zeros((2, 3)), np.arange(2))
    assert agent.select(clips).tolist() == [[True, False, True], [False, True, False]]
    assert agent.scores(clips)[1, 2] == -np.inf


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs=0: must be at least 1"),
        ({"episodes": 1}, "episodes=1: the leave-one-out baseline needs at least 2"),
        (
            {"episodes": 1, "baseline": "group-relative"},
            "episodes=1: the group-relative baseline needs at least 2",
        ),
        ({"dropout": 1.0}, r"dropout=1.0: must be in \[0, 1\)"),
    ],
)
def test_hyper_parameters_that_make_no_sense(planted, changes, message):
    cache = open_cache(planted)
    with pytest.raises(FrameSelectError, match=message):
        train(DESIGN, cache, make_task(cache, planted), dataclasses.replace(SMALL, **changes))


def test_tasks_that_make_no_sense(planted):
    cache = open_cache(planted)
    for keywords, message in (
        ({"target_frames": 26}, "target_frames=26: must be from 1 to the number of frames, 25"),
        ({"reward": "luck"}, "unknown reward 'luck'"),
        ({"fold": "x"}, "unknown fold 'x'"),
        ({"stream": "x"}, "unknown stream 'x'"),
    ):
        with pytest.raises(FrameSelectError, match=message):
            make_task(cache, planted, **keywords)


def test_regression_trains_with_a_regression_reward(regression):
    cache = open_cache(regression)
    task = make_task(
        cache, regression, stream="video", reward="delta_error", num_frames=4, target_frames=2
    )
    agent = train(DESIGN, cache, task, dataclasses.replace(SMALL, batch_size=4)).agent
    assert agent.scores(cache.read(cache.rows("test"), 4, stream="video")).shape == (8, 4)


def test_the_greedy_selection_keeps_the_frames_above_one_half(planted, monkeypatch):
    cache = open_cache(planted)
    config = dataclasses.replace(SMALL, baseline="self-critical")
    learner = make_learner(DESIGN, cache, make_task(cache, planted, num_frames=8), config)
    videos, sent, step = learner.rows[: learner.batch_size], [], learner.env.step
    monkeypatch.setattr(
        learner.env, "step", lambda actions: (sent.append(actions), step(actions))[1]
    )
    with torch.no_grad():
        learner.network.head.weight.normal_(generator=torch.Generator().manual_seed(0))
        logits = learner.network.eval()(*learner.table(videos)).numpy()
    learner.update(videos)
    valid = learner.table(videos)[2].numpy()
    greedy = sent[0].reshape(config.episodes + 1, len(videos), 8)[-1]
    assert np.array_equal(greedy[valid], logits[valid] > 0)
    assert 0 < greedy[valid].mean() < 1
