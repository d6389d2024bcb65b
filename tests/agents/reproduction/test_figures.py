"""Figures: accuracies averaged over folds, gains, rescued and broken videos, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from agents.comparison.results import DataSetResults
from agents.evaluation import evaluate
from agents.reproduction.figures import figures
from agents.reproduction.study import Line, Study, data_sets_of, made_of_runs, measure
from agents.reproduction.write import study_table, write_study
from frame_select_env import open_cache

AGENT_TEXT, LABEL = "reinforce", "reinforce, m=2"
LINES = (
    Line("all frames", ranking="all"),
    Line("random", ranking="random", frames=2),
    Line("agent", paper=50.0, frames=2),
    Line("first fold", frames=2, folds="first"),
)
STUDY = Study("name", "A title", "From a paper", LINES, agents=(AGENT_TEXT,))


class Told:
    """A run's ranking: by feature 0, which tells the key frames, with noise of its seed."""

    name = "told"

    def __init__(self, seed):
        self.seed = seed

    def scores(self, clips):
        noise = np.random.default_rng(self.seed).normal(size=clips.valid.shape)
        return clips.features[:, :, 0] + 6 * noise

    def select(self, clips):
        return clips.features[:, :, 0] > 2


@pytest.fixture(scope="module")
def results(folded):
    """The evaluations of two runs on the folds one and two, as `gather` gives them."""
    found = []
    for where in data_sets_of(LINES[2], folded):
        evaluation = evaluate(
            open_cache(folded),
            {LABEL: [Told(0), Told(1)]},
            **{"fold": where.fold, "stream": where.streams, "view": where.view},
            **{"num_frames": 6, "frames": (2, 4), "resamples": 50},
        )
        found.append(DataSetResults(where, evaluation, {LABEL: ()}))
    return found


@pytest.fixture(scope="module")
def made(folded, results):
    labels = {(AGENT_TEXT, "sign_omega", 2): LABEL}
    return figures(measure(STUDY, {"": folded}, [AGENT_TEXT], results, labels))


def by_name(made):
    return {(one.line.label, one.frames): one for one in made}


def right_by_hand(folded, fold, run, m):
    """Which test videos the m best frames of every view get right, [n] bool; None for all."""
    cache = open_cache(folded)
    rows = cache.rows("test", fold)
    mean = np.zeros((len(rows), 3))
    for stream in cache.streams:
        video, view = rows.repeat(2), np.tile([0, 1], len(rows))
        clips = cache.read(video, 6, fold, stream, view)
        best = np.argsort(-Told(run).scores(clips), axis=1)[:, : m or 6]
        kept = np.take_along_axis(clips.predictions, best[:, :, None], axis=1).mean(axis=1)
        mean += kept.reshape(len(rows), 2, 3).sum(axis=1)
    return mean.argmax(axis=1) == cache.labels[rows]


def test_the_accuracy_is_the_mean_over_folds_and_runs(folded, made):
    found = by_name(made)
    accuracy = {
        (fold, m): np.mean([right_by_hand(folded, fold, run, m).mean() for run in (0, 1)])
        for fold in ("one", "two")
        for m in (2, None)
    }
    assert found["agent", "2"].score.value == pytest.approx(
        (accuracy["one", 2] + accuracy["two", 2]) / 2
    )
    assert found["all frames", "all"].score.value == pytest.approx(
        (accuracy["one", None] + accuracy["two", None]) / 2
    )
    assert found["first fold", "2"].score.value == pytest.approx(accuracy["one", 2])
    assert accuracy["one", 2] != accuracy["two", 2]  # else a mean could not be told from one fold
    assert found["agent", "2"].runs == 2
    assert len(found["agent", "2"].samples) == 2 and len(found["first fold", "2"].samples) == 1


def test_rescued_and_broken_are_by_hand_and_make_the_gain(folded, made):
    found = by_name(made)
    shares = []
    for fold in ("one", "two"):
        whole = right_by_hand(folded, fold, 0, None)
        own = [right_by_hand(folded, fold, run, 2) for run in (0, 1)]
        shares.append([np.mean([one & ~whole for one in own])])
        shares[-1].append(np.mean([whole & ~one for one in own]))
    agent = found["agent", "2"]
    assert (agent.rescued, agent.broken) == pytest.approx(tuple(np.mean(shares, axis=0)))
    assert agent.rescued > agent.broken > 0  # the figures could be told apart
    assert agent.kept == pytest.approx(2 / 6)
    for one in made:
        assert one.rescued - one.broken == pytest.approx(one.gain.value, abs=1e-12)
        everything = found["all frames", "all"].score.value
        if one.line.folds == "every":
            assert one.score.value - everything == pytest.approx(one.gain.value, abs=1e-12)


def test_a_line_has_its_m_and_an_agent_its_choices_too(made):
    assert list(by_name(made)) == [
        ("all frames", "all"),
        ("random", "2"),
        *(("agent", frames) for frames in ("2", "chosen", "free")),
        *(("first fold", frames) for frames in ("2", "chosen", "free")),
    ]
    assert {one.runs for one in made if one.ranking == "random"} == {10}


def test_what_is_made_of_the_runs_is_a_line_too(folded, results):
    line = replace(LINES[2], label="pooled", made=", then pooled")
    study = replace(STUDY, lines=(LINES[2], line, replace(line, made=" ensemble")))
    labels = {(AGENT_TEXT, "sign_omega", 2): LABEL, ("dqn", "sign_omega", 2): "other"}
    assert made_of_runs(study, [AGENT_TEXT], labels) == {"ensemble": {LABEL}, "pool": {LABEL}}
    evaluation = results[0].evaluation
    pooled = evaluation.results[LABEL, "2"].run(slice(0, 1))
    more = {(f"{LABEL}, then pooled", "all"): pooled}
    evaluation = replace(evaluation, results={**evaluation.results, **more})
    results = [replace(results[0], evaluation=evaluation)]
    made = figures(measure(study, {"": folded}, [AGENT_TEXT], results, labels))
    assert [(one.line.label, one.frames) for one in made if one.line.made] == [("pooled", "all")]


def test_without_results_of_a_fold_the_others_are_averaged_and_said_so(folded, results):
    labels = {(AGENT_TEXT, "sign_omega", 2): LABEL}
    made = figures(measure(STUDY, {"": folded}, [AGENT_TEXT], results[1:], labels))
    assert {one.line.label for one in made} == {"all frames", "random", "agent"}
    assert {len(one.samples) for one in made} == {1}
    assert measure(STUDY, {}, [AGENT_TEXT], results, labels) == []


def test_a_table_has_the_papers_figure_beside_ours(made):
    table = study_table(STUDY, [AGENT_TEXT], made, {}, intervals=False)
    assert table.heading[:5] == ["", "paper, %", "at m, %", "chosen, %", "free, %"]
    rows = {row[0]: row for row in table.rows}
    agent = {frames: one for (label, frames), one in by_name(made).items() if label == "agent"}
    figure = [f"{100 * agent[frames].score.value:.1f}" for frames in ("2", "chosen", "free")]
    assert rows["agent"][1:5] == ["50.0", *figure]
    free = agent["free"]
    shares = [f"{100 * share:.1f}" for share in (free.kept, free.rescued, free.broken)]
    assert rows["agent"][6:] == shares
    assert rows["all frames"][1] == "–" and rows["all frames"][3:5] == ["–", "–"]


def test_a_pair_is_a_line_below_the_table(folded, made, tmp_path):
    again = replace(LINES[2], label="again")
    study = replace(STUDY, lines=(*LINES, again), pairs=(("again", "agent"), ("again", "nothing")))
    fixed, chosen = by_name(made)["agent", "2"], by_name(made)["agent", "chosen"]
    other = replace(fixed, line=again, frames="chosen")
    write_study(tmp_path, study, {"": folded}, [AGENT_TEXT], [*made, other], 6, ["a note"])
    notes = [line for line in (tmp_path / "table.md").read_text().splitlines() if line[:2] == "- "]
    difference = 100 * (fixed.score.value - chosen.score.value)
    assert abs(difference) > 1
    assert notes[2].startswith(f"- again minus agent, chosen: {difference:+.1f} [")
    assert notes[3:] == ["- a note"]
