"""results.csv: which rows of an evaluation stand there as references."""

import csv
from dataclasses import replace

from agents.comparison.results_file import write_results


def test_controls_are_known_by_name_and_stand_there_once(make_data_set, planted, tmp_path):
    """A reference may be called what it likes; a control is not one whatever it is called."""
    found = make_data_set(planted, {"sharp": 0.1}, seeds=(0,))
    names = {"uniform": "untrained eye", "oracle": "first weights"}
    table = tuple(
        replace(row, ranking=names.get(row.ranking, row.ranking)) for row in found.evaluation.table
    )
    evaluation = replace(found.evaluation, table=table)
    found = replace(found, evaluation=evaluation, controls=("first weights",))
    (run,) = found.runs["sharp"]
    spec = replace(run.spec, agent="reinforce")
    write_results(tmp_path / "results.csv", [spec], {spec: replace(run, spec=spec)}, [found])
    with (tmp_path / "results.csv").open(newline="") as file:
        assert {row["agent"] for row in csv.DictReader(file)} == {"all", "untrained eye"}
