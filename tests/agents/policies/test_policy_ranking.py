"""PolicyRanking: the scores and the free choice of anybody's policy, by the environment's rules."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.evaluation import evaluate_policy

from agents import PolicyRanking
from agents.evaluation import evaluate
from agents.networks.decision import DecisionNetwork
from agents.networks.feature_table import FeatureTable
from agents.networks.frame_set import FrameSetNetwork
from agents.rankings import PickAgent, SequentialAgent
from agents.stable_baselines.vec_env import BatchVecEnv
from frame_select_env import FrameSelectError, open_cache

ONE_SHOT, SEQUENTIAL = "FrameSelect/OneShot-v0", "FrameSelect/Sequential-v0"
PICK, GLANCE = "FrameSelect/Pick-v0", "FrameSelect/Glance-v0"
T = 10


@pytest.fixture
def clips(planted):
    cache = open_cache(planted)
    return cache.read(cache.rows("test"), T)


@pytest.fixture
def ranked(planted, clips):
    """Scores, free choice and valid frames of a policy on the test videos."""

    def rank(predict, env_id, **keywords):
        ranking = PolicyRanking(predict, env_id, data=str(planted), num_frames=T, **keywords)
        scores = ranking.scores(clips)
        assert (scores[~clips.valid] == -np.inf).all()
        return scores, ranking.select(clips)

    return rank


def test_logits_of_one_shot_are_scores_and_a_tie_keeps(ranked, clips):
    logits = np.tile(np.linspace(-1, 1, 11)[:T], (len(clips), 1))  # 0 at frame 5
    scores, free = ranked(lambda observation, mask: torch.tensor(logits), ONE_SHOT)
    np.testing.assert_allclose(scores[clips.valid], logits[clips.valid])
    for row, valid in enumerate(clips.valid):
        expected = [t for t in range(5, T) if valid[t]] or [valid.sum() - 1]  # else the best one
        assert np.flatnonzero(free[row]).tolist() == expected


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
def test_actions_of_one_shot_may_be_floats_as_sb3_sends_them(ranked, clips, dtype):
    even = (np.arange(T) % 2 == 0).astype(dtype)
    scores, free = ranked(
        lambda observation, mask: np.tile(even, (len(mask or clips), 1)), ONE_SHOT
    )
    assert (free == even.astype(bool) & clips.valid).all()
    assert (scores[clips.valid] == np.tile(even, (len(clips), 1))[clips.valid]).all()


@pytest.mark.parametrize("chunk", [1, 4])
def test_logits_of_sequential_give_what_our_agent_of_the_same_network_gives(
    planted, clips, ranked, chunk
):
    torch.manual_seed(2)
    network = DecisionNetwork(6, 4, "frame", chunk, hidden_size=8).eval()
    with torch.no_grad():
        network.head.bias.copy_(torch.tensor([0.0, 0.05]))
    table = FeatureTable.read(open_cache(planted), clips.video, T)

    def predict(observation, mask):
        assert mask is None
        seen = {name: torch.from_numpy(values) for name, values in observation.items()}
        with torch.no_grad():
            return network(table, seen["video"][:, 0], seen["selected"], seen["cursor"][:, 0])

    scores, free = ranked(predict, SEQUENTIAL, observation="index", chunk=chunk)
    ours = SequentialAgent("ours", network)
    np.testing.assert_allclose(scores, ours.scores(clips), atol=1e-6)
    assert (free == ours.select(clips)).all() and 0 < free.sum() < clips.valid.sum()


def test_logits_of_pick_give_the_picks_of_our_agent_in_their_order(planted, clips, ranked):
    torch.manual_seed(3)
    network = FrameSetNetwork(6, 4, stop=True, hidden_size=8).eval()
    with torch.no_grad():
        network.stop_head.bias.fill_(-0.35)  # some videos stop early
    table = FeatureTable.read(open_cache(planted), clips.video, T)

    def predict(observation, mask):
        seen = {name: torch.from_numpy(values) for name, values in observation.items()}
        with torch.no_grad():
            return network(table, seen["video"][:, 0], seen["selected"], seen["cursor"][:, 0])

    scores, free = ranked(predict, PICK, observation="index", picks=4, stop=True)
    ours, picked = PickAgent("ours", network, 4).rollout(clips)
    assert len(set(picked.sum(1))) > 1
    for row, kept in enumerate(picked):
        order = np.argsort(-scores[row], kind="stable")
        assert (order[: kept.sum()] == np.argsort(-ours[row], kind="stable")[: kept.sum()]).all()
        if kept.any():
            assert (free[row] == kept).all()


def test_actions_rank_by_the_order_of_picking_and_repeats_add_nothing(ranked, clips):
    turns = iter([2, 0, 0, 1])
    scores, free = ranked(lambda observation, mask: np.full(len(mask), next(turns)), PICK, picks=4)
    assert (free[:, :3].all(axis=1) & ~free[:, 3:].any(axis=1)).all()  # at least 3 frames each
    assert (np.argsort(-scores, axis=1, kind="stable")[:, :3] == [2, 0, 1]).all()


def test_glance_looks_until_the_policy_answers_and_illegal_logits_do_not_count(ranked, clips):
    def predict(observation, mask):
        looks = observation["selected"].sum(axis=1)
        logits = np.zeros((len(mask), T + 1))
        logits[:, T] = 5.0 * (looks != 1)  # also before the first look, when it is not legal
        logits[:, 1] = 1.0
        return logits

    scores, free = ranked(predict, GLANCE)
    assert (free.sum(axis=1) == 2).all() and free[:, 1].all() and free[:, 0].all()
    assert (scores.argmax(axis=1) == 1).all()


def test_frames_that_sequential_skips_rank_last(ranked, clips):
    """Keep frame 0, skip 2 from frame 1, then answer at frame 3."""

    def predict(observation, mask):
        return np.array([2, 1, 0, 3, 3])[np.minimum(observation["cursor"][:, 0], 4)]

    scores, free = ranked(predict, SEQUENTIAL, skips=[1, 2], observation="looked")
    assert (free.sum(axis=1) == 1).all() and free[:, 0].all()
    long = clips.valid.sum(axis=1) > 4
    assert (scores[long, :5] == [1, 0, -1, 0, -1]).all()


class Counter:
    """A policy with a memory: it keeps the third frame of every episode."""

    def reset(self) -> None:
        self.steps = 0

    def __call__(self, observation, mask):
        self.steps += 1
        return np.full(len(observation["cursor"]), int(self.steps == 3))


def test_a_memory_begins_anew_with_the_episodes(ranked, planted, clips, monkeypatch):
    monkeypatch.setattr("agents.policies.policy_ranking.PARALLEL", 5)  # several batches
    _, free = ranked(Counter(), SEQUENTIAL, observation="index")
    assert (free.sum(axis=1) == 1).all() and free[:, 2].all()


def test_a_policy_that_samples_is_scored_for_what_it_chose(planted, clips):
    rng = np.random.default_rng(0)
    ranking = PolicyRanking(
        lambda observation, mask: rng.random((len(observation["valid"]), T)) - 0.5,
        *(ONE_SHOT,), data=str(planted), num_frames=T,
    )  # fmt: skip
    scores, free = ranking.scores(clips), ranking.select(clips)
    some = (scores >= 0).any(axis=1)
    assert (free[some] == (scores >= 0)[some]).all()


def test_evaluate_policy_agrees_with_the_table(planted):
    cache = open_cache(planted)

    class KeepSure:
        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            keep = observation["predictions"].max(axis=2) > 0.3  # some of every video
            return keep.astype(np.float32), state

    model = KeepSure()
    videos = len(cache.rows("test"))
    env = BatchVecEnv(
        ONE_SHOT, 5, data=str(planted), split="test", order="once", num_frames=T,
        reward={"correct": 1.0},
    )  # fmt: skip
    env.seed(0)
    mean, _ = evaluate_policy(model, env, n_eval_episodes=videos)
    ranking = PolicyRanking(
        lambda observation, mask: model.predict(observation, deterministic=True)[0],
        *(ONE_SHOT,), data=str(planted), num_frames=T,
    )  # fmt: skip
    table = evaluate(
        cache, {"sure": [ranking]}, num_frames=T, frames=[2], references=False, resamples=1
    ).table
    (row,) = [row for row in table if (row.ranking, row.frames) == ("sure", "free")]
    assert row.figures["accuracy"].value == pytest.approx(mean) and 0 < mean < 1


@pytest.mark.parametrize(
    ("env_id", "answer", "message"),
    [
        (ONE_SHOT, np.zeros((12, 3)), r"predict gave float64 \(12, 3\); expected actions \(12, 10"),
        (SEQUENTIAL, np.zeros((12, 3)), r"expected actions \(12,\) or logits \(12, 2\)"),
        (SEQUENTIAL, (np.zeros(12), None), "predict gave a tuple; of Stable-Baselines3 take"),
        (PICK, np.full((12, T), np.nan), "predict gave NaN"),
        (SEQUENTIAL, np.full(12, 7), "action 7 is out of range"),
    ],
)
def test_answers_that_are_neither_actions_nor_logits(ranked, env_id, answer, message):
    with pytest.raises(FrameSelectError, match=message):
        ranked(lambda observation, mask: answer, env_id)


def test_a_policy_of_other_actions_is_refused(ranked):
    """Its action 1 skips two frames; without skips that number would keep one."""

    class Skimming:
        action_space = spaces.Discrete(4)  # with skips=[1, 2]: these, keep, answer

        def __call__(self, observation, mask):
            return np.ones(len(observation["valid"]), np.int64)

    _, free = ranked(Skimming(), SEQUENTIAL, skips=[1, 2])
    assert (free.sum(axis=1) <= 1).all()  # the best frame, where it keeps none
    with pytest.raises(FrameSelectError, match=r"policy: was trained on actions Discrete\(4\)"):
        ranked(Skimming(), SEQUENTIAL)


def test_clips_of_another_cache_or_length_are_refused(planted, clips):
    def keep(observation, mask):
        return np.ones((len(observation["valid"]), observation["valid"].shape[1]))

    for keywords in ({"data": "cues", "num_frames": T}, {"data": str(planted), "num_frames": 9}):
        with pytest.raises(FrameSelectError, match="has other frames than those to rank"):
            PolicyRanking(keep, ONE_SHOT, **keywords).scores(clips)
    with pytest.raises(FrameSelectError, match="unknown environment 'OneShot'"):
        PolicyRanking(keep, "OneShot")
    policy = PolicyRanking(keep, ONE_SHOT, num_frames=9)
    assert policy.on(fold="default").keywords == {"num_frames": 9, "fold": "default"}
    with pytest.raises(FrameSelectError, match="has num_frames=9, but num_frames=10 is asked for"):
        policy.on(num_frames=T)
    with pytest.raises(FrameSelectError, match="unexpected keyword argument 'chunk'"):
        PolicyRanking(keep, ONE_SHOT, chunk=2, data=str(planted)).scores(clips)
