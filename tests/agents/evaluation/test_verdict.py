"""The sentence that says whether selection helps, and the rows that it is about."""

import numpy as np
import pytest
from rich.console import Console

from agents.evaluation import evaluate
from agents.evaluation.tables import brief_notes, brief_table, evaluation_markdown, print_table
from baselines import make_ranking
from frame_select_env import FeatureCache, write_cache


class First:
    """Keeps the first frames, or with sign 1 the last."""

    def __init__(self, name="first", sign=-1):
        self.name, self.sign = name, sign

    def scores(self, clips):
        places = np.arange(clips.valid.shape[1])
        return np.where(clips.valid, self.sign * places, -np.inf)


@pytest.fixture
def cache_of(tmp_path):
    def make(right, videos, train=0):
        """Videos of two classes of which the frames `right(row)` [4] bool are right."""

        def made():
            for row in range(videos):
                told = np.where(right(row), row % 2, 1 - row % 2)
                yield {
                    "id": f"v{row}",
                    "label": row % 2,
                    "split": "train" if row < train else "test",
                    "features": np.ones((4, 1), np.float32),
                    "predictions": np.eye(2, dtype=np.float32)[told],
                }

        return FeatureCache(write_cache(tmp_path / "a.h5", made(), classes=["calm", "joy"]))

    return make


def of_100(first, others):
    """The first frame is right in `first` of 100 videos, each of the others in `others`."""
    return lambda row: np.array([row < first, row < others, row < others, row < others])


def said(cache, *agents, **options):
    rankings = {one.name: [one] for one in agents or [First()]}
    return evaluate(cache, rankings, **{"frames": (1,), "references": False, **options})


def test_a_gain_that_is_certain_helps(cache_of):
    found = said(cache_of(of_100(90, 40), 100))
    gain = found.row("first", 1).figures["gain"]
    ends = f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
    assert found.verdict.text == (
        f"Selection helps: +50.0 points {ends} with 1.0 of 4.0 frames (first)."
    )


def test_a_loss_that_is_certain_does_harm(cache_of):
    text = said(cache_of(of_100(10, 90), 100)).verdict.text
    assert text.startswith("Selection does harm here: -80.0 points [-")


@pytest.mark.parametrize(
    ("videos", "finding"),
    [(40, "40 test videos are too few to tell"), (2000, "Selection does not help here")],
)
def test_an_interval_around_none_says_something_only_if_it_is_narrow(cache_of, videos, finding):
    """A quarter is won and a quarter lost: the gain's deviation is .71 over the root of n."""
    cache = cache_of(lambda row: np.array([row // 2 % 2, *[row // 4 % 2] * 3], bool), videos)
    assert said(cache).verdict.text.startswith(f"{finding}: +0.0 points [-")


def test_who_keeps_all_frames_does_not_help(cache_of):
    text = said(cache_of(of_100(60, 60), 100), frames=(4,)).verdict.text
    assert text == "Nothing is left out here: first keeps all frames."


def test_the_best_agent_is_named_and_how_many_there_are(cache_of):
    found = said(cache_of(of_100(90, 40), 100), First(), First("last", 1))
    assert found.verdict.agent == "first"
    assert found.verdict.text.endswith(" (first, the best of 2).")


def test_a_formula_that_does_as_well_is_said_in_the_same_breath(cache_of):
    """The two frames in the middle are right in 90 videos, and the agent is the formula."""

    def right(row):
        return np.array([row < 40, row < 90, row < 90, row < 40])

    cache = cache_of(right, 100)

    class Middle:
        name = "middle"
        scores = make_ranking("centre").scores

    # All frames are right where three of them are, or two of each where the first is of class 0.
    whole = said(cache).row("all", "all").figures["accuracy"].value
    gain = f"{100 * (0.9 - whole):+.1f}"
    found = said(cache, Middle(), references=["centre"], frames=(2,))
    assert found.verdict.text.startswith(f"Selection helps: {gain} points [")
    assert found.verdict.text.endswith(f"; but so does a formula, centre: {gain}.")
    better = said(cache_of(of_100(90, 40), 100), references=["centre"])
    assert better.verdict.text.endswith("; best formula, centre, +0.0.")


def test_a_formula_that_does_not_help_itself_is_not_said_to(cache_of):
    """The agent is right in 6 videos more than all frames; the formula in 25, and wrong in 26."""
    frames = {6: [1, 0, 0, 0], 32: [1, 0, 1, 1], 57: [0, 1, 0, 0], 100: [1, 1, 1, 1]}

    def right(row):
        return np.array(next(own for end, own in frames.items() if row < end), bool)

    found = said(cache_of(right, 100), references=["centre"])
    lead = found.results["centre", "1"].error - found.results["first", "1"].error
    assert found.row("centre", 1).figures["gain"].value == pytest.approx(-0.01)
    assert found.draw(0).mean(lead).low < 0 < lead.mean()
    text = found.verdict.text
    assert text.startswith("Selection helps: +6.0 points [")
    assert text.endswith(" (first); though not certainly above a formula, centre: -1.0.")


def test_a_formula_that_does_what_the_agent_does_not_is_said(cache_of):
    """The two frames in the middle are right in 90 videos, the outer ones in none."""
    cache = cache_of(lambda row: np.array([False, row < 90, row < 90, False]), 100)
    text = said(cache, references=["centre"], frames=(2,)).verdict.text
    assert not text.startswith("Selection helps")
    assert "; but a formula gains, centre: +" in text


def test_a_formula_that_loses_is_not_called_the_best(cache_of):
    """The two frames in the middle are right in 10 videos, the outer ones in 90."""
    cache = cache_of(lambda row: np.array([row < 90, row < 10, row < 10, row < 90]), 100)
    found = said(cache, references=["centre"], frames=(2,))
    assert found.row("centre", found.headline("centre")).figures["gain"].value < 0
    assert found.verdict.text.endswith("; no formula gains.")


def test_a_regression_speaks_of_its_error(plant, telling):
    found = evaluate(plant(regression=True), {"mine": [telling()]}, resamples=50)
    gain = found.row("mine", found.headline("mine")).figures["gain"].value
    assert f": {gain:+.3f} of the MAE [" in found.verdict.text


def test_without_an_agent_there_is_no_verdict_and_every_row_is_printed(plant, capsys):
    found = evaluate(plant(), {}, resamples=20)
    print_table(found, Console(width=80))
    assert found.verdict is None and "cumulative-motion" in capsys.readouterr().out


def test_a_head_that_predicts_one_class_is_a_warning(cache_of):
    same = cache_of(lambda row: np.full(4, row % 2 == 1), 20)
    (warning,) = said(same).cautions
    assert warning.startswith("all frames together predict joy for every test video")
    assert not said(cache_of(of_100(60, 60), 100)).cautions


@pytest.mark.parametrize("full", [False, True])
def test_every_line_fits_80_columns(plant, telling, capsys, full):
    name = "reinforce-sequential@hidden_size=8,learning_rate=0.001"
    found = evaluate(plant(), {name: [telling()], "mine": [telling()]}, resamples=20)
    print_table(found, Console(width=80), full=full)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join("".join(lines[:3]).split()).startswith(found.verdict.text[:60])


def test_the_brief_table_has_six_rows_and_all_agents_of_many(plant, telling):
    agents = {name: [telling()] for name in ("one", "two", "three")}
    few = evaluate(plant(), {"one": agents["one"], "two": agents["two"]}, resamples=20)
    names = [row[0].partition(",")[0] for row in brief_table(few).rows]
    assert names == ["all", few.verdict.formula, "pooled", "oracle (label)", "one", "two"]
    many = evaluate(plant(), agents, resamples=20)
    names = [row[0].partition(",")[0] for row in brief_table(many).rows]
    assert names == ["all", many.verdict.formula, "one", "two", "three"]
    left_out = "--full shows pooled and oracle, too"
    assert left_out in brief_notes(many) and left_out not in brief_notes(few)


def test_the_formulas_row_is_the_one_that_counts(plant, telling):
    found = evaluate(plant(), {"mine": [telling()]}, resamples=20)
    made = found.verdict
    row = next(row for row in brief_table(found).rows if row[0].startswith(made.formula))
    figure = found.row(made.formula, made.formula_row).figures["accuracy"].value
    assert row[1].startswith(f"{100 * figure:.1f} [")
    assert row[0].endswith(", free") == (made.formula_row == "free")


def test_markdown_begins_with_the_verdict(plant, telling):
    found = evaluate(plant(), {"mine": [telling()]}, resamples=20)
    assert evaluation_markdown(found).splitlines()[0] == f"**{found.verdict.text}**"


def test_a_regret_is_blank_where_all_frames_were_kept(cache_of):
    """In the training videos all frames are right more often than the first."""
    cache = cache_of(lambda row: np.array([row % 4 < 2, True, True, False]), 100, train=60)
    found = said(cache, references=["oracle"], validation={"first": [np.arange(60)]})
    assert found.chosen["first"] == ("all",)
    assert found.row("first", "chosen").regret is None
    assert found.row("first", 1).regret == 0.5
