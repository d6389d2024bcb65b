"""The grid of a comparison: every run that it consists of, checked before any is trained."""

import dataclasses
import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.evaluation.entries import reference_names
from agents.evaluation.verdicts import Setting
from agents.registry import parse_agent, parse_reward, reward_text
from agents.training.trainer import Run
from baselines.cross_validation import labelled_rows
from frame_select_env import FrameSelectError, open_cache

RUNS = "runs"  # the folder of the run folders


@dataclass(frozen=True)
class Cell:
    """One run of a comparison.

    Attributes:
        data: A bundled cache's name or a path. fold: Its fold.
        agent: As `parse_agent` reads it. reward: As `parse_reward` reads it.
        select: m, what the run is trained for. seed: Of every random draw.
        split, stream, num_frames, alpha, budget, device: As in `Task`, the same in all cells.
    """

    data: str
    fold: str
    agent: str
    reward: str
    select: int
    seed: int
    split: str = "train"
    stream: str | None = None
    num_frames: int = 25
    alpha: float = 0.0
    budget: int = 0
    device: str = "cpu"

    def run(self) -> Run:
        """What to train.

        Raises:
            FrameSelectError: for an unknown agent, or a reward that is no JSON.
        """
        keywords = dataclasses.asdict(self)
        data, agent = keywords.pop("data"), keywords.pop("agent")
        keywords["reward"] = parse_reward(self.reward)
        keywords["target_frames"] = keywords.pop("select")
        return Run(data, parse_agent(agent), keywords)

    def folder(self, out: Path) -> Path:
        """Where the run goes; no other cell's, whatever else a later grid holds."""
        parts = (self.data, self.fold, self.agent, self.reward, f"m{self.select}")
        return out / RUNS / ",".join(map(_slug, parts)) / f"seed-{self.seed}"

    @property
    def place(self) -> tuple[str, str]:
        """Data and fold: the videos on which cells are comparable."""
        return self.data, self.fold

    def __str__(self) -> str:
        return (
            f"{self.data}, fold {self.fold}, {self.agent}, {self.reward}, m={self.select}, "
            f"seed {self.seed}"
        )


def make_grid(
    data: Sequence[str],
    folds: Sequence[str],
    agents: Sequence[str],
    rewards: Sequence[str],
    select: Sequence[int],
    seeds: int,
    **common: Any,
) -> list[Cell]:
    """All cells, the last of these named varying fastest.

    Args:
        data: Caches.
        folds: Folds that every cache has.
        agents: As `parse_agent` reads them.
        rewards: As `parse_reward` reads them.
        select: The m to train for.
        seeds: n, for the seeds 0..n-1.
        common: Split, stream, num_frames, alpha, budget and device of all cells.

    Raises:
        FrameSelectError: for anything unknown, missing, out of range or named twice, and for a
            cache without a test split.
    """
    rewards = [reward_text(parse_reward(text)) for text in rewards]
    named = {"data": data, "folds": folds, "agents": agents, "rewards": rewards, "select": select}
    for name, values in named.items():
        if not len(values):
            raise FrameSelectError(f"--{name}: name at least one")
        twice = [value for place, value in enumerate(values) if value in values[:place]]
        if twice:
            raise FrameSelectError(f"--{name}: {twice[0]} stands twice")
    if seeds < 1:
        raise FrameSelectError(f"seeds={seeds}: must be at least 1")
    cells = [
        Cell(*values, **common)
        for values in itertools.product(data, folds, agents, rewards, select, range(seeds))
    ]
    for agent in agents:
        parse_agent(agent)
    for name, fold in itertools.product(data, folds):
        cache = open_cache(name)
        labelled_rows(cache, "test", fold)
        # A cell for every agent, reward and m; seeds make no difference to what fits.
        alike = [one for one in cells if one.place == (name, fold) and one.seed == 0]
        for one in alike:
            run = one.run()
            run.choice.design.network(cache, run.task(cache), run.choice.config)
        Setting(cache, fold, alike[0].num_frames, alike[0].alpha, alike[0].stream)
    return cells


def check_scoring(
    cells: Sequence[Cell], frames: Sequence[int], also: Sequence[str], resamples: int
) -> None:
    """Refuse what the evaluation at the end would refuse.

    Raises:
        FrameSelectError: for m that are none, an unknown reference, or no resamples.
    """
    most = cells[0].num_frames
    for m in frames:
        if not 1 <= m <= most:
            raise FrameSelectError(
                f"frames={m}: must be from 1 to the number of frames a video, {most}"
            )
    if not len(frames):
        raise FrameSelectError("--frames: name at least one")
    if resamples < 1:
        raise FrameSelectError(f"resamples={resamples}: must be at least 1")
    for data in dict.fromkeys(cell.data for cell in cells):
        reference_names(list(also), open_cache(data).task)


def make_labels(cells: Sequence[Cell]) -> dict[Cell, str]:
    """The name of every cell's row: the agent, and what else tells the grid's rows apart."""
    rewards = len({cell.reward for cell in cells}) > 1
    select = len({cell.select for cell in cells}) > 1
    return {
        cell: cell.agent
        + (f", {cell.reward}" if rewards else "")
        + (f", m={cell.select}" if select else "")
        for cell in cells
    }


def by_place(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Cell]]:
    """(data, fold) -> its cells, in the grid's order."""
    places: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        places.setdefault(cell.place, []).append(cell)
    return places


def parse_shard(text: str) -> slice:
    """Which cells "i/n" stands for: every n-th, from the i-th; all if it is empty.

    Raises:
        FrameSelectError: if it is not i/n with i from 1 to n.
    """
    if not text:
        return slice(None)
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise FrameSelectError(f"--shard {text}: must be i/n with i from 1 to n, say 1/4")
    return slice(int(found[1]) - 1, None, int(found[2]))


def _slug(text: str) -> str:
    """A part of a folder's name: the text if it is short and plain, else its like and a digest."""
    if re.fullmatch(r"[A-Za-z0-9_=][A-Za-z0-9_.=-]{0,39}", text):
        return text
    like = re.sub(r"[^A-Za-z0-9_.=]+", "-", Path(text).stem if "/" in text else text).strip("-.")
    return f"{like[:32]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
