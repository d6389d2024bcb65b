"""The plan of a suite: what will be run and compared, written and hashed before the first run."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from agents.registry import parse_agent
from agents.suite.tasks import CORPORA, TASKS, agents_for, suite_task
from agents.training.seeds import expand_seeds
from frame_select_env import FrameSelectError
from frame_select_env.errors import known
from frame_select_env.storage import write_whole

PLAN = "plan.json"
SETTINGS = "settings"  # in a written plan: what the tasks were when it was written


@dataclass(frozen=True)
class Plan:
    """What is run and compared.

    Raises:
        FrameSelectError: naming the field and the remedy.
    """

    #: Agents: NAME, module:object, or NAME@hyper=value,hyper=value.
    agents: tuple[str, ...]
    #: Names of tasks.
    tasks: tuple[str, ...] = tuple(TASKS)
    #: Number of seeds, 0, 1, 2, ...; several are the seeds themselves.
    seeds: int | tuple[int, ...] = 3
    #: Pairs of agents whose difference is tested.
    tests: tuple[tuple[str, str], ...] = ()
    #: Seed of the videos.
    corpus_seed: int = 0
    #: Episodes per run; 0: those of each task, or no limit where there are updates.
    budget: int = 0
    #: Updates per run, of every agent, also of those that score no episodes; 0: no such limit.
    updates: int = 0

    def __post_init__(self) -> None:
        expand_seeds(self.seeds)
        for name in ("corpus_seed", "budget", "updates"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise FrameSelectError(f"{name}={value!r}: must be an integer of at least 0")
        for name in ("agents", "tasks"):
            values = getattr(self, name)
            if not values:
                raise FrameSelectError(f"{name}: give at least one")
            duplicates = [one for place, one in enumerate(values) if one in values[:place]]
            if duplicates:
                raise FrameSelectError(f"{name}: {duplicates[0]} is duplicated")
        tasks = [suite_task(name) for name in self.tasks]
        for agent in self.agents:
            parse_agent(agent)
            if not any(agents_for(task, [agent]) for task in tasks):
                raise FrameSelectError(f"agents: {agent} fits none of the tasks")
        for pair in self.tests:
            for agent in pair:
                if agent not in self.agents:
                    raise FrameSelectError(f"tests: {known('agent', agent, self.agents)}")
            if pair[0] == pair[1]:
                raise FrameSelectError(f"tests: {pair[0]} is compared with itself")

    def text(self) -> str:
        """The plan as JSON, with all that the tasks are: another suite is another plan."""
        return json.dumps({**asdict(self), SETTINGS: self.settings()}, indent=1) + "\n"

    def settings(self) -> dict[str, Any]:
        """The tasks and their recipes."""
        chosen = {name: TASKS[name] for name in self.tasks}
        corpora = {task.corpus: asdict(CORPORA[task.corpus]) for task in chosen.values()}
        # As JSON has it: lists, not tuples.
        made = {"tasks": {name: asdict(task) for name, task in chosen.items()}, "corpora": corpora}
        return dict(json.loads(json.dumps(made)))

    @property
    def digest(self) -> str:
        """The sha256 of the text, in hexadecimal: that of the written file."""
        return hashlib.sha256(self.text().encode()).hexdigest()


def read_plan(path: Path) -> Plan:
    """Read a plan from a file in JSON or TOML, by its suffix.

    Raises:
        FrameSelectError: naming the file, the field and the remedy.
    """
    try:
        content = path.read_text(encoding="utf-8")
        found = tomllib.loads(content) if path.suffix == ".toml" else json.loads(content)
    except (OSError, ValueError) as error:
        raise FrameSelectError(f"{path}: cannot be read as a plan: {error}") from None
    if not isinstance(found, dict):
        raise FrameSelectError(f"{path}: must hold the fields of a plan by name")
    try:
        return _parse(found)
    except FrameSelectError as error:
        raise FrameSelectError(f"{path}: {error}") from None


def _parse(found: Mapping[str, Any]) -> Plan:
    names = [field.name for field in fields(Plan)]
    values = {name: value for name, value in found.items() if name != SETTINGS}
    for name in values:
        if name not in names:
            raise FrameSelectError(known("field", name, names))
    if "agents" not in values:
        raise FrameSelectError("agents: give at least one")
    for name in ("agents", "tasks"):
        if name in values:
            values[name] = _texts(name, values[name])
    if isinstance(values.get("seeds"), list):
        values["seeds"] = tuple(values["seeds"])
    pairs = values.get("tests", [])
    if not isinstance(pairs, list):
        raise FrameSelectError("tests: must be a list of pairs of agents")
    values["tests"] = tuple(_texts("tests", pair) for pair in pairs)
    if any(len(pair) != 2 for pair in values["tests"]):
        raise FrameSelectError("tests: must be a list of pairs of agents")
    plan = Plan(**values)
    if found.get(SETTINGS, plan.settings()) != plan.settings():
        raise FrameSelectError(
            f"{SETTINGS}: the tasks have changed since this plan was written; remove this field "
            "to use them as they are now, in another --out"
        )
    return plan


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise FrameSelectError(f"{name}: must be a list of texts")
    return tuple(value)


def keep_plan(plan: Plan, out: Path) -> None:
    """Write the plan into the folder of its runs, or check that it is the one written there.

    Raises:
        FrameSelectError: if another plan is.
    """
    path = out / PLAN
    if not path.is_file():
        write_whole(path, plan.text())
    elif path.read_bytes() != plan.text().encode():
        raise FrameSelectError(
            f"{path}: is another plan than this one, whose sha256 is {plan.digest[:12]}...; choose "
            "another --out, or run the plan that is there"
        )
