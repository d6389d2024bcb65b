"""Where an agent looks in some videos: attention.csv, and curves and object weights as figure.png.

As in Figure 4 of Qiu, He and Wang (ICME 2020): a curve is the attention over time, and the darker
an object of a frame, the larger its weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.evaluation.files import write_csv
from agents.reproduction.study import Measured
from agents.training.load import load_run
from frame_select_env.cache import frame_index
from frame_select_env.key_frames import key_frames

VIDEOS = 4  # of a line
COLUMNS = ("line", "agent", "id", "label", "predicted", "frame", "seconds", "weight", "objects")


@dataclass(frozen=True)
class Look:
    """Where an agent looks in a video of L frames."""

    title: str
    time: np.ndarray  # [L] float, the weight of each frame
    objects: np.ndarray | None  # [L, K], the weight of each object of each frame
    key: np.ndarray | None  # [L] bool, the frames that truly matter, if that is known


def draw_attention(out: Path, measured: Sequence[Measured]) -> list[str]:
    """Draw the first test video of each class that the first run gets right, at most four a line.

    Where it gets fewer right, the first others follow. Returns the names of the files.
    """
    looks: list[Look] = []
    rows: list[dict[str, object]] = []
    for one in measured:
        if one.label and (one.row, "all") in one.results[0].evaluation.results:
            for look, own in _looks(one):
                looks.append(look)
                rows += own
    write_csv(out / "attention.csv", COLUMNS, rows)
    if looks:
        _draw(out / "figure.png", looks)
    return ["attention.csv", *(["figure.png"] if looks else [])]


def _looks(one: Measured) -> list[tuple[Look, list[dict[str, object]]]]:
    """The looks at a line's videos, with the rows of the file."""
    where, evaluation = one.results[0].where, one.results[0].evaluation
    cache, settings = evaluation.settings.cache, evaluation.settings
    told = evaluation.results[one.row, "all"].predicted[0]
    chosen = telling(evaluation.label, told)
    video = evaluation.rows[chosen]
    clips = cache.read(video, settings.num_frames, where.fold, settings.streams[0])
    agent = load_run(one.results[0].runs[one.label][0].folder, cache, trust_code=True).agent
    weights = agent.scores(clips)
    objects = agent.object_attention(clips) if hasattr(agent, "object_attention") else None
    truth = None
    if "importance" in cache.frame_datasets:
        importance = cache.read_frames("importance", video, settings.num_frames)
        truth = key_frames(importance, clips.valid)
    numbers = frame_index(cache.lengths[video], settings.num_frames)[0]
    found = []
    for place, row in enumerate(video):
        there = clips.valid[place]
        own = None if objects is None or not objects.shape[2] else objects[place][there]
        names = [cache.classes[int(label)] for label in (cache.labels[row], told[chosen[place]])]
        identity = {"line": one.line.label, "agent": one.agent, "id": str(cache.ids[row])}
        identity |= {"label": names[0], "predicted": names[1]}
        look = Look(
            f"{cache.ids[row]}: {names[0]}, predicted {names[1]}",
            weights[place][there],
            own,
            None if truth is None else truth[place][there],
        )
        cells: list[dict[str, object]] = [
            {
                **identity,
                "frame": numbers[place, t],
                "seconds": f"{clips.time[place, t]:.6g}",
                "weight": f"{look.time[t]:.6f}",
                "objects": "" if own is None else " ".join(f"{weight:.4f}" for weight in own[t]),
            }
            for t in range(len(look.time))
        ]
        found.append((look, cells))
    return found


def telling(label: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The videos to draw, at most four places in label [n]: the first right one of each class.

    If there are fewer the first others follow.
    """
    right = np.flatnonzero(label == predicted)
    first = right[np.unique(label[right], return_index=True)[1]]
    rest = np.setdiff1d(np.arange(len(label)), first)
    return np.concatenate([np.sort(first), rest])[:VIDEOS]


def _draw(path: Path, looks: Sequence[Look]) -> None:
    from agents.pictures.style import COLOURS, PALE, picture, plain  # Matplotlib is slow to import

    heights = [1.0 + (0 if one.objects is None else 0.12 * one.objects.shape[1]) for one in looks]
    with picture(path, 7.0, 0.4 + sum(height + 0.6 for height in heights)) as canvas:
        for part, one in zip(
            canvas.subfigures(len(looks), 1, squeeze=False, height_ratios=heights)[:, 0],
            looks,
            strict=True,
        ):
            parts = 1 if one.objects is None else 2
            ratios = [1.0] if one.objects is None else [1.0, 0.12 * one.objects.shape[1]]
            every = part.subplots(parts, 1, squeeze=False, sharex=True, height_ratios=ratios)[:, 0]
            every[0].set_title(plain(one.title), fontsize=9)
            frames = np.arange(len(one.time))
            if one.key is not None:
                top = one.time.max()
                every[0].bar(frames, one.key * top, width=1.0, color=PALE)
            every[0].plot(frames, one.time, color=COLOURS[1], lw=1.6)
            every[0].axhline(1 / len(frames), color=COLOURS[0], lw=0.8, ls=":")
            every[0].set_ylim(0)
            every[0].set_ylabel("weight", fontsize=8)
            if one.objects is not None:
                every[1].imshow(one.objects.T, cmap="Greens", vmin=0, aspect="auto")
                every[1].set_yticks([0, one.objects.shape[1] - 1], ["1", one.objects.shape[1]])
                every[1].set_ylabel("object", fontsize=8)
