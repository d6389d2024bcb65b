"""What early stopping scores: the m best frames or an own answer, by error or by correlation."""

import csv
import dataclasses

import numpy as np
import pytest

from agents.__main__ import main
from agents.reaction import DESIGN as REACTION
from agents.reaction import ReactionConfig
from agents.registry import parse_agent
from agents.soft_attention import DESIGN as SOFT_ATTENTION
from agents.training.task import make_task
from agents.training.trainer import Run, train, train_run
from agents.training.validation import Validation
from frame_select_env import FrameSelectError, open_cache, write_cache

LABELS = np.float32([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0], [3.0, 3.0]])


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Four validation videos; the first frame says the first target, and the second both."""

    def videos():
        for row, label in enumerate([*LABELS, *LABELS]):
            yield {
                "id": f"{row}",
                "label": label,
                "split": "train" if row < 4 else "val",
                "features": np.zeros((2, 1), np.float32),
                "predictions": np.stack([[2 * label[0], 5.0], label + 1]).astype(np.float32),
            }

    path = tmp_path_factory.mktemp("told") / "told.h5"
    return open_cache(write_cache(path, videos(), targets=["joy", "fear"]))


class Second:
    """Ranks the second frame first, and answers with minus the labels."""

    name = "second"

    def scores(self, clips):
        return np.tile([0.0, 1.0], (len(clips), 1))

    def predict(self, clips):
        return -np.repeat(LABELS, len(clips) // len(LABELS), axis=0).astype(np.float64)


def a_task(cache):
    return make_task(cache, cache.path, num_frames=2, target_frames=1)


def test_the_metric_is_the_error_or_the_correlation(told):
    task = a_task(told)
    assert Validation(told, task)(Second()) == (pytest.approx(-1.0), pytest.approx(-1.0))
    score = Validation(told, task, "pcc")(Second())
    assert score == (pytest.approx(1.0), pytest.approx(-1.0))
    # All frames: the first target without a flaw, and of the second a half.
    assert Validation(told, task, "pcc").all_frames[0] == pytest.approx(1.0)


def test_what_is_validated_is_the_selection_or_the_answer(told):
    task = a_task(told)
    assert Validation(told, task, "pcc", "answer")(Second())[0] == pytest.approx(-1.0)
    error = np.abs(2 * LABELS).mean()
    assert Validation(told, task, "error", "answer")(Second())[0] == pytest.approx(-error)


def test_the_answers_about_views_are_averaged(viewed):
    cache = open_cache(viewed)
    task = make_task(cache, viewed, stream="rgb", view="random", num_frames=8)
    validation = Validation(cache, task, validated="answer")
    videos = len(validation.labels)
    assert len(validation.clips) == 3 * videos
    right = np.eye(4)[validation.labels]

    class TwoOfThree:
        """Two views of each video are right."""

        def predict(self, clips):
            wrong = np.roll(right, 1, axis=1)
            return np.stack([right, wrong, right], axis=1).reshape(-1, 4)

    assert validation(TwoOfThree()) == (1.0, pytest.approx(2 / 3))


def test_a_run_keeps_the_epoch_with_the_best_correlation(regression):
    cache = open_cache(regression)
    task = make_task(cache, regression, stream="audio", num_frames=8, target_frames=2)
    config = ReactionConfig(
        hidden_size=8, epochs=6, patience=0, learning_rate=0.02, validation_metric="pcc"
    )
    epochs = []
    trained = train(REACTION, cache, task, config, epochs.append)
    scores = [epoch.validation[0] for epoch in epochs]
    assert trained.kept_epoch == 1 + int(np.argmax(scores)) and max(scores) > min(scores)
    answer = trained.agent.predict(trained.validation.clips)
    label = trained.validation.labels
    each = [np.corrcoef(answer[:, k], label[:, k])[0, 1] for k in range(2)]
    assert max(scores) == pytest.approx(np.mean(each), abs=1e-6)


def test_what_cannot_be_validated_is_refused(planted, tmp_path):
    for agent, message in (
        ("reinforce@validation_metric=pcc", "validation_metric=pcc: is for regressions, but plant"),
        ("soft-attention@validate=answer", "validate=answer: soft-attention gives no answer of"),
    ):
        out = tmp_path / "run"
        run = Run(str(planted), parse_agent(agent), {"num_frames": 8})
        with pytest.raises(FrameSelectError, match=message):
            train_run(out, run)
        assert not out.exists()
    cache = open_cache(planted)
    config = dataclasses.replace(SOFT_ATTENTION.presets["tuned"], validate="answer")
    with pytest.raises(FrameSelectError, match="validate=answer"):
        train(SOFT_ATTENTION, cache, make_task(cache, planted, num_frames=8), config)


@pytest.mark.parametrize("metric", ["pcc", "error"])
def test_a_search_names_what_was_validated(metric, regression, tmp_path, capsys):
    agent = f"reaction@hidden_size=8,epochs=1,batch_size=4,validation_metric={metric}"
    command = ["search", "--data", str(regression), "--stream", "audio", "--agent", agent]
    command += ["--num-frames", "4", "--target-frames", "2", "--trials", "1", "--seeds", "1"]
    main([*command, "--jobs", "1", "--out", str(tmp_path / "log.csv")])
    with (tmp_path / "log.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    value = float(row["validation"]) if metric == "pcc" else -float(row["validation"])
    text = capsys.readouterr().out
    assert f"{value:.4f}" in text and {"pcc": "PCC", "error": "MAE"}[metric] in text
    assert (float(row["validation"]) == float(row["validation_p_c"])) == (metric == "error")


@pytest.fixture
def one_class(tmp_path):
    """Eight videos of one class; of six frames, one shows something else than the others."""

    def videos():
        for row in range(8):
            features = np.tile(np.float32([1, 0]), (6, 1))
            features[row % 6] = [0, 1]
            yield {
                "id": f"{row}",
                "label": 0,
                "split": "train" if row < 4 else "val",
                "features": features,
                "predictions": np.ones((6, 1), np.float32),
            }

    return open_cache(write_cache(tmp_path / "one.h5", videos(), classes=["video"]))


class Odd:
    """Ranks the frame that differs first, or with sign -1 last."""

    name = "odd"

    def __init__(self, sign):
        self.sign = sign

    def scores(self, clips):
        return self.sign * clips.features[:, :, 1].astype(np.float64)


def test_where_every_answer_is_right_the_score_is_the_reward(one_class):
    """Two frames that differ: R_div 1 and R_rep exp(0) = 1. Two equal ones: R_div 0, and R_rep is
    exp of minus the sixth of a distance of sqrt(2)."""
    task = make_task(one_class, one_class.path, num_frames=6, target_frames=2)
    assert task.reward == "diversity_representativeness"
    validation = Validation(one_class, task)
    assert validation.measure == "reward"
    assert validation(Odd(1)) == pytest.approx((2.0, 2.0))
    assert validation(Odd(-1))[0] == pytest.approx(np.exp(-np.sqrt(2) / 6))
    # All frames: of 30 ordered pairs 10 differ.
    assert validation.all_frames[0] == pytest.approx(1 / 3 + 1)


def test_a_reward_that_reads_the_label_is_no_score(one_class):
    task = make_task(one_class, one_class.path, num_frames=6, target_frames=2, reward="sign_omega")
    assert Validation(one_class, task)(Odd(1)) == (1.0, 1.0)
