"""Parts of pages that are made from the code when the site is built.

A page asks for one with a line `<!-- generated: NAME ARGUMENT -->`; the line below, "*In a clone:
...*", is for people who read the page where it is not built.
"""

import csv
import dataclasses
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gymnasium as gym

import frame_select_env  # noqa: F401 - registers the environments
from frame_select_env.rewards import reward_design, reward_names

RETURNS_FILE = Path(__file__).parents[1] / "examples" / "results" / "reference-returns.csv"
RETURNS = ("random", "keep_all", "keep_none", "best_known", "agent")  # its columns of figures
RETURNS_HEAD = ("random", "keep all", "keep none", "best known", "best agent", "which")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marked lines of a page; mkdocs calls this for every page."""

    def made(found: re.Match[str]) -> str:
        return GENERATED[found[1]](*found[2].split())

    marked = r"^<!-- generated: ([\w-]+)(.*?) -->\n\*In a clone.*\*$"
    return re.sub(marked, made, markdown, flags=re.M)


def environment(name: str) -> str:
    """An environment's default spaces, then its docstring."""
    env = gym.make(name, observation="index").unwrapped
    summary, _, rest = inspect.cleandoc(type(env).__doc__ or "").partition("\n\n")
    facts = [
        ("Action space", f"`{env.action_space}`"),
        ("Index observation", f"`{env.observation_space}`"),
        ("Make", f'`gymnasium.make("{name}")`'),
    ]
    return "\n\n".join([summary, table(("", "By default"), facts), _fenced(rest)])


def rewards() -> str:
    """The table of the reward designs that come with the library."""
    rows = []
    for name in reward_names():
        function = reward_design(name).function
        if not function.__module__.startswith("frame_select_env."):
            continue
        doc = inspect.cleandoc(function.__doc__ or "")
        pays = " ".join(doc.partition("\n\n")[0].split())
        for title, text in (
            ("Formula", _paragraph(doc, "Formula")),
            ("Arguments", _arguments(function)),
        ):
            pays += f"<br>*{title}:* {text.removesuffix('.')}" if text else ""
        rows.append((f"`{name}`", pays, _reads(name), _paragraph(doc, "Source")))
    return table(("Name", "Pays", "Reads", "Source"), rows)


def hyperparameters() -> str:
    """Every agent's hyper-parameters: default, searched values, meaning."""
    from agents.field_types import field_comments
    from agents.registry import AGENTS, agent_design  # imports torch

    parts = []
    for name in AGENTS:
        design = agent_design(name)
        config = design.presets["tuned"]
        meanings = field_comments(type(config))
        rows = [
            (
                f"`{field.name}`",
                f"`{getattr(config, field.name)}`",
                ", ".join(f"`{value}`" for value in design.search.get(field.name, ())),
                meanings[field.name],
            )
            for field in dataclasses.fields(config)
        ]
        presets = ", ".join(f"`{preset}`" for preset in design.presets)
        parts += [f"## {name}", f"Presets: {presets}."]
        parts.append(table(("Hyper-parameter", "Default", "Searched", "Meaning"), rows))
    return "\n\n".join(parts)


def studies() -> str:
    """The tables that `frame-select reproduce` knows, with their caches."""
    from agents.commands.reproduce import STUDIES  # imports torch
    from agents.reproduction.attention_aware import PAPER

    rows = []
    for name, study in STUDIES.items():
        caches = [
            f"`{source}`" + (" (by name only)" if source in study.own else "")
            for source in study.sources
            if source
        ]
        what = f"{study.title}<br>*{study.source.removeprefix(f'{PAPER}, ')}*"
        lines = "by the designs" if study.make_lines else str(len(study.lines))
        caches += ["any"] if study.any_source else []
        rows.append((f"`{name}`", what, ", ".join(caches), lines))
    return table(("Table", "What it is", "Caches", "Lines"), rows)


def suite_tasks() -> str:
    """The tasks of `frame-select suite`, and how their videos are made."""
    from agents.suite.tasks import CORPORA, TASKS  # imports scikit-learn
    from data.synthetic.cues import Recipe as CuesRecipe

    rows = []
    for name, task in TASKS.items():
        recipe = CORPORA[task.corpus].recipe
        command = "cues" if isinstance(recipe, CuesRecipe) else "needle"
        used = f"`frame-select {' '.join([command, 'OUT.h5', *_flags(recipe)])}`"
        used += ", judged by `cues-judge`" if task.judged else ""
        used += ", in `FrameSelect/Glance-v0`" if task.price is not None else ""
        counts = str(task.num_frames), str(task.target_frames), f"{task.budget:,}"
        rows.append((f"`{name}`", task.ability, used, *counts))
    return table(("Task", "Ability", "Videos", "T", "Key frames", "Episodes"), rows)


def reference_returns(data: str, name: str) -> str:
    """The mean returns on a cache of an id: `frame-select returns` made the file."""
    rows = [row for row in _returns() if (row["data"], row["environment"]) == (data, name)]
    cells = [(f"`{row['reward']}`", *_figures(row)) for row in rows if row["split"] == "test"]
    return table(("Reward", *RETURNS_HEAD), cells)


def reward_thresholds() -> str:
    """The threshold of every id, beside what policies earn with its default keywords."""
    rows = []
    for row in _returns():
        spec = gym.spec(row["environment"])
        if row["data"] == "cues" and row["split"] == "train":
            own = (f"`{spec.id}`", f"`{row['reward']}`")
            rows.append((*own, *_figures(row), f"{spec.reward_threshold}"))
    return table(("id", "Reward", *RETURNS_HEAD, "`reward_threshold`"), rows)


def _flags(recipe: Any) -> list[str]:
    """The options of a recipe that differ from the defaults."""
    flags: list[str] = []
    for one in dataclasses.fields(recipe):
        value = getattr(recipe, one.name)
        if value != one.default:
            values = value if isinstance(value, tuple) else () if value is True else (value,)
            flags += [f"--{one.name.replace('_', '-')}", *map(str, values)]
    return flags


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    head = list(header)
    lines = [head, ["---"] * len(head)]
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _returns() -> list[dict[str, str]]:
    with RETURNS_FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _figures(row: dict[str, str]) -> list[str]:
    """The figures of a row of returns, and the name of the agent."""
    figures = [f"{float(row[one]):.2f}" if row[one] else "–" for one in RETURNS]
    return [*figures, f"`{row['trained']}`" if row["trained"] else "–"]


def _fenced(text: str) -> str:
    """The docstring with its doctests as Python blocks."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        starts = line.startswith(">>>")
        if starts and not inside:
            lines.append("```pycon")
        elif inside and not line.strip():
            lines.append("```")
        inside = (inside or starts) and bool(line.strip())
        lines.append(line)
    return "\n".join(lines)


def _arguments(function: Any) -> str:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return ", ".join(f"`{one.name}={one.default}`" for one in parameters)


def _reads(name: str) -> str:
    allowed = reward_design(name).allowed
    if allowed is None:
        return "anything"
    free = {"p0", "p1", "selected", "valid", "target_frames", "correct_before", "correct_after"}
    return ", ".join(f"`{fact}`" for fact in sorted(allowed - free))


def _paragraph(doc: str, title: str) -> str:
    """The paragraph of a docstring that begins with `title:`, in one line."""
    found = re.search(rf"^{title}: (.*?)(?:\n\n|\Z)", doc, re.M | re.S)
    return " ".join(found.group(1).split()) if found else ""


GENERATED = {
    "environment": environment,
    "rewards": rewards,
    "hyperparameters": hyperparameters,
    "studies": studies,
    "suite-tasks": suite_tasks,
    "reference-returns": reference_returns,
    "reward-thresholds": reward_thresholds,
}
