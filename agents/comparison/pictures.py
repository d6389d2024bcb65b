"""All pictures of a comparison, with a line below each that says how to read it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.comparison.board import Board, headline, labels_of
from agents.comparison.forests import plot_gains, plot_pairs
from agents.comparison.frames_picture import plot_frames
from agents.comparison.learning_picture import plot_learning
from agents.comparison.looks import BANDS
from agents.comparison.sections import pair_groups
from agents.comparison.videos_picture import AGENTS, drawn_frames, plot_videos

LISTED = 12  # labels of which all pairs can be drawn below one another


@dataclass(frozen=True)
class Picture:
    """A picture that was written.

    Attributes:
        path: The file. kind: "gains", "pairs", "frames", "learning" or "videos".
        board: Whose, None for all.
        title: What it shows. caption: How to read it.
    """

    path: Path
    kind: str
    board: Board | None
    title: str
    caption: str


def write_pictures(folder: str | Path, boards: Sequence[Board]) -> list[Path]:
    """Draw all pictures as PNG files into a folder.

    Raises:
        FrameSelectError: if the folder does not exist or cannot be written to.
    """
    return [one.path for one in draw_pictures(folder, boards)]


def draw_pictures(folder: str | Path, boards: Sequence[Board]) -> list[Picture]:
    """Draw all pictures as PNG files into a folder; those of all boards come first.

    Raises:
        FrameSelectError: if the folder does not exist or cannot be written to.
    """
    folder = Path(folder)
    return [*_shared(folder, boards), *_own(folder, boards)]


def slugs(boards: Sequence[Board]) -> list[str]:
    """A name for files of every board, no two alike: letters, digits, dots and dashes."""
    plain = [re.sub(r"[^A-Za-z0-9.]+", "-", board.title).strip("-.") for board in boards]
    return [
        f"{name}-{place + 1}" if plain.count(name) > 1 or not name else name
        for place, name in enumerate(plain)
    ]


def _shared(folder: Path, boards: Sequence[Board]) -> list[Picture]:
    gains = folder / "gains.png"
    plot_gains(gains, boards)
    at = ", ".join(dict.fromkeys(headline([board], board.runs) for board in boards))
    made = [
        Picture(
            gains,
            "gains",
            None,
            "Gain over keeping all frames",
            f"At {_words(at)}, with 95 % intervals; right of the line selection helps. "
            "References in grey.",
        )
    ]
    if len(labels_of(boards)) > LISTED:
        return made
    groups = pair_groups(boards)
    if groups:
        plot_pairs(folder / "pairs.png", groups)
        caption = (
            f"At {_words(at)}: right of the line the first is better, with 95 % intervals; blue "
            "where the interval leaves zero out. Seeds and videos are paired."
        )
        made.append(Picture(folder / "pairs.png", "pairs", None, "Every two agents", caption))
    return made


def _own(folder: Path, boards: Sequence[Board]) -> list[Picture]:
    made = []
    for board, slug in zip(boards, slugs(boards), strict=True):
        path = folder / f"frames-{slug}.png"
        plot_frames(path, board)
        few = len(board.runs) <= BANDS
        caption = "Each agent's mean over seeds on test videos; references in grey."
        caption += " Bands are 95 % intervals." if few else ""
        made.append(Picture(path, "frames", board, "Score against frames kept", caption))
        path = folder / f"learning-{slug}.png"
        if plot_learning(path, board):
            caption = (
                "Validation score, mean over seeds"
                + ("; the band spans the lowest to the highest seed. " if few else ". ")
                + "A dotted level is the last value of an agent that scores no episode. Seconds "
                "hang on the machine and on what else it did."
            )
            made.append(Picture(path, "learning", board, "Learning", caption))
        path = folder / f"videos-{slug}.png"
        if plot_videos(path, board):
            made.append(
                Picture(path, "videos", board, "The same videos, every agent", _strips(board))
            )
    return made


def _strips(board: Board) -> str:
    have = board.evaluation.setting.cache.frame_datasets
    matters = " Frames underlined in blue truly matter." if "importance" in have else ""
    left_out = f" The first {AGENTS} of {len(board.runs)}." if len(board.runs) > AGENTS else ""
    return (
        "Videos that the agents put right on average, then such that they got wrong. A cell is "
        "the darker the more important its frame is to the agent's first run (white to full: the "
        "video's least to most important; plain where importance hangs on what was kept before); "
        f"framed cells are the {_words(drawn_frames(board))} kept.{matters}{left_out}"
    )


def _words(frames: str) -> str:
    return f"{frames} frames" if frames.isdigit() else f"`{frames}`"
