"""The text of every generated page, from docstrings, spaces and the registry of rewards."""

import inspect
import re

import gymnasium as gym

from frame_select_env.envs import ENVIRONMENTS
from frame_select_env.rewards import reward_design, reward_names

MADE = "<!-- Made by `make docs` from the docstrings; change those. -->"


def pages() -> dict[str, str]:
    """File name -> Markdown of every generated page."""
    made = {f"{_file_name(name)}.md": environment_page(name) for name in ENVIRONMENTS}
    return {**made, "rewards.md": reward_page()}


def environment_page(name: str) -> str:
    """An environment's page: its spaces as they are by default, then its docstring."""
    single, _ = ENVIRONMENTS[name]
    doc = inspect.cleandoc(single.__doc__ or "")
    summary, _, rest = doc.partition("\n\n")
    env = gym.make(name, observation="index").unwrapped
    facts = [
        ("Action space", f"`{env.action_space}`"),
        ("Observation modes", ", ".join(f"`{mode}`" for mode in _modes(name))),
        ("Index observation", f"`{env.observation_space}`"),
        ("import", f'`gymnasium.make("{name}")`'),
    ]
    table = ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in facts)]
    return "\n".join([MADE, "", f"# {name}", "", summary, "", *table, "", _fenced(rest), ""])


def reward_page() -> str:
    """The table of all reward designs that come with the library."""
    lines = [
        MADE,
        "",
        "# Rewards",
        "",
        "What `reward=` and `--reward` take. *Reads* are the facts beyond p0, p1, the selection",
        "and the budget that a design has declared; one that reads no label can be used where",
        "there is none. Write your own: [design a reward](design-a-reward.md).",
        "",
        "| name | what it pays | formula | arguments | reads | source |",
        "|---|---|---|---|---|---|",
    ]
    for name in reward_names():
        function = reward_design(name).function
        if not function.__module__.startswith("frame_select_env."):
            continue
        doc = inspect.cleandoc(function.__doc__ or "")
        summary = " ".join(doc.partition("\n\n")[0].split())
        formula, source = (_paragraph(doc, title) for title in ("Formula", "Source"))
        cells = [f"`{name}`", summary, formula, _arguments(function), _reads(name), source]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _file_name(name: str) -> str:
    """FrameSelect/OneShot-v0 -> one-shot."""
    words = re.findall(r"[A-Z][a-z]+", name.split("/")[1])
    return "-".join(word.lower() for word in words)


def _modes(name: str) -> tuple[str, ...]:
    return ENVIRONMENTS[name][0].process.settings_class.observations


def _fenced(text: str) -> str:
    """The docstring's doctests as Python blocks."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        starts = line.startswith(">>>")
        if starts and not inside:
            lines.append("```python")
        elif inside and not line.strip():
            lines.append("```")
        inside = (inside or starts) and bool(line.strip())
        lines.append(line)
    return "\n".join(lines)


def _arguments(function: object) -> str:
    parameters = list(inspect.signature(function).parameters.values())[1:]  # type: ignore[arg-type]
    return ", ".join(f"`{one.name}={one.default}`" for one in parameters)


def _reads(name: str) -> str:
    allowed = reward_design(name).allowed
    if allowed is None:
        return "anything"
    open_facts = {"p0", "p1", "selected", "valid", "target_frames"}
    declared = sorted(allowed - open_facts - {"correct_before", "correct_after"})
    return ", ".join(f"`{fact}`" for fact in declared)


def _paragraph(doc: str, title: str) -> str:
    """The paragraph of a docstring that begins with `title:`, in one line."""
    found = re.search(rf"^{title}: (.*?)(?:\n\n|\Z)", doc, re.M | re.S)
    return " ".join(found.group(1).split()) if found else ""
