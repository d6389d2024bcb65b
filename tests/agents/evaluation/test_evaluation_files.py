"""evaluation.csv, predictions.csv, the terminal's table and Markdown."""

import csv

import numpy as np
import pytest
from rich.console import Console

from agents.evaluation import evaluate
from agents.evaluation.files import (
    PREDICTION_COLUMNS,
    evaluation_columns,
    whole_file,
    write_evaluation,
    write_predictions,
)
from agents.evaluation.tables import evaluation_markdown, print_table
from frame_select_env import FrameSelectError, open_cache


@pytest.fixture
def found(plant, telling_free):
    lengths = np.full(100, 30)
    runs = [telling_free(seed) for seed in range(2)]
    return evaluate(plant(lengths=lengths), {"mine": runs}, frames=(2, 4), resamples=50)


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_evaluation_csv(found, tmp_path):
    write_evaluation(tmp_path / "evaluation.csv", found)
    records = read(tmp_path / "evaluation.csv")
    assert list(records[0]) == [
        *("ranking", "frames", "accuracy", "accuracy_low", "accuracy_high", "mean_frames"),
        *("gain", "gain_low", "gain_high", "runs", "average_precision", "spearman", "regret"),
    ]
    keys = [(record["ranking"], record["frames"]) for record in records]
    assert len(set(keys)) == len(keys) == len(found.table)
    assert {"chosen", "one-se", "free", "2", "4"} == {
        frames for name, frames in keys if name == "mine"
    }
    for record, row in zip(records, found.table, strict=True):
        figure = row.figures["accuracy"]
        for name, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high)):
            assert float(record[f"accuracy{name}"]) == pytest.approx(value, abs=1e-6)
        assert float(record["mean_frames"]) == pytest.approx(row.mean_frames, rel=1e-5)
        assert int(record["runs"]) == row.runs
        for name in ("average_precision", "spearman", "regret"):
            value = getattr(row, name)
            assert (record[name] == "") == (value is None)
            assert value is None or float(record[name]) == pytest.approx(value, abs=1e-6)


def test_columns_of_a_regression(plant, telling, tmp_path):
    found = evaluate(plant(regression=True), {"mine": [telling()]}, resamples=20)
    write_evaluation(tmp_path / "evaluation.csv", found)
    record = read(tmp_path / "evaluation.csv")[0]
    assert list(record) == evaluation_columns("regression")
    assert {"pcc", "pcc_low", "mae", "mae_high", "gain", "pcc_gain"} <= set(record)
    assert "accuracy" not in record


def test_several_targets_have_figures_of_their_own(regression, tmp_path, capsys):
    class First:
        """The first frames first, and of whole videos what differs from target to target."""

        name = "mine"

        def scores(self, clips):
            return np.where(clips.valid, -np.arange(clips.valid.shape[1]), -np.inf)

    cache = open_cache(regression)
    found = evaluate(
        cache, {"mine": [First()]}, stream="audio", num_frames=8, frames=(2,), resamples=20
    )
    write_evaluation(tmp_path / "evaluation.csv", found)
    records = read(tmp_path / "evaluation.csv")
    assert list(records[0]) == evaluation_columns("regression", ["valence", "arousal"])
    by_row = {(record["ranking"], record["frames"]): record for record in records}
    predicted = cache.read(found.rows, 8, stream="audio").predictions[:, :2].mean(axis=1)
    each = {
        name: np.corrcoef(predicted[:, k], found.label[:, k])[0, 1]
        for k, name in enumerate(("valence", "arousal"))
    }
    record = by_row["mine", "2"]
    for name, value in each.items():
        assert float(record[f"pcc {name}"]) == pytest.approx(value, abs=1e-5)
        assert float(record[f"pcc {name}_low"]) <= value <= float(record[f"pcc {name}_high"])
    assert float(record["pcc"]) == pytest.approx(np.mean(list(each.values())), abs=1e-5)
    at = found.row("mine", found.headline("mine")).targets
    row = f"| **mine** | **{at['valence'].value:.3f}** | {at['arousal'].value:.3f} |"
    text = evaluation_markdown(found)
    assert "| PCC, chosen | valence | arousal |" in text and row in text
    print_table(found, Console(width=200))
    assert "by target" in capsys.readouterr().out


def test_one_target_has_no_figure_of_its_own(plant, telling):
    found = evaluate(plant(regression=True), {"mine": [telling()]}, resamples=20)
    assert not any(row.targets for row in found.table) and found.targets == ()


def test_predictions_csv(found, tmp_path):
    write_predictions(tmp_path / "predictions.csv", found)
    records = read(tmp_path / "predictions.csv")
    assert tuple(records[0]) == PREDICTION_COLUMNS
    assert len(records) == 40 * 2 * 2  # videos, runs, chosen and free
    cache = found.settings.cache
    rows = {str(cache.ids[row]): row for row in found.rows}
    for record in records:
        row, run = rows[record["id"]], int(record["run"])
        assert record["label"] == cache.classes[cache.labels[row]]
        # The frames in the whole video: averaging the file's own predictions there gives p_c.
        numbers = [int(number) for number in record["selected"].split()]
        first = cache.start[row]
        p1 = cache.predictions()[first + np.array(numbers)].mean(axis=0)
        assert record["predicted"] == cache.classes[p1.argmax()]
        assert float(record["p_c"]) == pytest.approx(p1[cache.labels[row]], abs=1e-5)
        results = found.results["mine", record["frames"]]
        assert len(numbers) == results.frames[run, np.flatnonzero(found.rows == row)[0]]
        assert max(numbers) < 30
        assert record["seconds"] == record["source_frames"] == ""
    assert max(int(r["selected"].split()[-1]) for r in records) >= 25  # 30 frames, not the 25


def test_predictions_of_a_regression(plant, telling, tmp_path):
    found = evaluate(plant(regression=True), {"mine": [telling()]}, resamples=20)
    write_predictions(tmp_path / "predictions.csv", found)
    record = read(tmp_path / "predictions.csv")[0]
    assert record["p_c"] == ""
    assert float(record["label"]) == pytest.approx(found.label[0, 0], rel=1e-5)
    expected = found.results["mine", "chosen"].predicted[0, 0, 0]
    assert float(record["predicted"]) == pytest.approx(expected, rel=1e-5)


def test_terminal_table(found):
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_table(found, console, full=True)
    text = console.export_text()
    figure = found.row("mine", "chosen").figures["accuracy"]
    cell = f"{100 * figure.value:.1f} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
    line = next(line for line in text.splitlines() if line.startswith(" mine "))
    assert cell in line
    assert f" {100 * found.row('mine', 4).figures['accuracy'].value:.1f} " in line
    assert "oracle (label)" in text
    assert f"mine chose, run by run: {', '.join(map(str, found.chosen['mine']))} frames" in text
    assert text.index("all-logits") < text.index("oracle") < text.index("\n mine ")


def test_evaluation_markdown(found):
    lines = evaluation_markdown(found).splitlines()[2:]  # below the verdict
    assert lines[0].startswith("| ranking | accuracy %, chosen | gain over all | kept | one-se | 2")
    assert set(lines[1]) <= set("|-:")
    table = [line for line in lines[2:] if line.startswith("|")]
    assert len(table) == len({row.ranking for row in found.table})
    assert {line.count("|") for line in [*lines[:2], *table]} == {lines[0].count("|")}
    assert sum(line.startswith("| **mine** ") for line in table) == 1


def test_a_control_is_a_reference(plant, telling):
    control = telling()
    control.control = True
    found = evaluate(plant(), {"idle": [control], "mine": [telling()]}, resamples=20)
    assert found.agents == ("mine",)
    assert {row.kind for row in found.table if row.ranking == "idle"} == {"reference"}


def test_notes_are_told(plant, telling):
    found = evaluate(plant(), {"mine": [telling()]}, split="train", resamples=20)
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_table(found, console)
    assert "no rows chosen" in console.export_text()


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    with whole_file(path) as part:
        part.write_text("after")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist(found, tmp_path):
    with pytest.raises(FrameSelectError, match="nowhere/evaluation.csv: cannot be written"):
        write_evaluation(tmp_path / "nowhere" / "evaluation.csv", found)


def test_predictions_have_times_and_source_frame_numbers_where_these_are_known(
    plant_timed, tmp_path, telling
):
    found = evaluate(plant_timed(), {"mine": [telling()]}, frames=(2,), references=False)
    write_predictions(tmp_path / "predictions.csv", found)
    for record in read(tmp_path / "predictions.csv"):
        kept = [int(number) for number in record["selected"].split()]
        assert record["seconds"] == " ".join(("0.000", "0.500", "1.250")[t] for t in kept)
        assert record["source_frames"] == " ".join(("0", "12", "40")[t] for t in kept)
