"""The grid of a comparison: its runs, checked before any is trained."""

import dataclasses
import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.evaluation.choosing import ChoiceRule, check_rule
from agents.evaluation.references import reference_names
from agents.evaluation.run_groups import row_name
from agents.evaluation.scoring import EvaluationSettings, ViewScheme
from agents.evaluation.selected_pooled import check_pooling, not_pooled
from agents.registry import check_pickles, parse_agent, parse_reward, reward_text
from agents.training.seeds import Seeds, expand_seeds
from agents.training.trainer import Run
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.cache import View
from frame_select_env.consensus import MEAN
from frame_select_env.rewards import default_reward
from frame_select_env.splits import labelled_rows

RUNS = "runs"  # the folder of the run folders


@dataclass(frozen=True)
class DataSet:
    """What is scored together: runs on the same videos, predictions and terms are comparable."""

    data: str  # a bundled cache's name or a path
    fold: str = "default"
    streams: tuple[str | None, ...] = (None,)  # several are fused; None for the only one
    view: View = None
    view_scheme: ViewScheme = "region"
    alpha: float = 0.0
    aggregator: str = MEAN

    @property
    def title(self) -> str:
        """The cache's name, and what differs from the defaults."""
        parts = [open_cache(self.data).path.stem]
        parts += [f"fold {self.fold}"] if self.fold != "default" else []
        parts += [self.stream] if self.stream else []
        if self.view is not None:
            parts.append(f"by {self.view_scheme}" if self.view == "random" else f"view {self.view}")
        parts += [f"alpha {self.alpha:g}"] if self.alpha else []
        parts += [f"judged by {Path(self.aggregator).stem}"] if self.aggregator != MEAN else []
        return ", ".join(parts)

    @property
    def stream(self) -> str:
        """The stream, or several; empty for the only one."""
        return " and ".join(name for name in self.streams if name)

    def columns(self) -> dict[str, str]:
        """Its cells in tables of many data sets."""
        scheme = self.view_scheme if self.view == "random" else ""
        view = "" if self.view is None else str(self.view)
        more = {"stream": self.stream, "view": view, "view_scheme": scheme}
        more |= {"alpha": f"{self.alpha:g}", "aggregator": self.aggregator}
        return {"data": self.data, "fold": self.fold, **more}


@dataclass(frozen=True)
class RunSpec:
    """One run of a comparison, scored in one way."""

    data: str  # a bundled cache's name or a path
    fold: str
    agent: str  # as `parse_agent` reads it
    reward: str  # as `parse_reward` reads it
    target_frames: int  # m, the number of frames the run is trained for
    seed: int  # seed of every random draw
    split: str = "train"
    stream: str | None = None
    view: View = None
    alpha: float = 0.0
    aggregator: str = MEAN
    view_scheme: ViewScheme = "region"  # makes no difference to what is trained
    num_frames: int = 25
    budget: int = 0  # limits, as in `Task`
    updates: int = 0
    cpu_seconds: float = 0.0
    device: str = "cpu"
    trust_code: bool = False  # whether a pickle may be read; nothing else depends on it

    @property
    def data_set(self) -> DataSet:
        """What it is scored on."""
        where = self.data, self.fold, (self.stream,), self.view, self.view_scheme
        return DataSet(*where, self.alpha, self.aggregator)

    def run(self) -> Run:
        """What to train."""
        keywords = dataclasses.asdict(self)
        data, agent = keywords.pop("data"), keywords.pop("agent")
        del keywords["view_scheme"], keywords["trust_code"]
        keywords["reward"] = parse_reward(self.reward)
        return Run(data, parse_agent(agent), keywords)

    def folder(self, out: Path) -> Path:
        """The run folder; no other run has the same, whatever else a later grid holds."""
        parts = [self.data, self.fold, self.agent, self.reward, f"m{self.target_frames}"]
        for name in ("stream", "view", "alpha", "aggregator"):
            value = getattr(self, name)
            parts += [f"{name}={value}"] if value != getattr(RunSpec, name) else []
        return out / RUNS / ",".join(map(_folder_part, parts)) / f"seed-{self.seed}"

    def __str__(self) -> str:
        rest = f"{self.agent}, {self.reward}, m={self.target_frames}, seed {self.seed}"
        return f"{self.data_set.title}, {rest}"


def make_grid(
    data: Sequence[str],
    folds: Sequence[str],
    agents: Sequence[str],
    rewards: Sequence[str],
    target_frames: Sequence[int],
    seeds: Seeds,
    streams: Sequence[str | None] = (None,),
    views: Sequence[View] = (None,),
    view_schemes: Sequence[ViewScheme] = ("region",),
    alphas: Sequence[float] = (0.0,),
    aggregators: Sequence[str] = (MEAN,),
    **common: Any,
) -> list[RunSpec]:
    """All runs; data sets vary slowest, then agents, rewards, m and seeds.

    A policy that is not trained has one run, for the first reward, m and seed.

    Every cache must have all folds, streams and views; no `target_frames` are that of each agent's
    preset, no `rewards` that of each agent or cache, and the stream None is each agent's default;
    `seeds` are those of `expand_seeds`; `common` is the split, num_frames, limits, device and trust
    of all runs. A run with view="random" stands once for each of the `view_schemes`.
    """
    check_pickles(agents, common.get("trust_code", False))
    rewards = [reward_text(parse_reward(text)) for text in rewards]
    paid = {
        (agent, one): rewards or [_default_reward(agent, one, common)]
        for agent, one in itertools.product(agents, data)
    }
    axes: dict[str, Sequence[Any]] = {
        "data": data,
        "folds": folds,
        "agents": agents,
        "rewards": rewards,
        "target-frames": target_frames,
        "streams": streams,
        "views": views,
        "view-schemes": view_schemes,
        "alphas": alphas,
        "aggregators": aggregators,
    }
    for name, values in axes.items():
        if not len(values) and name not in ("target-frames", "rewards"):
            raise FrameSelectError(f"--{name}: give at least one value")
        duplicates = [value for index, value in enumerate(values) if value in values[:index]]
        if duplicates:
            raise FrameSelectError(f"--{name}: {duplicates[0]} is duplicated")
    every = expand_seeds(seeds)
    if len(view_schemes) > 1 and "random" not in views:
        raise FrameSelectError("--view-schemes: several make a difference only with --views random")
    where: list[dict[str, Any]] = [
        {"data": one, "fold": fold, "stream": stream, "view": view, "view_scheme": scheme}
        | {"alpha": alpha, "aggregator": aggregator}
        for one, fold, stream, view, alpha, aggregator in itertools.product(
            data, folds, streams, views, alphas, aggregators
        )
        for scheme in (view_schemes if view == "random" else view_schemes[:1])
    ]
    num_frames = common.get("num_frames", RunSpec.num_frames)
    own = {agent: target_frames or (_default_target(agent, num_frames),) for agent in agents}
    specs = [
        RunSpec(agent=agent, reward=reward, target_frames=m, seed=seed, **(one | named), **common)
        for one, agent in itertools.product(where, agents)
        for named in [{"stream": one["stream"] or _default_stream(agent, one["data"])}]
        for reward, m, seed in itertools.islice(
            itertools.product(paid[agent, one["data"]], own[agent], every),
            1 if parse_agent(agent).design.policy else None,
        )
    ]
    for one, group in by_data_set(specs).items():
        cache = open_cache(one.data)
        labelled_rows(cache, "test", one.fold)
        for spec in group:
            if spec.seed == every[0]:  # seeds make no difference to what fits
                run = spec.run()
                run.choice.design.network(cache, run.task(cache), run.choice.config)
        EvaluationSettings(
            *(cache, one.fold, group[0].num_frames, one.alpha, one.aggregator, one.streams),
            *(one.view, one.view_scheme),
        )
    return specs


def _default_target(agent: str, num_frames: int) -> int:
    """The m of an agent's preset."""
    choice = parse_agent(agent)
    return choice.design.default_target_frames(choice.preset, num_frames)


def _default_reward(agent: str, data: str, common: Mapping[str, Any]) -> str:
    """The reward of the agent, else of the videos that are trained on, where none is named."""
    own = parse_agent(agent).design.reward
    if own is not None:
        return reward_text(own)
    cache = open_cache(data)
    return default_reward(cache, cache.rows(common.get("split", RunSpec.split)))


def _default_stream(agent: str, data: str) -> str | None:
    """The stream that an agent sees of a cache unless one is named; None for its only one."""
    return parse_agent(agent).design.default_stream(open_cache(data))


def check_scoring(
    specs: Sequence[RunSpec],
    frames: Sequence[int],
    also: Sequence[str],
    resamples: int,
    choose_by: ChoiceRule = "best",
    pool: bool = False,
) -> None:
    """Refuse in advance what the evaluation at the end would refuse."""
    most = specs[0].num_frames
    for m in frames:
        if not 1 <= m <= most:
            raise FrameSelectError(
                f"frames={m}: must be from 1 to the number of frames per video, {most}"
            )
    if not len(frames):
        raise FrameSelectError("--frames: give at least one value")
    if resamples < 1:
        raise FrameSelectError(f"resamples={resamples}: must be at least 1")
    for data in dict.fromkeys(spec.data for spec in specs):
        reference_names(list(also), open_cache(data).task)
        check_rule(choose_by, open_cache(data).task)
    for spec in specs if pool else ():
        # Seeds make no difference to whether there are validation videos.
        if spec.seed == specs[0].seed and not not_pooled(1, spec.view, spec.alpha, spec.aggregator):
            cache = open_cache(spec.data)
            check_pooling(cache, spec.run().task(cache), spec.agent)


def make_labels(specs: Sequence[RunSpec]) -> dict[RunSpec, str]:
    """The label of every run: the agent, and the reward and m where it has several."""
    trained = {(spec.agent, spec.data, spec.reward) for spec in specs}
    rewards = len(trained) > len({(agent, data) for agent, data, _ in trained})
    targets = len({spec.target_frames for spec in specs}) > 1
    return {
        spec: row_name(
            spec.agent,
            spec.reward if rewards else None,
            spec.target_frames if targets else None,
        )
        for spec in specs
    }


def by_data_set(specs: Sequence[RunSpec]) -> dict[DataSet, list[RunSpec]]:
    """The runs of each data set, in the grid's order."""
    groups: dict[DataSet, list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.data_set, []).append(spec)
    return groups


def parse_shard(text: str) -> slice:
    """The runs of shard "i/n": every n-th, from the i-th; all runs if it is empty."""
    if not text:
        return slice(None)
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise FrameSelectError(f"--shard {text}: must be i/n with i from 1 to n, say 1/4")
    return slice(int(found[1]) - 1, None, int(found[2]))


def _folder_part(text: str) -> str:
    """Text as a part of a folder's name: itself if short and plain, else simplified with a hash."""
    if re.fullmatch(r"[A-Za-z0-9_=][A-Za-z0-9_.=-]{0,39}", text):
        return text
    name = Path(text).stem if "/" in text else text
    name = re.sub(r"[^A-Za-z0-9_.=]+", "-", name).strip("-.")
    return f"{name[:32]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
