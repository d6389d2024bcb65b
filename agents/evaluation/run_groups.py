"""Run folders by their row in the table: the seeds of an agent, and its runs on several streams."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from agents.registry import agent_design, reward_text, with_values
from agents.training.load import check_trust
from agents.training.run_folder import as_json, read_config
from agents.training.task import LIMITS, with_defaults
from frame_select_env import FrameSelectError

RunFolders: TypeAlias = Path | tuple[Path, ...]  # of a run: its folder, or one for each stream
WORDS = {2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True)
class TrainedRun:
    """A run folder, and what tells its row from others of the same agent."""

    folder: Path
    agent: str  # the name of its design
    text: str  # the agent with the hyper-parameters that differ from its preset `tuned`
    task: Mapping[str, Any]  # as in config.json, with defaults

    @classmethod
    def read(cls, folder: Path, trust_code: bool) -> "TrainedRun":
        """Read config.json."""
        config = read_config(folder)
        check_trust(folder, config, trust_code)
        design = agent_design(config["agent"])
        tuned, hyper = as_json(design.presets["tuned"]), config.get("hyper", {})
        changed = {name: value for name, value in hyper.items() if value != tuned.get(name)}
        text = with_values(config["agent"], changed)
        return cls(folder, design.name, text, with_defaults(config["task"]))

    @property
    def terms(self) -> tuple[str, int, tuple[str, ...]]:
        """What it was trained for: the reward, m, and the limits that it had."""
        limits = tuple(f"{name}={self.task[name]}" for name in LIMITS if self.task[name])
        return reward_text(self.task["reward"]), self.task["target_frames"], limits

    def task_text(self, *other_than: str) -> str:
        """Text that is the same for runs whose tasks differ in nothing but `other_than`."""
        same = {name: value for name, value in self.task.items() if name not in other_than}
        return json.dumps(same, sort_keys=True)


def group_runs(folders: Sequence[Path], trust_code: bool = False) -> dict[str, list[Path]]:
    """Run folders by the name of their row; those of a row differ in the seed alone.

    The name is the agent's, with the hyper-parameters, reward, m and limits in which its runs
    differ: NAME@hyper=value,..., REWARD, m=M, budget=N.

    Raises:
        FrameSelectError: if a run is named twice.
    """
    named = _named(folders, trust_code)
    _check_distinct((name, run, run.task_text()) for name, run in named)
    groups: dict[str, list[Path]] = {}
    for name, run in named:
        groups.setdefault(name, []).append(run.folder)
    return groups


def row_name(
    agent: str, reward: str | None = None, target_frames: int | None = None, *limits: str
) -> str:
    """The name of a row: the agent, and what else tells it from the agent's other rows."""
    parts = [agent] if reward is None else [agent, reward]
    parts += [] if target_frames is None else [f"m={target_frames}"]
    return ", ".join([*parts, *limits])


def _named(folders: Sequence[Path], trust_code: bool) -> list[tuple[str, TrainedRun]]:
    """Every run with the name of its row.

    Hyper-parameters are compared within a stream: those of several streams may differ.
    """
    runs = [TrainedRun.read(folder, trust_code) for folder in folders]
    named = []
    for run in runs:
        own = [other for other in runs if other.agent == run.agent]
        texts = {other.text for other in own if other.task["stream"] == run.task["stream"]}
        rewards, targets, limits = (set(one) for one in zip(*(r.terms for r in own), strict=True))
        reward, m, limited = run.terms
        name = row_name(
            run.text if len(texts) > 1 else run.agent,
            reward if len(rewards) > 1 else None,
            m if len(targets) > 1 else None,
            *(limited if len(limits) > 1 else ()),
        )
        named.append((name, run))
    return named


def _check_distinct(keyed: Iterable[tuple[str, TrainedRun, str]]) -> None:
    """Refuse two runs of the same row and text.

    Raises:
        FrameSelectError: naming them.
    """
    found: dict[tuple[str, str], Path] = {}
    for name, run, text in keyed:
        first = found.get((name, text))
        if first is None:
            found[name, text] = run.folder
        elif first.resolve() == run.folder.resolve():
            raise FrameSelectError(f"{run.folder}: is named twice")
        else:
            raise FrameSelectError(
                f"{first} and {run.folder} are both runs of {name} with seed {run.task['seed']}; "
                "name one of them"
            )


def fuse_runs(folders: Sequence[Path], trust_code: bool = False) -> dict[str, list[RunFolders]]:
    """Runs on several streams by their name in the table, a folder for each stream.

    Runs whose tasks differ in the stream alone are one run. A single row is called "two-stream",
    one of several "two-stream NAME", with NAME as in `group_runs`.

    Raises:
        FrameSelectError: if there are fewer than two streams, or a run is named twice or missing on
            one of them.
    """
    named = _named(folders, trust_code)
    _check_distinct((name, run, run.task_text()) for name, run in named)
    by_stream: dict[str | None, dict[tuple[str, int, str], Path]] = {}
    for name, run in named:
        key = name, run.task["seed"], run.task_text("stream")
        by_stream.setdefault(run.task["stream"], {})[key] = run.folder
    if len(by_stream) < 2:
        raise FrameSelectError(
            f"--fuse: all runs are on the stream {next(iter(by_stream))!r}; name runs on two"
        )
    keyed = list(by_stream.values())
    for stream, runs in by_stream.items():
        for name, seed, _ in sorted(keyed[0].keys() ^ runs.keys()):
            raise FrameSelectError(
                f"--fuse: {name} with seed {seed} was not trained on both "
                f"{next(iter(by_stream))!r} and {stream!r}; name runs that differ in nothing but "
                "the stream"
            )
    names = dict.fromkeys(name for name, *_ in keyed[0])
    prefix = f"{WORDS.get(len(keyed), len(keyed))}-stream"
    fused: dict[str, list[RunFolders]] = {}
    for key in keyed[0]:
        name = prefix if len(names) == 1 else f"{prefix} {key[0]}"
        fused.setdefault(name, []).append(tuple(runs[key] for runs in keyed))
    return fused
