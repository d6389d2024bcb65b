"""A study: lines of figures, the runs that they need, and how each figure is read from these."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from agents.comparison.grid import DataSet, RunSpec, make_grid
from agents.comparison.results import DataSetResults
from agents.evaluation.combined import ENSEMBLE
from agents.evaluation.run_scores import network_row
from agents.evaluation.scoring import ViewScheme
from agents.evaluation.text_tables import TextTable
from agents.registry import with_values
from agents.training.seeds import Seeds
from frame_select_env import FeatureCache, FrameSelectError, open_cache
from frame_select_env.cache import View
from frame_select_env.errors import known

AGENT = "agent"  # the ranking of a line that stands for the agents that are trained
NETWORK = "network"  # the same for what their networks answer for whole videos
PAPER = "paper"  # of a line that has the paper's figure alone
EVERY = "*"  # every stream of a cache, side by side


@dataclass(frozen=True)
class Line:
    """A line of the table: one figure of the paper, and what it is compared with."""

    label: str
    source: str = ""  # which of the caches it is about, a name of the study's `sources`
    paper: float | None = None  # the paper's accuracy in percent (regression: correlation)
    ranking: str = AGENT  # or NETWORK, PAPER, or a reference: "all", "random"
    frames: int = 12  # m, where the paper's figure stands
    changes: tuple[tuple[str, Any], ...] = ()  # hyper-parameters of the agent
    agents: tuple[str, ...] = ()  # the agents of this line alone; empty for those of the command
    reward: str = "sign_omega"
    folds: Literal["first", "every"] = "every"
    streams: Literal["first", "every"] = "every"  # each by itself, fused
    stream: str = ""  # instead of these, roles side by side, "action+scene", or EVERY
    needs: str = ""  # a role without which a cache leaves the line empty
    view_scheme: ViewScheme = "region"
    alpha: float = 0.0
    # what is made of the agent's runs instead: ENSEMBLE, THEN_POOLED or BEST_OF_FOUR
    made: str = ""


@dataclass(frozen=True)
class LineChoices:
    """What a command line says of lines that are made from it."""

    split: str = "train"
    num_frames: int = 25
    rewards: tuple[str, ...] = ()  # names or JSON; empty for every registered design
    reward_scale: Literal["unit", "raw", "both"] = "both"


LineMaker: TypeAlias = Callable[[Mapping[str, str], LineChoices], tuple[list[Line], list[str]]]


@dataclass(frozen=True)
class Study:
    """A table to reproduce."""

    name: str
    title: str
    source: str  # where it is from, and how the paper measured
    lines: tuple[Line, ...]
    sources: tuple[str, ...] = ("",)  # names of the caches; "" if there is one
    own: tuple[str, ...] = ()  # sources that a cache without a name does not stand for
    data: "PaperData | None" = None  # the data that the paper's figures are about
    agents: tuple[str, ...] = ("reinforce@preset=paper", "reinforce")
    pairs: tuple[tuple[str, str], ...] = ()  # labels of lines whose difference is a figure, too
    task: Literal["classification", "regression"] = "classification"  # of its caches
    # (folder, what was measured) -> the names of more files, one of which may be figure.png
    draw: "Callable[[Path, Sequence[Measured]], list[str]] | None" = None
    # Whether any name is that of a source, and a cache without a name is one by its file's name.
    any_source: bool = False
    # (caches by source, the command line's choices) -> the lines, where they depend on these, and
    # notes below the table
    make_lines: LineMaker | None = None
    # (caches by source, --out) -> all caches, of which some are made of the others
    make_data: Callable[[Mapping[str, str], Path], dict[str, str]] | None = None
    # (folder, Reproduced) -> the table for a terminal and the names of the files, in place of
    # `write_reproduced`
    write: Callable[[Path, Any], tuple[TextTable, list[str]]] | None = None


@dataclass(frozen=True)
class PaperData:
    """The data of a paper's table."""

    name: str
    classes: Mapping[str, int]  # by source; "" for all others
    folds: Mapping[str, int] = field(default_factory=lambda: {"": 3})  # likewise
    streams: int = 2
    views: int = 10
    num_frames: int | None = 25  # None for any number

    def differences(self, line: Line, cache: FeatureCache, num_frames: int) -> list[str]:
        """How a cache differs from the paper's data, in words; empty if figures are comparable."""
        classes = self.classes.get(line.source, self.classes.get("", 0))
        folds = 1 if line.folds == "first" else self.folds.get(line.source, self.folds.get("", 0))
        asked = len(folds_of(cache)) if line.folds == "every" else 1
        streams = 1 if line.streams == "first" else self.streams
        if line.stream not in ("", EVERY):
            streams = len(line.stream.split("+"))
        used = streams_of(cache, line)
        parts = [part for one in used for part in cache.parts(one)]
        found = {
            "classes" if cache.task == "classification" else "targets": (
                len(cache.classes),
                classes,
            ),
            "splits": (asked, folds),
            "streams": (len(parts), streams),
            "views": (cache.views(parts[0]), self.views),
            "frames": (num_frames, self.num_frames or num_frames),
        }
        words = [
            f"{name} {here}, not {there}" for name, (here, there) in found.items() if here != there
        ]
        crossfit = cache.provenance.get("crossfit", "none")
        return words + ([f"cross-fitted by {crossfit}"] if crossfit != "none" else [])


@dataclass(frozen=True)
class Measured:
    """What was evaluated for a line and one agent, or its reference."""

    line: Line
    agent: str  # as it was trained, or the reference
    label: str  # of its runs in the results; "" for a reference
    frames: int  # m, that of the line or all frames where there are fewer
    results: Sequence[DataSetResults]  # one for each of the line's folds

    @property
    def row(self) -> str:
        """The row of its figures in an evaluation."""
        name = self.label or self.agent
        return network_row(name) if self.line.ranking == NETWORK else name + self.line.made


def parse_sources(study: Study, values: Sequence[str]) -> dict[str, str]:
    """The cache of each source, from "ROW=CACHE" and a "CACHE" that stands for every row.

    Raises:
        FrameSelectError: for an unknown row, or one that is named twice.
    """
    found: dict[str, str] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals:
            names, path = [one for one in study.sources if one not in study.own], value
            if study.any_source:
                names = [open_cache(path).path.stem]
        elif study.any_source or name in study.sources:
            names = [name]
        else:
            raise FrameSelectError(f"--data {value}: {known('row', name, study.sources)}")
        for one in names:
            if one in found:
                raise FrameSelectError(f"--data {value}: {one or 'the cache'} is named twice")
            found[one] = path
    if not found:
        raise FrameSelectError("--data: name a cache, or ROW=CACHE")
    return found


def folds_of(cache: FeatureCache) -> tuple[str, ...]:
    """The folds that a study averages: those beside the default, which is one of them."""
    return cache.folds[1:] or cache.folds


def streams_of(cache: FeatureCache, line: Line) -> tuple[str, ...]:
    """The streams that a line is about, several side by side as "a+b"; () if one is missing."""
    if line.needs and not stream_in_role(cache, line.needs):
        return ()
    if line.stream == EVERY:
        return ("+".join(cache.streams),)
    if line.stream:
        found = [stream_in_role(cache, role) for role in line.stream.split("+")]
        return ("+".join(found),) if all(found) else ()
    return cache.streams if line.streams == "every" else cache.streams[:1]


def stream_in_role(cache: FeatureCache, role: str) -> str:
    """The stream of that name; else objects are the stream with their axis; "" if there is none.

    The action is then all streams, side by side, that have no axis of objects and are not named
    scene or audio.
    """
    if role in cache.streams:
        return role
    objects = [one for one in cache.streams if cache.features_extent(one).axes == "object"]
    if role == "objects":
        return "+".join(objects)
    rest = [one for one in cache.streams if one not in (*objects, "objects", "scene", "audio")]
    return "+".join(rest) if role == "action" else ""


def agents_of(line: Line, agents: Sequence[str]) -> list[str]:
    """The agents that are trained for a line."""
    if line.ranking not in (AGENT, NETWORK):
        return []
    return [with_values(agent, dict(line.changes)) for agent in line.agents or agents]


def data_sets_of(line: Line, data: str) -> list[DataSet]:
    """What a line is averaged over: a data set for each of its folds."""
    cache = open_cache(data)
    folds, streams = folds_of(cache), streams_of(cache, line)
    if not streams:
        return []
    views: View = "random" if not line.stream and cache.views(streams[0]) > 1 else None
    named: tuple[str | None, ...] = streams if len(cache.streams) > 1 else (None,)
    scheme: ViewScheme = line.view_scheme if views else "region"
    return [
        DataSet(data, fold, named, views, scheme, line.alpha)
        for fold in (folds[:1] if line.folds == "first" else folds)
    ]


def make_specs(
    study: Study,
    data: Mapping[str, str],
    agents: Sequence[str],
    seeds: Seeds,
    num_frames: int = 25,
    **common: Any,
) -> list[RunSpec]:
    """The runs that the study's lines need, each once.

    References stand beside runs: where a line of references has none, the first agent is trained.
    """
    lines = [line for line in study.lines if line.source in data and line.ranking != PAPER]
    specs: dict[RunSpec, None] = {}
    for line in sorted(lines, key=lambda line: not agents_of(line, agents)):
        trained = {spec.data_set for spec in specs}
        for where in data_sets_of(line, data[line.source]):
            needed = agents_of(line, agents)
            if (
                not needed
                and not {replace(where, streams=(one,)) for one in where.streams} <= trained
            ):
                needed = [agents[0]]
            for agent in needed:
                grid = make_grid(
                    *([where.data], [where.fold], [agent], [line.reward]),
                    *([min(line.frames, num_frames)], seeds),
                    streams=where.streams,
                    views=[where.view],
                    view_schemes=[where.view_scheme],
                    alphas=[where.alpha],
                    num_frames=num_frames,
                    **common,
                )
                specs |= dict.fromkeys(grid)
    return list(specs)


def made_of_runs(
    study: Study, agents: Sequence[str], labels: Mapping[tuple[str, str, int], str]
) -> dict[str, set[str]]:
    """The labels of the agents of whose runs something is made, as options of `evaluate_runs`."""
    wanted: dict[str, set[str]] = {"ensemble": set(), "pool": set()}
    for line in study.lines:
        if line.made:
            for (agent, reward, _), label in labels.items():
                if agent in agents_of(line, agents) and reward == line.reward:
                    wanted["ensemble" if line.made == ENSEMBLE else "pool"].add(label)
    return wanted


def measure(
    study: Study,
    data: Mapping[str, str],
    agents: Sequence[str],
    results: Iterable[DataSetResults],
    labels: Mapping[tuple[str, str, int], str],
) -> list[Measured]:
    """What there is of every line, for each of its agents or its reference.

    `labels` has the label of an agent, reward and m in the results.
    """
    by_place, found = {one.where: one for one in results}, []
    for line in study.lines:
        if line.source not in data or line.ranking == PAPER:
            continue
        wheres = data_sets_of(line, data[line.source])
        own = [by_place[where] for where in wheres if where in by_place]
        for agent in agents_of(line, agents) or [line.ranking]:
            if own:
                m = min(line.frames, own[0].evaluation.settings.num_frames)
                label = labels[agent, line.reward, m] if agents_of(line, agents) else ""
                found.append(Measured(line, agent, label, m, own))
    return found
