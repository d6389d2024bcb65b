"""The table of an evaluation as people read it: on the terminal and as Markdown."""

from collections.abc import Sequence

from rich.console import Console

from agents.evaluation.choosing import RULES
from agents.evaluation.rater_tables import rater_notes, rater_table
from agents.evaluation.references import ALL, CHOSEN, FREE
from agents.evaluation.result import FIGURES, Evaluation, TableRow
from agents.evaluation.text_tables import (
    TextTable,
    interval_text,
    markdown_table,
    markdown_text,
    number_text,
    print_text_table,
    wide_console,
)
from frame_select_env.cache.schema import DEFAULT_FOLD
from frame_select_env.rewards import default_reward
from frame_select_env.wording import counted

AT_CHOSEN = f", {CHOSEN}"
KEPT = "kept"
REWARD = "reward"
LABEL = " (label)"  # after the name of a ranking that sees the label
POOLED, ORACLE = "pooled", "oracle"
HEADINGS = {
    "accuracy": f"accuracy %{AT_CHOSEN}",
    "pcc": f"PCC{AT_CHOSEN}",
    "mae": "MAE",
    "gain": "gain over all",
}
QUALITY_HEADINGS = {"regret": "regret", "average_precision": "AP", "spearman": "rho"}
BOOTSTRAP = "[low, high]: 95 % bootstrap over runs and videos"
INTERVALS = f"{BOOTSTRAP}; gain: paired with keeping all frames"
EVERY_FIGURE = "evaluation.csv has every figure"
WORDS = {  # of rows
    POOLED: f"{POOLED}: a linear model on a video's mean feature; it selects nothing",
    ORACLE: f"{ORACLE}{LABEL}: chooses by the true label, and so is no competitor",
}
BRIEF_AGENTS = 2  # above which the brief table leaves out the model that pools and the oracle


def evaluation_table(evaluation: Evaluation) -> TextTable:
    """A row per ranking: the headline, the other rule's, every m, and the quality of its scores."""
    task = evaluation.task
    shown = [name for name in FIGURES[task] if name != "pcc_gain"]
    percent = task == "classification"
    rankings: dict[str, dict[str, TableRow]] = {}
    for row in evaluation.table:
        if row.figures:  # but for the raters
            rankings.setdefault(row.ranking, {})[row.frames] = row
    fixed: list[str] = [rule for rule in RULES if any(rule in rows for rows in rankings.values())]
    fixed += [str(m) for m in fixed_frames(evaluation)]
    fixed += [FREE] if any(FREE in rows for rows in rankings.values()) else []
    measured = {
        name for row in evaluation.table for name, value in vars(row).items() if value is not None
    }
    optional = [name for name in QUALITY_HEADINGS if name in measured]
    if evaluation.agreement:  # whose table has the rho with each rater
        optional = [name for name in optional if name != "spearman"]
    table, kinds = [], []
    for name, rows in rankings.items():
        first = next(iter(rows.values()))
        headline = rows.get(evaluation.headline(name))
        cells = [_name(first)]
        if headline:
            cells += [interval_text(headline.figures[one], one, percent) for one in shown]
            cells.append(f"{headline.mean_frames:.1f}")
        else:
            cells += [""] * (len(shown) + 1)
        for frames in fixed:
            at = rows.get(frames)
            cells.append(number_text(at.figures[shown[0]].value, percent) if at else "")
        for quality in optional:
            # The regret is the headline's; the others describe the scores at any m.
            value = getattr(headline if quality == "regret" else first, quality, None)
            if value is None:
                cells.append("")
            else:
                regret = quality == "regret"
                cells.append(number_text(value, percent) if regret else f"{value:.2f}")
        table.append(cells)
        kinds.append(first.kind)
    heading = ["ranking", *(_heading(name, evaluation) for name in shown), KEPT, *fixed]
    heading += [QUALITY_HEADINGS[name] for name in optional]
    return TextTable(heading, table, kinds)


def brief_table(evaluation: Evaluation) -> TextTable:
    """The headlines that the verdict is about.

    All frames, the best formula and every agent; of one or two agents also the linear model on
    pooled features and the oracle, as far as the table has them. An agent of which no m is known,
    such as a policy that was trained elsewhere, has a row of its own choice, too: its actions need
    not rank frames.
    """
    made, percent = evaluation.verdict, evaluation.task == "classification"
    names: list[str] = [POOLED, ORACLE] if len(evaluation.agents) <= BRIEF_AGENTS else []
    shown = [evaluation.row(ALL, ALL)]
    shown += [evaluation.row(made.formula, made.formula_row)] if made and made.formula else []
    for name in (*names, *evaluation.agents):
        if evaluation.frames(name):
            shown.append(evaluation.row(name, evaluation.headline(name)))
        if _chooses_itself(evaluation, name):
            shown.append(evaluation.row(name, FREE))
    first = FIGURES[evaluation.task][0]
    rows = [
        [
            _name(row) + (f", {FREE}" if row.frames == FREE else ""),
            *(interval_text(row.figures[figure], figure, percent) for figure in (first, "gain")),
            f"{row.mean_frames:.1f}",
        ]
        for row in shown
    ]
    heading = ["ranking", _heading(first, evaluation), HEADINGS["gain"], KEPT]
    return TextTable(heading, rows, [row.kind for row in shown])


def _chooses_itself(evaluation: Evaluation, name: str) -> bool:
    """Whether the own choice of an agent is to stand beside its headline, which is another row."""
    known = name not in evaluation.agents or name in evaluation.target_frames
    return not known and FREE in evaluation.frames(name) and evaluation.headline(name) != FREE


def kept_table(evaluation: Evaluation) -> TextTable:
    """How many frames every agent keeps, of all, and the mean reward if it is known.

    Then rows of uniform and random frames, as many, stand beside them.
    """
    shown = list(evaluation.rewards) or [(ALL, ALL)]
    shown += [(name, evaluation.headline(name)) for name in evaluation.agents]
    rows = [evaluation.row(*one) for one in dict.fromkeys(shown)]
    rows.sort(key=lambda row: row.kind == "agent")  # below the references
    cells = [[_name(row), f"{row.mean_frames:.1f}"] for row in rows]
    heading = ["ranking", KEPT]
    if evaluation.rewards:
        heading.append(REWARD)
        for own, row in zip(cells, rows, strict=True):
            paid = evaluation.rewards[row.ranking, row.frames]
            own.append(number_text(paid, False, signed=True))
    return TextTable(heading, cells, [row.kind for row in rows])


def result_tables(evaluation: Evaluation, full: bool) -> dict[str, TextTable]:
    """By name the table, `full` or brief, and that of the agreement with raters.

    The latter alone where every answer is right; without it, how many frames are kept.
    """
    tables = {}
    if not evaluation.settings.cache.single_class:
        tables["results"] = evaluation_table(evaluation) if full else brief_table(evaluation)
    elif not evaluation.agreement:
        tables["kept"] = kept_table(evaluation)
    if evaluation.agreement:
        tables["agreement"] = rater_table(evaluation, full)
    return tables


def full_tables(evaluation: Evaluation) -> dict[str, TextTable]:
    """Every table with all its rows, by name."""
    tables = result_tables(evaluation, full=True)
    return tables | ({"targets": target_table(evaluation)} if evaluation.targets else {})


def _name(row: TableRow) -> str:
    return f"{row.ranking}{LABEL}" if row.kind == "oracle" else row.ranking


def _heading(figure: str, evaluation: Evaluation) -> str:
    """A figure's heading, which says where it is at the number of frames that runs chose."""
    return HEADINGS[figure] if evaluation.chosen else HEADINGS[figure].removesuffix(AT_CHOSEN)


def target_table(evaluation: Evaluation) -> TextTable:
    """The correlation by target of every ranking's headline, for a regression with several."""
    rows = [
        (name, evaluation.row(name, evaluation.headline(name)))
        for name in dict.fromkeys(row.ranking for row in evaluation.table)
        if evaluation.headline(name) in evaluation.frames(name)
    ]
    cells = [
        [name, *(number_text(row.targets[one].value, False) for one in evaluation.targets)]
        for name, row in rows
    ]
    heading = [f"PCC{AT_CHOSEN if evaluation.chosen else ''}", *evaluation.targets]
    return TextTable(heading, cells, [row.kind for _, row in rows])


def fixed_frames(evaluation: Evaluation) -> list[int]:
    """The numbers of frames m of the table, ascending."""
    return sorted({int(row.frames) for row in evaluation.table if row.frames.isdigit()})


def print_table(evaluation: Evaluation, console: Console | None = None, full: bool = False) -> None:
    """Print the verdict, its rows, and what their words mean; `full` prints every row and note."""
    console = console or wide_console()
    full = full or evaluation.verdict is None
    if evaluation.verdict:
        console.print(evaluation.verdict.text, style="bold", highlight=False, markup=False)
    for table in result_tables(evaluation, full).values():
        print_text_table(table, evaluation_title(evaluation), console)
    if evaluation.targets:
        print_text_table(target_table(evaluation), "by target", console)
    for note in table_notes(evaluation) if full else brief_notes(evaluation):
        console.print(note, style="dim", highlight=False, markup=False)


def evaluation_title(evaluation: Evaluation) -> str:
    """The cache, its fold where it is not the default, the split and its number of videos."""
    settings = evaluation.settings
    fold = "" if settings.fold == DEFAULT_FOLD else f", fold {settings.fold}"
    videos = counted(len(evaluation.rows), "video")
    return f"{settings.cache.path.stem}{fold}, {evaluation.split}: {videos}"


def evaluation_markdown(evaluation: Evaluation) -> str:
    """The verdict, every row and every note as Markdown, agents in bold."""
    notes = [f"- {note}" for note in table_notes(evaluation)]
    parts = [f"**{markdown_text(evaluation.verdict.text)}**", ""] if evaluation.verdict else []
    for table in full_tables(evaluation).values():
        parts += [markdown_table(table), ""]
    return "\n".join([*parts, *notes, ""])


def brief_notes(evaluation: Evaluation) -> list[str]:
    """What to be warned of, and what the words of the brief table mean."""
    notes = [*evaluation.cautions, *evaluation.omissions]
    if evaluation.settings.cache.single_class:
        return [*notes, *_single_class_notes(evaluation)]
    names = [row[0].removesuffix(LABEL) for row in brief_table(evaluation).rows]
    if evaluation.chosen:
        notes.append(evaluation.rule(CHOSEN))
    notes += [*_unchosen(evaluation, names), INTERVALS, f"{KEPT}: the mean number of frames"]
    notes += [text for name, text in WORDS.items() if name in names]
    ranked = {row.ranking for row in evaluation.table}
    if left := [name for name in WORDS if name in ranked and name not in names]:
        notes.append(f"--full shows {' and '.join(left)}, too")
    return [*notes, *rater_notes(evaluation)]


def table_notes(evaluation: Evaluation) -> list[str]:
    """What each run chose, what was left out, and what the words of the table mean."""
    rows = evaluation.table
    notes = [
        f"{name} chose, run by run: {', '.join(map(str, evaluation.chosen[name]))} frames"
        for name in evaluation.agents
        if name in evaluation.chosen
    ]
    notes += [*evaluation.cautions, *evaluation.notes]
    if evaluation.settings.cache.single_class:
        return [*notes, *_single_class_notes(evaluation), EVERY_FIGURE]
    notes.append(INTERVALS)
    notes.append("kept: the mean number of frames of the first figures")
    notes += _unchosen(evaluation, list(dict.fromkeys(row.ranking for row in rows)))
    notes.append(f"{', '.join(map(str, fixed_frames(evaluation)))}: at that many frames per video")
    if any(row.frames == FREE for row in rows):
        notes.append("free: its own choice of frames; uniform and random keep as many per video")
    if any(row.average_precision is not None for row in rows):
        notes.append(
            "AP: average precision for the frames that truly matter (of graded importance, those "
            "above the video's median)"
        )
        if not evaluation.agreement:
            notes.append("rho: Spearman's rank correlation with the true importance")
    if any(row.regret is not None for row in rows):
        notes.append("regret: how much better the oracle is at the same number of frames")
    ranked = {row.ranking for row in rows}
    notes += [text for name, text in WORDS.items() if name in ranked]
    return [*notes, *rater_notes(evaluation), EVERY_FIGURE]


def _single_class_notes(evaluation: Evaluation) -> list[str]:
    if evaluation.agreement:
        return [*rater_notes(evaluation), BOOTSTRAP]
    notes = [f"{KEPT}: the mean number of frames; predictions.csv lists them"]
    if evaluation.rewards:
        name = default_reward(evaluation.settings.cache, evaluation.rows)
        words = f"{REWARD}: the mean of {name}, which says how well the kept frames"
        notes.append(
            f"{words} differ from each other and represent the rest; it may rise with their "
            "number, so compare rows that keep as many"
        )
    return notes


def _unchosen(evaluation: Evaluation, names: Sequence[str]) -> list[str]:
    """Where the first figures are of those of the rankings that chose no number of frames."""
    unchosen: dict[str, list[str]] = {}  # by the m of the headline
    for name in names:
        if (m := evaluation.headline(name)).isdigit():
            unchosen.setdefault(m, []).append(name)
    notes = []
    for m, own in unchosen.items():
        every = len(unchosen) == 1 and not evaluation.chosen
        which = "the first figures are" if every else f"the first figures of {', '.join(own)} are"
        notes.append(f"{which} at {counted(int(m), 'frame')}, where no number was chosen")
    return notes
