"""The table of a study as files: table.csv, table.md and figure.png; empty cells are "–"."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TypeAlias

from agents.comparison.samples import pooled_difference
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import interval_columns
from agents.evaluation.references import CHOSEN, FREE
from agents.evaluation.text_tables import TextTable, interval_text, markdown_table, number_text
from agents.pictures.style import COLOURS, INK, MARKERS, QUIET, picture, plain, quiet_grid
from agents.reproduction.figures import Figure, Reproduced
from agents.reproduction.study import Line, Study, agents_of, streams_of
from frame_select_env import open_cache
from frame_select_env.storage import write_whole

EMPTY = "–"
# What the figures of a task measure: in table.csv, in a heading, and along the axis of the picture.
MEASURES = {
    "classification": ("accuracy", "%", "accuracy, %"),
    "regression": ("pcc", "PCC", "Pearson correlation"),
}
ROW = 0.34  # inches a row of the figure


def write_reproduced(out: Path, made: Reproduced) -> tuple[TextTable, list[str]]:
    """Write the files of a study; returns the table for a terminal, and the files' names."""
    study, names = made.study, ["table.csv", "table.md", "figure.png"]
    arguments = made.data, made.agents, made.figures, made.num_frames, made.notes
    table = write_study(out, study, *arguments)
    if study.draw:
        names += [name for name in study.draw(out, made.measured) if name not in names]
    return table, names


def write_study(
    out: Path,
    study: Study,
    data: Mapping[str, str],
    agents: Sequence[str],
    figures: Sequence[Figure],
    num_frames: int,
    notes: Sequence[str] = (),
) -> TextTable:
    """Write the three files; returns the table without most of its intervals, for a terminal."""
    differs = _differences(study, data, num_frames)
    write_table(out / "table.csv", study, agents, figures, differs)
    table = study_table(study, agents, figures, differs)
    lines = [f"# {study.title}", "", study.source, "", markdown_table(table), ""]
    lines += [f"- {note}" for note in [*_notes(study, data, figures, differs), *notes]]
    write_whole(out / "table.md", "\n".join([*lines, ""]))
    _plot(out / "figure.png", study, agents, figures)
    return study_table(study, agents, figures, differs, intervals=False)


def study_table(
    study: Study,
    agents: Sequence[str],
    figures: Sequence[Figure],
    differs: Mapping[Line, list[str]],
    intervals: bool = True,
) -> TextTable:
    """A row for every line and agent: the paper's figure beside ours at m, chosen and free."""
    papers = any(line.paper is not None for line in study.lines)
    percent, unit = study.task == "classification", MEASURES[study.task][1]
    found = {}
    for one in figures:  # "at m" is at all T frames where these are fewer
        kind = one.frames if one.frames in (CHOSEN, FREE) else "at m"
        found[one.line, one.ranking, kind] = one
    rows = []
    for line, agent, text in lines_of(study, agents):
        ours = [found.get((line, agent, kind)) for kind in ("at m", CHOSEN, FREE)]
        cells = [text] + ([_paper(line, percent)] if papers else [])
        cells += [_score(one, intervals, percent) for one in ours]
        best = ours[1] or ours[0]
        cells.append(interval_text(best.gain, "gain", percent) if best else EMPTY)
        last = ours[2] or best
        shares = (last.kept, last.rescued, last.broken) if last else ()
        cells += [number_text(share, True) for share in shares] or [EMPTY] * 3
        if study.data:
            cells.append("no" if differs.get(line) else "yes" if line in differs else EMPTY)
        rows.append(cells)
    heading = ["", *([f"paper, {unit}"] if papers else [])]
    heading += [f"{kind}, {unit}" for kind in ("at m", CHOSEN, FREE)]
    heading += ["gain", "kept, %", "rescued, %", "broken, %"]
    return TextTable([*heading, *(["comparable"] if study.data else [])], rows)


def lines_of(study: Study, agents: Sequence[str]) -> Iterator[tuple[Line, str, str]]:
    """Each line with each of its agents, or its reference, and the text of the row."""
    for line in study.lines:
        own = agents_of(line, agents)
        for agent in own or [line.ranking]:
            several = len(own) > 1
            yield line, agent, f"{line.label}: {agent}" if several else line.label


def _paper(line: Line, percent: bool) -> str:
    if line.paper is None:
        return EMPTY
    if not percent:
        return f"{line.paper:.4g}"
    return f"{line.paper:.1f}" if line.paper == round(line.paper, 1) else f"{line.paper:.2f}"


def _score(figure: Figure | None, interval: bool, percent: bool) -> str:
    if figure is None:
        return EMPTY
    if not interval:
        return number_text(figure.score.value, percent)
    return interval_text(figure.score, "", percent)


def _differences(study: Study, data: Mapping[str, str], num_frames: int) -> dict[Line, list[str]]:
    """How the data of each line differ from the paper's."""
    if study.data is None:
        return {}
    return {
        line: study.data.differences(line, open_cache(data[line.source]), num_frames)
        for line in study.lines
        if line.source in data and streams_of(open_cache(data[line.source]), line)
    }


def _notes(
    study: Study,
    data: Mapping[str, str],
    figures: Sequence[Figure],
    differs: Mapping[Line, list[str]],
) -> list[str]:
    better = (
        "that only the selection, or only all frames, get right"
        if study.task == "classification"
        else "where the selection's error is smaller, or all frames'"
    )
    notes = [
        "[low, high]: 95 % bootstrap over runs and videos; gain: over keeping all frames, of the "
        "chosen number of frames (of m where none was chosen)",
        "kept, rescued, broken: of the agent's free choice (else of the gain's row) the share of "
        f"frames, and of videos {better}",
    ]
    for source in data:
        words = {word for line, own in differs.items() if line.source == source for word in own}
        if words:
            name = open_cache(data[source]).path.stem
            assert study.data is not None
            notes.append(
                f"{f'{source} is {name}' if source else f'the data is {name}'}, not "
                f"{study.data.name} as in the paper: "
                f"{'; '.join(sorted(words))}; its figures cannot be compared with the paper's"
            )
    for first, second in study.pairs:
        for frames in (CHOSEN, FREE):
            pair = [
                one
                for label in (first, second)
                for one in figures
                if one.line.label == label and one.frames == frames
            ]
            if len(pair) == 2:
                samples = list(zip(pair[0].samples, pair[1].samples, strict=True))
                percent = study.task == "classification"
                difference = interval_text(pooled_difference(samples), "gain", percent)
                unit = "points" if percent else "PCC"
                notes.append(f"{first} minus {second}, {frames}: {difference} {unit}")
    return notes


Cells: TypeAlias = Mapping[tuple[Line, str], Mapping[str, str]]  # by line and agent


def write_table(
    path: Path,
    study: Study,
    agents: Sequence[str],
    figures: Sequence[Figure],
    differs: Mapping[Line, list[str]],
    more: Cells | None = None,
) -> None:
    """Write table.csv, a row for every line, agent and number of frames.

    `more` are cells of more columns, after the others.
    """
    more = more or {}
    columns = [
        *("line", "agent", "frames", "paper"),
        *interval_columns((MEASURES[study.task][0], "gain")),
        *("kept", "rescued", "broken", "runs", "folds", "differs"),
        *dict.fromkeys(name for cells in more.values() for name in cells),
    ]
    scale = 100 if study.task == "classification" else 1
    rows = []
    for line, agent, _ in lines_of(study, agents):
        names = {"line": line.label, "agent": agent if agents_of(line, agents) else ""}
        names |= {"paper": "" if line.paper is None else f"{line.paper / scale:.4f}"}
        names |= {"differs": "; ".join(differs.get(line, ()))} | dict(more.get((line, agent), {}))
        own = [one for one in figures if one.line is line and one.ranking == agent]
        for one in own:
            numbers = [
                *astuple(one.score),
                *astuple(one.gain),
                one.kept,
                one.rescued,
                one.broken,
            ]
            cells = dict(zip(columns[4:13], (f"{number:.6f}" for number in numbers), strict=True))
            counts = {"runs": str(one.runs), "folds": str(len(one.samples))}
            rows.append({**names, "frames": one.frames, **cells, **counts})
        if not own:
            rows.append(names)
    write_csv(path, columns, rows)


def _plot(path: Path, study: Study, agents: Sequence[str], figures: Sequence[Figure]) -> None:
    """Draw every row: the paper's figure as a ring, ours at m and chosen with intervals."""
    rows = list(lines_of(study, agents))
    scale = 100 if study.task == "classification" else 1
    width = 4.5 + 0.085 * max(len(plain(text)) for _, _, text in rows)
    with picture(path, width, 1.3 + ROW * len(rows)) as canvas:
        axes = canvas.add_subplot()
        quiet_grid(axes, "x")
        kinds = [("at m", COLOURS[1], MARKERS[0]), (CHOSEN, COLOURS[0], MARKERS[1])]
        named: set[str] = set()
        for place, (line, agent, _) in enumerate(rows):
            if line.paper is not None:
                label = None if "paper" in named else "paper"
                axes.plot(line.paper, place, "o", mfc="none", mec=INK, ms=9, label=label)
                named.add("paper")
            for one in figures:
                if one.line is not line or one.ranking != agent or one.frames == FREE:
                    continue
                name, colour, marker = kinds[one.frames == CHOSEN]
                value, low, high = (scale * number for number in astuple(one.score))
                at = place + (0.12 if one.frames == CHOSEN else -0.12)
                axes.plot([low, high], [at, at], color=colour, lw=1.4)
                label = None if name in named else f"ours, {name}"
                axes.plot(value, at, marker, color=colour, ms=5, ls="none", label=label)
                named.add(name)
        axes.set_yticks(range(len(rows)), [plain(text) for _, _, text in rows], color=INK)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel(MEASURES[study.task][2])
        axes.set_title(study.title, fontsize=11)
        if named:
            axes.legend(
                frameon=False,
                fontsize=9,
                ncols=3,
                loc="upper left",
                bbox_to_anchor=(0, -0.9 / (1.3 + ROW * len(rows))),
            )
        else:
            axes.text(0.5, 0.5, "no figures yet", transform=axes.transAxes, color=QUIET)
