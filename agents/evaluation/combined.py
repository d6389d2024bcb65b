"""Rankings made of others: one for each stream, or the mean of several runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from frame_select_env import Clips, Ranking


@dataclass(frozen=True)
class Fused:
    """A ranking of several streams: a ranking of each, in the order of the settings' streams."""

    name: str
    rankings: tuple[Any, ...]

    def without(self, rows: np.ndarray) -> "Fused":
        """The same, of rankings that were fitted without the videos in `rows`."""
        return Fused(self.name, tuple(fitted_without(one, rows) for one in self.rankings))

    @property
    def control(self) -> bool:
        """Whether tables list it among the references."""
        return any(getattr(one, "control", False) for one in self.rankings)


def parts_of(ranking: Any, streams: int) -> Sequence[Any]:
    """The ranking of each stream: its own, or the same for all."""
    if isinstance(ranking, Fused):
        return ranking.rankings
    return [ranking] * streams


def fitted_without(ranking: Any, rows: np.ndarray) -> Any:
    """The ranking; one that was fitted on videos in `rows`, fitted without them if it can be."""
    return ranking.without(rows) if hasattr(ranking, "without") else ranking


def has_free_choice(ranking: Any) -> bool:
    """Whether a ranking has a choice of its own, besides scores."""
    every = ranking.rankings if isinstance(ranking, Fused) else (ranking,)
    return all(hasattr(one, "select") for one in every)


ENSEMBLE = " ensemble"  # after an agent's name: the row of its runs' ensemble


class Ensemble:
    """The mean of several runs' scores, each standardised over the frames of a video.

    Args:
        name: Its name in tables.
        members: The runs' rankings.
        held_out: The validation videos of each, on which the others may have been trained.
    """

    def __init__(
        self, name: str, members: Sequence[Ranking], held_out: Sequence[np.ndarray]
    ) -> None:
        self.name, self._members, self._held_out = name, members, held_out

    def scores(self, clips: Clips) -> np.ndarray:
        """The mean standardised score, [B, T] float64, -inf at padding."""
        total = np.zeros(clips.valid.shape)
        count = clips.valid.sum(axis=1, keepdims=True)
        for member in self._members:
            scores = np.where(clips.valid, member.scores(clips), 0.0).astype(np.float64)
            centred = np.where(clips.valid, scores - scores.sum(axis=1, keepdims=True) / count, 0.0)
            spread = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
            total += centred / np.where(spread > 0, spread, 1.0)
        return np.where(clips.valid, total / len(self._members), -np.inf)

    def without(self, rows: np.ndarray) -> "Ensemble":
        """The members that held out exactly the videos in `rows`, to choose m there.

        Where none did, it is all of them.
        """
        pairs = zip(self._members, self._held_out, strict=True)
        left = [(one, held) for one, held in pairs if np.array_equal(held, rows)]
        return Ensemble(self.name, *map(list, zip(*left, strict=True))) if left else self
