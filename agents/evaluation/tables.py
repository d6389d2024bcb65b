"""The table of an evaluation: as CSV, on the terminal, and as Markdown."""

import csv
import sys
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
    "accuracy": "accuracy %, chosen",
    "pcc": "PCC, chosen",
    "mae": "MAE",
    "gain": "gain over all",
}
PIPED_WIDTH = 140
# Figures that not every row has; empty there. `regret` is the oracle's accuracy at the same m minus
# the row's (regression: the row's MAE minus the oracle's).
OPTIONAL = ("average_precision", "spearman", "regret")
SHOWN_OPTIONAL = {"regret": "regret", "average_precision": "AP", "spearman": "rho"}


def columns(task: str) -> list[str]:
    """The columns of evaluation.csv, in order."""
    triples = {name: [name, f"{name}_low", f"{name}_high"] for name in FIGURES[task]}
    levels = [column for name in triples if "gain" not in name for column in triples[name]]
    gains = [column for name in triples if "gain" in name for column in triples[name]]
    return ["ranking", "frames", *levels, "mean_frames", *gains, "runs", *OPTIONAL]


def records(evaluation: Evaluation) -> list[dict[str, str]]:
    """The rows of evaluation.csv; numbers with six digits, empty where there is none."""
    made = []
    for row in evaluation.table:
        record = {"ranking": row.ranking, "frames": row.frames, "runs": str(row.runs)}
        record["mean_frames"] = f"{row.mean_frames:.6g}"
        for name in OPTIONAL:
            value = getattr(row, name)
            record[name] = "" if value is None else f"{value:.6f}"
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
    """Print a row per ranking on the terminal, with what was left out and what the words mean."""
    # Piped into a file, rich's 80 columns would break the numbers apart.
    console = console or Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    heading, *body = table_cells(evaluation)
    cache = evaluation.setting.cache
    table = Table(
        title=f"{cache.path.stem}, {evaluation.split}: {len(evaluation.rows)} videos",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for place, name in enumerate(heading):
        table.add_column(name, justify="left" if place == 0 else "right", overflow="fold")
    table.columns[0].no_wrap = True
    kinds = {row.ranking: row.kind for row in evaluation.table}
    before = "reference"
    for ranking, cells in zip(kinds, body, strict=True):
        if kinds[ranking] != before:
            table.add_section()
        before = kinds[ranking]
        table.add_row(*cells, style={"agent": "bold", "oracle": "dim"}.get(before))
    console.print(table)
    for note in (*_choices(evaluation), *evaluation.notes, *_explained(evaluation)):
        console.print(note, style="dim", highlight=False, markup=False, soft_wrap=True)


def markdown(evaluation: Evaluation) -> str:
    """The same table as Markdown, agents in bold."""
    heading, *body = table_cells(evaluation)
    kinds = {row.ranking: row.kind for row in evaluation.table}
    body = [[cell.replace("|", "\\|") for cell in cells] for cells in body]
    lines = ["| " + " | ".join(heading) + " |"]
    lines.append("|---|" + "---:|" * (len(heading) - 1))
    for ranking, cells in zip(kinds, body, strict=True):
        if kinds[ranking] == "agent":
            cells = [f"**{cell}**" if cell else "" for cell in cells[:2]] + cells[2:]
        lines.append("| " + " | ".join(cells) + " |")
    notes = [*_choices(evaluation), *evaluation.notes, *_explained(evaluation)]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), ""])


def write_markdown(path: str | Path, evaluation: Evaluation) -> None:
    """Write the table as Markdown.

    Raises:
        FrameSelectError: if the file cannot be written.
    """
    with whole_file(path) as part:
        part.write_text(markdown(evaluation), encoding="utf-8")


def table_cells(evaluation: Evaluation) -> list[list[str]]:
    """The heading and a row per ranking, as people read them."""
    task = evaluation.setting.cache.task
    shown = [name for name in FIGURES[task] if name != "pcc_gain"]
    percent = task == "classification"
    rankings: dict[str, dict[str, Row]] = {}
    for row in evaluation.table:
        rankings.setdefault(row.ranking, {})[row.frames] = row
    fixed = sorted({row.frames for row in evaluation.table if row.frames.isdigit()}, key=int)
    fixed += ["free"] if any("free" in rows for rows in rankings.values()) else []
    optional = [
        name
        for name in SHOWN_OPTIONAL
        if any(getattr(row, name) is not None for row in evaluation.table)
    ]
    heading = ["ranking", *(PLAIN_COLUMNS[name] for name in shown), "kept", *fixed]
    table = [heading + [SHOWN_OPTIONAL[name] for name in optional]]
    for name, rows in rankings.items():
        headline = rows.get("chosen", rows.get("all"))
        cells = [f"{name} (label)" if _sees_label(rows) else name]
        for figure in shown:
            text = interval_text(headline.figures[figure], figure, percent) if headline else ""
            cells.append(text)
        cells.append(f"{headline.mean_frames:.1f}" if headline else "")
        for frames in fixed:
            there = rows.get(frames)
            cells.append(number_text(there.figures[shown[0]].value, percent) if there else "")
        for name in optional:
            # The regret is the headline's; the others are of the scores, whatever is kept of them.
            of = headline if name == "regret" else next(iter(rows.values()))
            value = getattr(of, name) if of else None
            if value is None:
                cells.append("")
            else:
                cells.append(number_text(value, percent) if name == "regret" else f"{value:.2f}")
        table.append(cells)
    return table


def _sees_label(rows: dict[str, Row]) -> bool:
    return any(row.kind == "oracle" for row in rows.values())


def number_text(value: float, percent: bool, signed: bool = False) -> str:
    """A figure as the tables write it: one digit in percent, otherwise three."""
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    number = round(100 * value, 1) + 0.0 if percent else round(value, 3) + 0.0
    return f"{number:{'+' if signed else ''}.{1 if percent else 3}f}"


def interval_text(figure: Interval, name: str, percent: bool) -> str:
    """A figure called `name` with its interval; gains have their sign."""
    signed = name == "gain"
    value, low, high = (
        number_text(number, percent, signed) for number in (figure.value, figure.low, figure.high)
    )
    return f"{value} [{low}, {high}]"


def _choices(evaluation: Evaluation) -> Sequence[str]:
    """What each run of the agents chose, a line an agent."""
    return [
        f"{name} chose, run by run: {', '.join(map(str, evaluation.chosen[name]))} frames"
        for name in evaluation.agents
        if name in evaluation.chosen
    ]


def _explained(evaluation: Evaluation) -> list[str]:
    """What the words of the table mean, of those that it has; a line each."""
    rows = evaluation.table
    fixed = sorted({int(row.frames) for row in rows if row.frames.isdigit()})
    lines = ["[low, high]: 95 % bootstrap over runs and videos; gain: paired with all frames kept"]
    if evaluation.chosen:
        lines.append(
            "chosen: at the number of frames that won on validation videos; kept: its mean"
        )
    lines.append(f"{', '.join(map(str, fixed))}: at that many frames a video")
    if any(row.frames == "free" for row in rows):
        lines.append("free: its own choice of frames; uniform and random keep as many, by video")
    if any(row.average_precision is not None for row in rows):
        lines.append("AP, rho: average precision and Spearman's rho against the true importance")
    if any(row.regret is not None for row in rows):
        lines.append(
            "regret: to the oracle at as many frames, where `chosen` did not keep them all"
        )
    lines.append("(label): sees the label, a ceiling; evaluation.csv has every figure")
    return lines
