"""Reward designs against learners: every registered design, raw and in a common unit.

A raw comparison of designs measures step sizes: sign_omega reaches +-10, a probability's gain a
few hundredths. In their unit all designs have the deviation of sign_omega, for which the presets of
the learners are tuned (`reward_scale` 0.1 on Sequential; `reinforce` takes rewards as they are).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from agents.evaluation.text_tables import TextTable
from agents.networks.glance import GLANCE_REWARD
from agents.registry import parse_reward
from agents.reproduction.figures import Reproduced
from agents.reproduction.reward_units import deviation, scaled, text_of, unit_factor, weighted
from agents.reproduction.study import EVERY, Line, LineChoices, Study, folds_of, streams_of
from frame_select_env import FeatureCache, FrameSelectError, open_cache
from frame_select_env.rewards import Reward, reward_design, reward_names

RewardScale = Literal["unit", "raw", "both"]
UNIT, RAW = "unit", "raw"
GLANCE = "glance"  # the row of the learners on Glance
# Without L_sampling, which would decide on the number of frames in the reward's place.
LEARNERS = ("reinforce@beta=0.0", "reinforce-sequential", "dqn", "ppo-sequential")
GLANCE_LEARNERS = ("reinforce-glance", "dqn-glance", "ppo-glance")
PRICE = GLANCE_REWARD["looks"]  # on Glance, beside every design that names none
# What the unit is made of: the reward for which the learners' presets are tuned.
REFERENCE = {"sign_omega": 1.0}
GLANCE_REFERENCE = {name: one for name, one in GLANCE_REWARD.items() if name != "looks"}
# What makes no sense alone: its best selection is known in advance.
COMBINED: dict[str, dict[str, Any]] = {
    "budget": {"sign_omega": 1.0, "budget": 1.0},
    "looks": {"sign_omega": 1.0, "looks": -0.1},
    "minus_kl": {"minus_kl": 1.0, "budget": 1.0},
}
# What does not read predictions: on Glance it pays for looks, whatever the answer.
BLIND = ("budget", "looks", "spread", "span", "diversity_representativeness")
PLACE = Line("", stream=EVERY, folds="first", frames=8)  # what all lines share
OTHER_TASK = "for another task"


@dataclass(frozen=True)
class RewardLine(Line):
    """A design on a cache, raw or in its unit."""

    design: str = ""  # as the command line names it
    scale: str = RAW  # or UNIT
    factor: float = 1.0  # by which the design is multiplied
    deviation: float = 0.0  # of the design itself over random selections of training videos
    basis: str = ""  # the reward in whose units figures are: the design itself; on Glance its own


def reward_lines(data: Mapping[str, str], choices: LineChoices) -> tuple[list[Line], list[str]]:
    """The lines of every source, and notes on what was combined or left out.

    Raises:
        FrameSelectError: for a design that is unknown, or named twice.
    """
    lines: list[Line] = []
    notes = [
        f"{name} stands for {text_of(weights)}, but on Glance: alone its best selection is known "
        "in advance"
        for name, weights in COMBINED.items()
        if name in (choices.rewards or reward_names())
    ]
    for source, path in data.items():
        cache = open_cache(path)
        lines.append(replace(PLACE, label=f"{source}: all frames", source=source, ranking="all"))
        made, left_out = _source_lines(source, path, cache, choices)
        lines += made
        if left_out:
            notes.append(f"{source}, left out: {'; '.join(left_out)}")
    if any(isinstance(line, RewardLine) and line.source == GLANCE for line in lines):
        notes.append(f"on Glance each look costs {-PRICE:g} beside every design, in raw and unit")
    return lines, notes


def _source_lines(
    source: str, path: str, cache: FeatureCache, choices: LineChoices
) -> tuple[list[Line], list[str]]:
    """The designs' lines on one cache, and the designs that were left out, with the reason."""
    glance = source == GLANCE
    (stream,) = streams_of(cache, PLACE)
    settings: dict[str, Any] = {
        "split": choices.split,
        "fold": folds_of(cache)[0],
        "stream": stream,
        "num_frames": choices.num_frames,
        "target_frames": min(PLACE.frames, choices.num_frames),
    }
    reference = deviation(cache, path, GLANCE_REFERENCE if glance else REFERENCE, **settings)
    lines: list[Line] = []
    left_out: list[str] = []
    for name in _names(choices.rewards):
        alone = glance or name not in COMBINED  # the price of looks takes the budget's place
        weights = weighted(parse_reward(name)) if alone else COMBINED[name]
        if why := _unfit(name, weights, cache, glance, bool(choices.rewards)):
            left_out += [f"{name} ({why})"] if why != OTHER_TASK else []
            continue
        own = deviation(cache, path, weights, **settings)
        if not own or not reference:
            left_out.append(f"{name} (it pays every selection of a video alike)")
            continue
        for scale in (UNIT, RAW) if choices.reward_scale == "both" else (choices.reward_scale,):
            factor = unit_factor(reference, own) if scale == UNIT else 1.0
            paid = scaled(weights, factor)
            if glance:
                paid.setdefault("looks", PRICE)  # a design may name its own
            lines.append(
                RewardLine(
                    f"{source}: {name}, {scale}",
                    source,
                    agents=GLANCE_LEARNERS if glance else (),
                    reward=text_of(paid),
                    **{key: getattr(PLACE, key) for key in ("stream", "folds", "frames")},
                    design=name,
                    scale=scale,
                    factor=factor,
                    deviation=own,
                    basis=text_of(paid if glance else weights),
                )
            )
    return lines, left_out


def _names(asked: Sequence[str]) -> list[str]:
    """The designs that are compared."""
    twice = [name for place, name in enumerate(asked) if name in asked[:place]]
    if twice:
        raise FrameSelectError(f"--rewards: {twice[0]} is named twice")
    return list(asked) or reward_names()


def _unfit(
    name: str, weights: Mapping[str, Any], cache: FeatureCache, glance: bool, asked: bool
) -> str:
    """Why a design is left out on a cache; empty if it is not."""
    if not asked and cache.task not in reward_design(name).tasks:
        return OTHER_TASK
    if glance and name in BLIND:
        return "it does not pay for the answer"
    try:
        Reward(dict(weights), cache)
    except FrameSelectError:
        if asked:
            raise
        return "the cache lacks what it reads"
    return ""


def _write(out: Path, made: Reproduced) -> tuple[TextTable, list[str]]:
    from agents.reproduction.reward_files import write_rewards  # Matplotlib takes long to import

    return write_rewards(out, made)


REWARDS = Study(
    "rewards",
    "Reward designs against learners",
    "Beyond the papers: every registered design with every learner, raw and with the deviation of "
    "sign_omega",
    (),
    agents=LEARNERS,
    any_source=True,
    make_lines=reward_lines,
    write=_write,
)
