"""Plackett-Luce: exactly m frames, the probability of an ordered draw by hand, and a run."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from agents.__main__ import main
from agents.plackett_luce import DESIGN, log_probability, ordered_draw
from agents.training.task import make_task
from agents.training.trainer import make_learner, train
from frame_select_env import FrameSelectError, open_cache

SMALL = dataclasses.replace(
    DESIGN.presets["tuned"], hidden_size=12, epochs=3, batch_size=10, dropout=0.0
)


def test_the_probability_of_an_ordered_draw_by_hand():
    logits = torch.log(torch.tensor([[5.0, 3.0, 2.0, 7.0]]))
    valid = torch.tensor([[True, True, True, False]])
    order = torch.tensor([[[1, 0]], [[2, 1]]])
    # 3/10 and then 5 of the 7 that are left; 2/10 and then 3 of 8.
    expected = [np.log(0.3 * 5 / 7), np.log(0.2 * 3 / 8)]
    found = log_probability(logits, valid, order)[:, 0]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_the_probabilities_of_all_ordered_draws_sum_to_1():
    logits, valid = torch.randn(1, 5), torch.tensor([[True, True, True, True, False]])
    every = torch.tensor(list(itertools.permutations(range(4), 3)))[:, None]
    assert log_probability(logits, valid, every).exp().sum().item() == pytest.approx(1, rel=1e-5)


def test_draws_are_as_often_as_their_probability():
    torch.manual_seed(0)
    logits, valid = torch.tensor([[1.0, 0.0, -0.5]]), torch.ones(1, 3, dtype=torch.bool)
    order = ordered_draw(logits, valid, 40000, 2)
    for one in itertools.permutations(range(3), 2):
        share = (order[:, 0] == torch.tensor(one)).all(1).float().mean().item()
        chance = log_probability(logits, valid, torch.tensor([[one]])).exp().item()
        assert share == pytest.approx(chance, abs=0.01)


def test_a_video_with_fewer_frames_than_m_is_kept_whole_and_its_gradient_is_finite():
    logits = torch.randn(1, 4, requires_grad=True)
    valid = torch.tensor([[True, True, False, False]])
    order = ordered_draw(logits, valid, 6, 3)
    assert (order[:, 0, :2].sort(1).values == torch.tensor([0, 1])).all()
    found = log_probability(logits, valid, order)
    found.sum().backward()
    assert torch.isfinite(found).all() and torch.isfinite(logits.grad).all()
    assert not logits.grad[0, 2:].any()


@pytest.mark.parametrize(("frames", "drawn"), [((), {3}), ((1, 2, 8), {1, 2, 8}), ((5,), {5})])
def test_every_selection_has_exactly_m_frames_or_all_of_a_shorter_video(planted, frames, drawn):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=8, target_frames=3)
    config = dataclasses.replace(SMALL, frames=frames)
    learner = make_learner(DESIGN, cache, task, config)
    videos = task.fit_rows[:10]
    lengths = learner.table(videos)[2].sum(1).numpy()
    assert lengths.min() < 8 == lengths.max()
    seen, step = set(), learner.env.step

    def listen(actions):
        m = int(actions.sum(axis=1).max())
        counts = actions.sum(axis=1).reshape(config.episodes, -1)
        assert (counts == np.minimum(m, lengths)).all()
        seen.add(m)
        return step(actions)

    learner.env.step = listen
    torch.manual_seed(0)
    for _ in range(8):
        learner.update(videos)
    assert seen == drawn


def test_it_learns_where_the_key_frames_are(planted):
    cache = open_cache(planted)
    task = make_task(cache, planted, num_frames=14, target_frames=4, seed=1)
    config = dataclasses.replace(SMALL, epochs=25, learning_rate=0.01, patience=0)
    epochs = []
    agent = train(DESIGN, cache, task, config, epochs.append).agent
    assert epochs[-1].episodes == epochs[-1].updates * 40
    clips = cache.read(cache.rows("test"), 14)
    key = cache.read_frames("importance", cache.rows("test"), 14) > 0
    best = agent.scores(clips).argmax(1)
    assert key[np.arange(len(best)), best].mean() > 0.8


def test_m_above_the_number_of_frames_is_one_line_before_anything_is_written(
    planted, tmp_path, capsys
):
    for frames, number in (("1 9", 8), ("9", 8)):
        with pytest.raises(SystemExit) as caught:
            main(
                f"train --data {planted} --agent plackett-luce --out {tmp_path}/run --num-frames "
                f"{number} --target-frames 3 --frames {frames}".split()
            )
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "9" in line and "must be at most the number of frames, 8" in line
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"), [({"episodes": 1}, "at least 2"), ({"frames": (0,)}, "at least 1")]
)
def test_hyper_parameters_that_make_no_sense(changes, message):
    with pytest.raises(FrameSelectError, match=message):
        DESIGN.check(dataclasses.replace(SMALL, **changes))
