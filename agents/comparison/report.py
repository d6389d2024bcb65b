"""summary.md and report.html: a comparison as Markdown, and as one self-contained page."""

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from agents.comparison.gallery import Picture, draw_pictures
from agents.comparison.results import DataSetResults, labels_of
from agents.comparison.statistics import Comparison
from agents.comparison.tables import (
    IQM,
    aggregate_tables,
    all_notes,
    data_set_tables,
    data_table,
    limit_note,
    normalised_note,
    normalised_tables,
    pair_note,
    pair_tables,
    run_table,
    settings_table,
    time_table,
    version_table,
)
from agents.evaluation.intervals import FEWEST_GROUPS
from agents.evaluation.page import page_environment
from agents.evaluation.tables import evaluation_markdown
from agents.evaluation.text_tables import TextTable, markdown_table, markdown_text
from frame_select_env.storage import write_whole

TEMPLATE = "report.html.jinja"
SCREEN_DPI, PICTURE_DPI = 96, 150  # the latter is the default of `picture`
HOW_TO_READ = (
    "An agent ranks the frames of a test video and the best are averaged; the score is how often "
    "that prediction is right (regression: minus its mean absolute error). `chosen` is the score "
    "at the number of frames, or all of them, that each run chose on validation videos, and `free` "
    "that of its own choice of frames.",
    "Brackets are 95 % intervals that resample seeds and videos (whole groups where there are "
    f"{FEWEST_GROUPS} or more). A gain is over keeping all frames. The difference of two agents is "
    "paired by seed and video, so it can be certain even where their own intervals overlap.",
    "Before crediting an agent, check whether it beats the references that need no reinforcement "
    "learning (`pooled`, `feature-norm`, `soft-attention`), and how far it stays below the "
    "oracle, which sees the label.",
)


def write_summary(
    path: str | Path, comparison: Comparison, command: str, notes: Sequence[str] = ()
) -> None:
    """Write the tables of a comparison as Markdown.

    `command` is the command line that reproduces it.
    """
    data_sets = comparison.data_sets
    parts = ["# Comparison"]
    parts += [
        f"**{markdown_text(f'{one.title}: {one.evaluation.verdict.text}')}**"
        for one in data_sets
        if one.evaluation.verdict
    ]
    parts.append(markdown_table(run_table(data_sets)))
    for task, frames, table in aggregate_tables(comparison):
        title = f"## All data: {task}, {_at(frames, '`')}"
        parts += [title, markdown_table(table), f"- {IQM}"]
    for task, frames, table in normalised_tables(comparison):
        title = f"## Normalised scores: {task}, {_at(frames, '`')}"
        parts += [title, markdown_table(table), f"- {normalised_note(comparison)}"]
    for one in data_sets:
        parts += [f"## {markdown_text(one.title)}", evaluation_markdown(one.shown).rstrip()]
    compared = comparison.shown_pairs()
    parts += ["## Every two agents"] if compared else []
    for pairs in compared:
        parts.append(f"### {markdown_text(pairs[0].title)}, {_at(pairs[0].frames, '`')}")
        for title, table in pair_tables(pairs).items():
            parts += [f"{title}:" if title else "", markdown_table(table)]
    if compared:
        parts.append("\n".join(f"- {note}" for note in dict.fromkeys(map(pair_note, compared))))
    parts.append("## Cost of training (means per run)")
    for one in data_sets:
        parts += [f"### {markdown_text(one.title)}", markdown_table(time_table(one))]
    parts.append(f"- {limit_note(data_sets)}")
    every = all_notes(data_sets, notes)
    if every:
        parts += ["## Notes", "\n".join(f"- {markdown_text(note)}" for note in every)]
    # Indented, not fenced: nothing in the command can end the block.
    lines = command.splitlines() or [""]
    for title, table in _appendix(data_sets).items():
        summary = f"<details>\n<summary>{title}</summary>"
        parts += [summary, markdown_table(table), "</details>"]
    parts += ["## How to reproduce", "\n".join(f"    {line}" for line in lines)]
    write_whole(path, "\n\n".join(text for text in parts if text) + "\n")


def write_report(
    path: str | Path,
    comparison: Comparison,
    command: str,
    notes: Sequence[str] = (),
    pictures: Sequence[Picture] | None = None,
) -> None:
    """Write a comparison as one page: no scripts, nothing to load, pictures included.

    `command` is the command line that reproduces it. `pictures` are those that `draw_pictures` drew
    of this comparison; None draws them.
    """
    if pictures is None:
        with tempfile.TemporaryDirectory() as folder:
            drawn = draw_pictures(folder, comparison)
            return write_report(path, comparison, command, notes, drawn)
    environment = page_environment(Path(__file__).parent)
    environment.filters |= {"at": _at, "data_uri": _data_uri, "width": _width}
    environment.filters |= {"words": _words, "tables": pair_tables, "note": pair_note}
    data_sets = comparison.data_sets
    text = environment.get_template(TEMPLATE).render(
        title=f"Comparison: {'; '.join(one.title for one in data_sets)}",
        data_sets=data_sets,
        labels=len(labels_of(data_sets)),
        runs=sum(len(runs) for one in data_sets for runs in one.runs.values()),
        how_to_read=HOW_TO_READ,
        data=data_table(data_sets),
        trained=run_table(data_sets),
        aggregated=aggregate_tables(comparison),
        compared=comparison.shown_pairs(),
        normalised=normalised_tables(comparison),
        normalised_note=normalised_note(comparison),
        headlines=[data_set_tables(one).values() for one in data_sets],
        pictures=pictures,
        times=[time_table(one) for one in data_sets],
        limits=limit_note(data_sets),
        notes=all_notes(data_sets, notes),
        appendix=_appendix(data_sets),
        command=command,
        iqm=IQM,
    )
    write_whole(path, text)


def _appendix(data_sets: Sequence[DataSetResults]) -> dict[str, TextTable]:
    """What is folded away at the end, by title."""
    return {
        "Hyper-parameters of every agent": settings_table(data_sets),
        "Versions of the libraries": version_table(data_sets),
    }


def _at(frames: str, quotes: str = "“”") -> str:
    return f"at {frames} frames" if frames.isdigit() else f"at {quotes[0]}{frames}{quotes[-1]}"


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _width(path: Path) -> int:
    """The width in CSS pixels at which a picture's text is as large as the page's."""
    # Bytes 16 to 19 of a PNG file are the width in pixels (PNG specification, 11.2.1 IHDR).
    return round(int.from_bytes(path.read_bytes()[16:20], "big") * SCREEN_DPI / PICTURE_DPI)


def _words(text: str) -> Markup:
    """Text as HTML, with what is between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>" if index % 2 else "{}").format(part)
        for index, part in enumerate(parts)
    )
