"""Accuracy against frames looked at: the agents on Glance at three prices, beside every gate."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from agents.evaluation.evaluate import Evaluation
from agents.evaluation.files import write_csv
from agents.evaluation.intervals import Interval, interval_columns
from agents.evaluation.references import CHOSEN, FREE
from agents.networks.glance import GLANCE_REWARD
from agents.pictures.style import INK, QUIET, line_styles, picture, quiet_grid
from agents.registry import reward_text
from agents.reproduction.study import Line, Measured, Study
from baselines.formulas import RandomFrames
from baselines.gates import MEASURES, PICKS, CoarseToFine, fitted_gates, front
from baselines.oracle import Oracle
from frame_select_env.cache import Clips
from frame_select_env.consensus import consensus, is_correct
from frame_select_env.ranking import Ranking, evenly_spaced_frames
from frame_select_env.splits import labelled_rows

PRICES = (0.003, 0.01, 0.03)  # of a look; a right answer is worth 0.5 and its probability 0.5
AGENTS = ("reinforce-glance", "ppo-glance", "dqn-glance")
CONTROL = "soft-attention"  # sees every frame and plays no episode
DRAWS = 5  # of a random order
AGENT, GATE, FIXED, WHOLE = "agent", "gate", "fixed number", "sees all frames"
COLUMNS = ("method", "kind", "price", *interval_columns(["accuracy"]), "looks", "runs")


@dataclass(frozen=True)
class Point:
    """One point of accuracy against looks, on the test videos."""

    method: str
    kind: str  # AGENT, GATE, FIXED or WHOLE
    price: float | None  # that the agent was trained with, or the gate's threshold fitted with
    accuracy: Interval
    looks: float  # mean number of frames looked at
    runs: int


def _at(price: float) -> str:
    return reward_text({**GLANCE_REWARD, "looks": -price})


def write_front(out: Path, measured: Sequence[Measured]) -> list[str]:
    """Write front.csv and draw it as figure.png, of the first cache; the names of the files."""
    if not measured:
        return []
    evaluation = measured[0].results[0].evaluation
    points = [*_trained(measured), *_gates(evaluation), *_fixed(evaluation)]
    rows = [
        {
            **{"method": one.method, "kind": one.kind, "runs": one.runs},
            "price": "" if one.price is None else f"{one.price:g}",
            "accuracy": f"{one.accuracy.value:.4f}",
            "accuracy_low": f"{one.accuracy.low:.4f}",
            "accuracy_high": f"{one.accuracy.high:.4f}",
            "looks": f"{one.looks:.3f}",
        }
        for one in points
    ]
    write_csv(out / "front.csv", COLUMNS, rows)
    _draw(out / "figure.png", points, _whole_fronts(evaluation))
    return ["front.csv", "figure.png"]


def _trained(measured: Sequence[Measured]) -> Iterator[Point]:
    """What was trained; an agent on Glance looked at the frames of its free choice."""
    for one in measured:
        evaluation = one.results[0].evaluation
        whole = float(evaluation.results["all", "all"].frames.mean())
        agent = one.agent.partition("@")[0] in AGENTS
        key = (one.row, FREE if agent else CHOSEN if one.label else "all")
        if key in evaluation.results:
            found = evaluation.results[key]
            yield Point(
                one.agent if one.label else "all frames",
                AGENT if agent else WHOLE,
                next((price for price in PRICES if agent and one.line.reward == _at(price)), None),
                evaluation.draw(0).mean(1 - found.error),
                float(found.frames.mean()) if agent else whole,
                len(found.error),
            )


def _clips(evaluation: Evaluation, split: str) -> tuple[Clips, np.ndarray]:
    """The labelled videos of a split, and their labels."""
    settings = evaluation.settings
    rows = labelled_rows(settings.cache, split, settings.fold)
    clips = settings.cache.read(rows, settings.num_frames, settings.fold, settings.streams[0])
    return clips, settings.cache.labels[rows]


@dataclass(frozen=True)
class OracleOrder:
    """What the oracle would look at first, who knows the labels [N] of a cache's videos."""

    label: np.ndarray

    name = "oracle's order"

    def scores(self, clips: Clips) -> np.ndarray:
        """As those of `Oracle`, [B, T]."""
        return Oracle().scores(clips, self.label[clips.video])


def _orders(evaluation: Evaluation) -> dict[str, list[Ranking]]:
    """The orders of looking, several of one name if it is drawn."""
    oracle = OracleOrder(evaluation.settings.cache.labels)
    return {
        CoarseToFine.name: [CoarseToFine()],
        "random order": [RandomFrames(seed) for seed in range(DRAWS)],
        oracle.name: [oracle],
    }


def _point(
    evaluation: Evaluation,
    clips: Clips,
    looked: Sequence[np.ndarray],
    method: str,
    kind: str,
    price: float | None = None,
) -> Point:
    """The answers of the mean predictions of the frames looked at, R times [B, T]."""
    right = [
        is_correct(consensus(clips.predictions, one, clips.valid), evaluation.label)
        for one in looked
    ]
    looks = float(np.mean([(one & clips.valid).sum(axis=1) for one in looked]))
    accuracy = evaluation.draw(0).mean(np.array(right, np.float64))
    return Point(method, kind, price, accuracy, looks, len(looked))


def _gates(evaluation: Evaluation) -> Iterator[Point]:
    """Every order with every measure, its threshold fitted on the training videos."""
    fit, fit_label = _clips(evaluation, "train")
    clips, _ = _clips(evaluation, evaluation.split)
    for (name, orders), measure in product(_orders(evaluation).items(), MEASURES):
        for price in PRICES:
            gates = fitted_gates(fit, fit_label, orders, price, [measure])
            looked = [gate.select(clips) for gate in gates]
            yield _point(evaluation, clips, looked, f"{name}, {measure} gate", GATE, price)


def _fixed(evaluation: Evaluation) -> Iterator[Point]:
    """As many frames of every video, evenly spaced."""
    clips, _ = _clips(evaluation, evaluation.split)
    for count in range(1, PICKS + 1):
        looked = evenly_spaced_frames(clips.valid, count)
        yield _point(evaluation, clips, [looked], f"uniform {count}", FIXED)


def _whole_fronts(evaluation: Evaluation) -> dict[str, np.ndarray]:
    """Looks and accuracy [2, n] of every gate at every threshold, on the test videos themselves."""
    clips, label = _clips(evaluation, evaluation.split)
    found = {}
    for (name, orders), measure in product(_orders(evaluation).items(), MEASURES):
        points = front(clips, label, orders[0].scores(clips), measure)
        found[f"{name}, {measure}"] = np.array([(one.looks, one.accuracy) for one in points]).T
    return found


def _draw(path: Path, points: Sequence[Point], whole: dict[str, np.ndarray]) -> None:
    """The fronts: agents in colour, gates in grey (fitted ones as dots), what sees all dotted."""
    with picture(path, 8.2, 5.2) as figure:
        axes = figure.add_subplot()
        for name, (looks, accuracy) in whole.items():
            sees = name.startswith(OracleOrder.name)
            axes.plot(looks, 100 * accuracy, color=QUIET, lw=1, ls="--" if sees else "-", zorder=1)
        for one in points:
            if one.kind in (GATE, FIXED):
                marker = "." if one.kind == GATE else "x"
                axes.plot(one.looks, 100 * one.accuracy.value, marker, color=QUIET, ms=6, zorder=2)
            elif one.kind == WHOLE:
                axes.axhline(100 * one.accuracy.value, color=QUIET, ls=":", lw=1.2, zorder=1)
                words = f"{one.method}: sees all {one.looks:.0f}"
                height = 100 * one.accuracy.value + 2
                axes.text(PICKS + 0.4, height, words, color=INK, fontsize=9, ha="right")
        for agent, style in line_styles(AGENTS).items():
            own = sorted((one for one in points if one.method == agent), key=lambda one: one.looks)
            if own:
                looks = [one.looks for one in own]
                value, *ends = 100 * np.array([astuple(one.accuracy) for one in own]).T
                errors, look = np.abs(np.array(ends) - value), {"label": agent, **vars(style)}
                axes.errorbar(looks, value, errors, capsize=3, lw=2, ms=7, zorder=3, **look)
        for marks, text in (
            ("-", "gate, fixed or random order, every threshold"),
            (".", "gate, threshold fitted on training videos"),
            ("--", "gate, the oracle's order (it knows the label)"),
            ("x", "evenly spaced frames"),
        ):
            axes.plot([], [], marks, color=QUIET, label=text)
        axes.set(xlabel="frames looked at, mean", ylabel="accuracy, %", xlim=(0.5, PICKS + 0.5))
        axes.set_ylim(0, 101)
        quiet_grid(axes)
        figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=2)


GLANCE = Study(
    "glance",
    "Accuracy against frames looked at",
    "Features are unknown until a frame is looked at, and each look has a price; gates' thresholds "
    "are fitted on the training videos at the same price",
    lines=(
        Line("all frames", ranking="all", frames=8),
        Line(CONTROL, frames=8, agents=(CONTROL,)),
        *(
            Line(f"{agent}, price {price:g}", frames=8, agents=(agent,), reward=_at(price))
            for agent, price in product(AGENTS, PRICES)
        ),
    ),
    agents=AGENTS,
    pairs=tuple(
        (f"{first}, price {price:g}", f"{second}, price {price:g}")
        for first, second in (("dqn-glance", "reinforce-glance"), ("dqn-glance", "ppo-glance"))
        for price in PRICES
    ),
    draw=write_front,
)
