"""Controls for Glance without reinforcement learning: a fixed order, and a gate that answers.

The gate is a threshold on how sure the mean prediction of the frames looked at is. Its rule is that
of Ghodrati, Bejnordi and Habibian, "FrameExit: Conditional Early Exiting for Efficient Video
Recognition", CVPR 2021, whose gates are learnt.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple, get_args

import numpy as np

from baselines.formulas import RandomFrames
from frame_select_env.cache import Clips
from frame_select_env.consensus import consensus, entropy, is_correct
from frame_select_env.errors import FrameSelectError, known
from frame_select_env.ranking import Ranking

PICKS = 12  # the most looks, as in FrameSelect/Glance-v0
THRESHOLD = 0.8  # of the gates of the registry
THRESHOLDS = 50  # that a fit tries

Measure = Literal["confidence", "entropy"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
# How sure probabilities [..., C] are, [...]: the more, the higher.
SURE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "confidence": lambda p: p.max(axis=-1),
    "entropy": lambda p: -entropy(p),
}


class Front(NamedTuple):
    """One point of accuracy against looks."""

    threshold: float
    accuracy: float  # of the answers, 0 to 1
    looks: float  # mean number of frames looked at


class CoarseToFine:
    """Each next frame is the one farthest in time from all before it; the first is the middle one.

    Ties go to the earlier frame. Of five frames the order is 2, 0, 4, 1, 3. It depends on the
    number of valid frames alone.
    """

    name = "coarse-to-fine"

    def scores(self, clips: Clips) -> np.ndarray:
        """T for the first frame, T - 1 for the second, and so on, [B, T]; -inf at padding."""
        frames = clips.valid.shape[1]
        scores = np.full(clips.valid.shape, -np.inf)
        for length in np.unique(clips.valid.sum(axis=1)):
            order, place = [int(length - 1) // 2], np.arange(length)
            for _ in range(1, length):
                order.append(int(np.abs(place[:, None] - order).min(axis=1).argmax()))
            rank = np.empty(length)
            rank[order] = frames - np.arange(length)
            scores[np.ix_(clips.valid.sum(axis=1) == length, place)] = rank
        return scores


def sureness(
    clips: Clips, order: np.ndarray, measure: Measure = "confidence", picks: int = PICKS
) -> tuple[np.ndarray, np.ndarray]:
    """How sure the mean prediction is after each look.

    Args:
        clips: B videos.
        order: Scores [B, T]; the highest one is looked at first, padding never.
        measure: "confidence", the probability of the most probable class, or "entropy", minus it.
        picks: The most looks.

    Returns:
        The frames in the order of looking [B, T], and the measure after look 1, 2, ..., [B, k] for
        k = min(picks, T); inf from a video's last look on, so that every gate answers there.
    """
    if measure not in SURE:
        raise FrameSelectError(known("measure", measure, SURE))
    if picks < 1:
        raise FrameSelectError(f"picks={picks}: must be at least 1")
    frame = np.argsort(-np.where(clips.valid, order, -np.inf), axis=1, kind="stable")
    steps = np.arange(1, min(picks, frame.shape[1]) + 1)
    first = np.take_along_axis(clips.predictions, frame[:, : len(steps), None], axis=1)
    mean = first.astype(np.float64).cumsum(axis=1) / steps[:, None]
    last = np.minimum(clips.valid.sum(axis=1, keepdims=True), len(steps))
    return frame, np.where(steps >= last, np.inf, SURE[measure](mean))


def look(frame: np.ndarray, sure: np.ndarray, threshold: float) -> np.ndarray:
    """The frames looked at until the measure first reaches the threshold, [B, T] bool."""
    count = (sure >= threshold).argmax(axis=1) + 1
    looked = np.zeros(frame.shape, bool)
    np.put_along_axis(looked, frame, np.arange(frame.shape[1]) < count[:, None], axis=1)
    return looked


def accuracy_and_looks(clips: Clips, label: np.ndarray, looked: np.ndarray) -> tuple[float, float]:
    """The accuracy of the mean predictions of the frames `looked` [B, T], and their mean number."""
    p1 = consensus(clips.predictions, looked, clips.valid)
    return float(is_correct(p1, label).mean()), float((looked & clips.valid).sum(axis=1).mean())


def front(
    clips: Clips,
    label: np.ndarray,
    order: np.ndarray,
    measure: Measure = "confidence",
    picks: int = PICKS,
) -> list[Front]:
    """Accuracy against looks for thresholds at equal steps of the measure's distribution.

    The first answers after one look, the last makes all looks.
    """
    frame, sure = sureness(clips, order, measure, picks)
    finite = sure[np.isfinite(sure)]
    steps = np.linspace(0, 1, THRESHOLDS)
    tried = [-np.inf, *(np.unique(np.quantile(finite, steps)) if len(finite) else ()), np.inf]
    return [
        Front(float(one), *accuracy_and_looks(clips, label, look(frame, sure, one)))
        for one in tried
    ]


def fit_threshold(
    clips: Clips,
    label: np.ndarray,
    order: np.ndarray,
    measure: Measure = "confidence",
    price: float = 0.01,
    picks: int = PICKS,
) -> float:
    """The threshold with the best accuracy minus `price` per look; the highest of equal ones."""
    points = front(clips, label, order, measure, picks)
    return max(points, key=lambda one: (one.accuracy - price * one.looks, one.threshold)).threshold


@dataclass(frozen=True)
class Gate:
    """Looks at frames in a fixed order until the mean prediction is sure enough.

    Scores are those of the order for the frames looked at, and lower ones, in the same order, for
    the others; the free choice is the frames looked at. Neither reads any other frame.
    """

    name: str
    order: Ranking  # must read neither features nor predictions
    threshold: float = THRESHOLD  # of the measure, whose higher values are surer
    measure: Measure = "confidence"
    picks: int = PICKS

    tasks = ("classification",)

    def scores(self, clips: Clips) -> np.ndarray:
        """The order of looking, [B, T] float64, -inf at padding."""
        frames = clips.valid.shape[1]
        rank = self.order.scores(clips).argsort(axis=1, kind="stable").argsort(axis=1)
        return np.where(clips.valid, rank + np.where(self.select(clips), frames, 0.0), -np.inf)

    def select(self, clips: Clips) -> np.ndarray:
        """The frames looked at, [B, T] bool."""
        found = sureness(clips, self.order.scores(clips), self.measure, self.picks)
        return look(*found, self.threshold)


def fitted_gates(
    clips: Clips,
    label: np.ndarray,
    orders: Iterable[Ranking],
    price: float,
    measures: Sequence[Measure] = MEASURES,
) -> list[Gate]:
    """A gate for each order with each measure, its threshold fitted at the price of a look.

    Args:
        clips: B videos, the training ones.
        label: [B] int64, their classes.
        orders: What ranks the frames in the order of looking.
        price: What a look costs, in accuracy.
        measures: What a gate compares with its threshold.
    """
    gates = []
    for order, measure in product(orders, measures):
        threshold = fit_threshold(clips, label, order.scores(clips), measure, price)
        gates.append(Gate(f"{order.name}, {measure} gate", order, threshold, measure))
    return gates


def frame_exit(seed: int) -> Gate:
    """The gate on coarse-to-fine order; the seed is not used."""
    return Gate("frame-exit", CoarseToFine())


def random_exit(seed: int) -> Gate:
    """The same gate on a random order."""
    return Gate("random-exit", RandomFrames(seed))
