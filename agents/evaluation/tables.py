"""The table of an evaluation: as CSV, on the terminal, and as Markdown."""

import csv
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from agents.evaluation.evaluation import Evaluation
from agents.evaluation.files import whole_file
from agents.evaluation.intervals import Interval
from agents.evaluation.rows import FIGURES, Row

PLAIN_COLUMNS = {
    "accuracy": "accuracy %",
    "pcc": "PCC",
    "mae": "MAE",
    "gain": "gain over all",
    "pcc_gain": "PCC gain",
}
EXPLAINED = (
    "[low, high]: 95 % bootstrap over runs and videos. gain: over keeping all frames, paired. "
    "chosen: the number of frames that won on validation videos. free: the ranking's own choice; "
    "uniform and random beside it keep as many frames, video by video."
)


def columns(task: str) -> list[str]:
    """The columns of evaluation.csv, in order."""
    triples = {name: [name, f"{name}_low", f"{name}_high"] for name in FIGURES[task]}
    levels = [column for name in triples if "gain" not in name for column in triples[name]]
    gains = [column for name in triples if "gain" in name for column in triples[name]]
    return ["ranking", "frames", *levels, "mean_frames", *gains, "runs", "average_precision"]


def records(evaluation: Evaluation) -> list[dict[str, str]]:
    """The rows of evaluation.csv; numbers with six digits, empty where there is none."""
    made = []
    for row in evaluation.table:
        record = {"ranking": row.ranking, "frames": row.frames, "runs": str(row.runs)}
        record["mean_frames"] = f"{row.mean_frames:.6g}"
        precision = row.average_precision
        record["average_precision"] = "" if precision is None else f"{precision:.6f}"
        for name, figure in row.figures.items():
            record[name] = f"{figure.value:.6f}"
            record[f"{name}_low"], record[f"{name}_high"] = (
                f"{figure.low:.6f}",
                f"{figure.high:.6f}",
            )
        made.append(record)
    return made


def write_evaluation(path: str | Path, evaluation: Evaluation) -> None:
    """Write evaluation.csv, a row per (ranking, frames).

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns(evaluation.setting.cache.task))
        writer.writeheader()
        writer.writerows(records(evaluation))


def print_table(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print the table on the terminal, with what was left out and what the words mean."""
    console = console or Console()
    heading, *body = _cells(evaluation)
    cache = evaluation.setting.cache
    table = Table(
        title=f"{cache.path.stem}, {evaluation.split}: {len(evaluation.rows)} videos",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for place, name in enumerate(heading):
        table.add_column(name, justify="left" if place < 2 else "right", no_wrap=place < 3)
    before = ""
    for row, cells in zip(evaluation.table, body, strict=True):
        style = {"agent": "bold", "oracle": "dim"}.get(row.kind)
        if row.ranking != before and row.kind != "reference":
            table.add_section()
        shown = cells if row.ranking != before else ["", *cells[1:]]
        table.add_row(*shown, style=style)
        before = row.ranking
    console.print(table)
    for note in (*_choices(evaluation), *evaluation.notes, EXPLAINED):
        console.print(note, style="dim", highlight=False, markup=False)


def markdown(evaluation: Evaluation) -> str:
    """The table as Markdown, agents in bold."""
    heading, *body = _cells(evaluation)
    lines = ["| " + " | ".join(heading) + " |"]
    lines.append("|---|---|" + "---:|" * (len(heading) - 2))
    for row, cells in zip(evaluation.table, body, strict=True):
        bold = [f"**{cell}**" if cell else "" for cell in cells[:3]] if row.kind == "agent" else []
        lines.append("| " + " | ".join([*bold, *cells[len(bold) :]]) + " |")
    return "\n".join([*lines, "", EXPLAINED, ""])


def write_markdown(path: str | Path, evaluation: Evaluation) -> None:
    """Write the table as Markdown.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    with whole_file(path) as part:
        part.write_text(markdown(evaluation), encoding="utf-8")


def _cells(evaluation: Evaluation) -> list[list[str]]:
    """The heading and the rows, as people read them."""
    figures = FIGURES[evaluation.setting.cache.task]
    shown = [name for name in figures if name != "pcc_gain"]
    percent = "accuracy" in figures
    precise = any(row.average_precision is not None for row in evaluation.table)
    heading = ["ranking", "frames", *(PLAIN_COLUMNS[name] for name in shown), "kept", "runs"]
    rows = [heading + ["AP"] * precise]
    for row in evaluation.table:
        cells = [_name(row), row.frames]
        cells += [_shown(row.figures[name], percent, "gain" in name) for name in shown]
        cells += [f"{row.mean_frames:.1f}", str(row.runs)]
        if precise:
            cells.append("" if row.average_precision is None else f"{row.average_precision:.2f}")
        rows.append(cells)
    return rows


def _name(row: Row) -> str:
    return f"{row.ranking} (sees the label)" if row.kind == "oracle" else row.ranking


def _shown(figure: Interval, percent: bool, signed: bool) -> str:
    scale, digits = (100, 1) if percent else (1, 3)
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    numbers = [round(scale * x, digits) + 0.0 for x in (figure.value, figure.low, figure.high)]
    sign = "+" if signed else ""
    value, low, high = (f"{number:{sign}.{digits}f}" for number in numbers)
    return f"{value} [{low}, {high}]"


def _choices(evaluation: Evaluation) -> Sequence[str]:
    """What each run of the agents chose, a line an agent."""
    return [
        f"{name} chose, run by run: {', '.join(map(str, evaluation.chosen[name]))} frames"
        for name in evaluation.agents
        if name in evaluation.chosen
    ]
