"""The pictures of a comparison, each with a caption, and TensorBoard's hyper-parameter page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from agents.comparison.results import (
    AGREEING,
    UNITS,
    DataSetResults,
    common_frames,
    headline,
    labels_of,
)
from agents.comparison.statistics import Comparison
from agents.pictures.comparison import plot_gains, plot_learning, plot_pairs
from agents.pictures.curves import plot_curves
from agents.pictures.profiles import CAPTION, ProfilePanel, plot_profiles
from agents.pictures.strips import MOST, plot_strips
from agents.pictures.style import BANDS
from frame_select_env.storage import writing
from frame_select_env.versions import versions

# The name of a score by what is scored, and the sign that makes it that.
MEASURES = {"classification": ("accuracy", 1), "regression": ("mae", -1), AGREEING: ("tau", 1)}

LISTED = 12  # labels of which all pairs can be drawn below one another


@dataclass(frozen=True)
class Picture:
    """A picture that was written, with a title and a caption that says how to read it."""

    path: Path
    kind: str  # "gains", "profiles", "pairs", "frames", "learning" or "videos"
    data_set: DataSetResults | None  # None for a picture of all data sets
    title: str
    caption: str


def draw_pictures(folder: str | Path, comparison: Comparison) -> list[Picture]:
    """Draw all pictures as PNG files into a folder; those of all data sets come first."""
    folder, data_sets = Path(folder), comparison.data_sets
    pictures = _draw_shared(folder, comparison)
    for one, slug in zip(data_sets, slugs(data_sets), strict=True):
        pictures += _draw_data_set(folder, one, slug)
    return pictures


def slugs(data_sets: Sequence[DataSetResults]) -> list[str]:
    """A distinct name for the files of every data set: letters, digits, dots and dashes."""
    plain = [re.sub(r"[^A-Za-z0-9.]+", "-", one.title).strip("-.") for one in data_sets]
    return [
        f"{name}-{index + 1}" if plain.count(name) > 1 or not name else name
        for index, name in enumerate(plain)
    ]


def write_hparams(folder: str | Path, data_sets: Sequence[DataSetResults]) -> list[Path]:
    """Write the settings and the score of every run for TensorBoard's tab HPARAMS.

    The score is that on the test split, at the row to report first. Every run gets a folder, which
    are returned; events of an earlier call are replaced.
    """
    written: list[Path] = []
    plain = bool | int | float | str
    for number, one in enumerate(data_sets, start=1):
        at = headline([one], one.runs)
        for label, runs in one.runs.items():
            measure, sign = MEASURES[one.task]
            scores = sign * one.score(label, at).mean(axis=1)
            for run, score in zip(runs, scores.tolist(), strict=True):
                spec = run.spec
                name = re.sub(r"[^A-Za-z0-9.=_-]+", "-", f"{one.title}-{label}-{spec.seed}")
                # The numbers tell apart names that differed in removed characters only.
                own = Path(folder) / f"{number}.{len(written) + 1}-{name}"
                for events in own.glob("events.out.*"):
                    events.unlink()
                settings: dict[str, Any] = {**one.where.columns(), "label": label}
                settings |= {"agent": spec.agent, "reward": spec.reward}
                settings |= {"m": spec.target_frames, "seed": spec.seed}
                settings |= {**run.hyper, **versions()}
                settings = {
                    name: value if isinstance(value, plain) else str(value)
                    for name, value in settings.items()
                }
                counts = ("episodes", "timesteps", "seconds")
                spent = {f"train/{name}": float(getattr(run, name)) for name in counts}
                with writing(own), SummaryWriter(str(own)) as writer:
                    tested = {f"test/{measure}": score}
                    writer.add_hparams(settings, tested | spent, run_name=".")
                written.append(own)
    return written


def _draw_shared(folder: Path, comparison: Comparison) -> list[Picture]:
    data_sets = comparison.data_sets
    rows = dict.fromkeys(headline([one], one.runs) for one in data_sets)
    at = ", ".join(_words(frames) for frames in rows)
    gains, pairs, profiles = (folder / f"{name}.png" for name in ("gains", "pairs", "profiles"))
    plot_gains(gains, data_sets)
    text = f"At {at}, with 95 % intervals; right of the line selection helps. References in grey."
    rated = {one.task for one in data_sets} == {AGREEING}
    over = "random scores" if rated else "keeping all frames"
    pictures = [Picture(gains, "gains", None, f"Gain over {over}", text)]
    if comparison.profiles:
        plot_profiles(profiles, profile_panels(comparison))
        text = f"At {at}. {CAPTION}"
        if any(one.normalised for one in comparison.profiles):
            text += " Scores are 0 for keeping all frames and 1 for the key frames, or the oracle."
        if len(labels_of(data_sets)) <= BANDS:
            text += " Bands are 95 % intervals."
        pictures.append(Picture(profiles, "profiles", None, "Performance profiles", text))
    groups = comparison.headline_pairs()
    if groups and len(labels_of(data_sets)) <= LISTED:
        plot_pairs(pairs, groups)
        text = (
            f"At {at}: right of the line the first is better, with 95 % intervals; blue where the "
            "interval excludes zero. Seeds and videos are paired."
        )
        pictures.append(Picture(pairs, "pairs", None, "Every two agents", text))
    return pictures


def profile_panels(comparison: Comparison) -> list[ProfilePanel]:
    """A panel per task that has profiles: of gains on a single data set, of scores on several."""
    panels = []
    for one in comparison.profiles:
        if one.normalised:
            title = f"{one.task}, {one.data_sets} data set{'s' if one.data_sets > 1 else ''}"
            panels.append(ProfilePanel(title, "normalised score", one.by_label, (0, 1)))
        else:
            (alone,) = (own.title for own in comparison.data_sets if own.task == one.task)
            scale = 100.0 if one.task == "classification" else 1.0
            label = f"gain, {UNITS[one.task]}"
            panels.append(ProfilePanel(alone, label, one.by_label, (0,), scale))
    return panels


def _draw_data_set(folder: Path, data_set: DataSetResults, slug: str) -> list[Picture]:
    files = {kind: folder / f"{kind}-{slug}.png" for kind in ("frames", "learning", "videos")}
    labels = list(data_set.runs)
    frames = common_frames([data_set], labels)  # the same for all, so that they can be compared
    few = len(labels) <= BANDS
    pictures = []
    if data_set.task != AGREEING:  # whose scores are of rankings, whatever they keep
        plot_curves(files["frames"], data_set.evaluation)
        caption = "Each agent's mean over seeds on test videos; references in grey."
        caption += " Bands are 95 % intervals." if few else ""
        title = "Score against frames kept"
        pictures.append(Picture(files["frames"], "frames", data_set, title, caption))
    # Runs on several streams were trained one by one, and their curves are those of each stream.
    if len(data_set.where.streams) == 1 and plot_learning(files["learning"], data_set):
        caption = (
            "Validation score, mean over seeds"
            + ("; the band spans the lowest to the highest seed. " if few else ". ")
            + "A dotted line is the last value of an agent that scores no episodes. Seconds depend "
            "on the machine and its load."
        )
        pictures.append(Picture(files["learning"], "learning", data_set, "Learning", caption))
    if plot_strips(files["videos"], data_set.evaluation, labels, frames):
        known = "importance" in data_set.evaluation.settings.cache.frame_datasets
        caption = (
            "Videos that the agents put right on average, then videos that they got wrong. The "
            "darker a cell, the more important its frame is to the agent's first run (white to "
            "full: the video's least to most important; plain where importance depends on the "
            f"frames kept before); cells with a border are the {_words(frames)} kept."
            + (" Frames underlined in blue truly matter." if known else "")
            + (f" The first {MOST} of {len(labels)}." if len(labels) > MOST else "")
        )
        title = "The same videos, every agent"
        pictures.append(Picture(files["videos"], "videos", data_set, title, caption))
    return pictures


def _words(frames: str) -> str:
    return f"{frames} frames" if frames.isdigit() else f"`{frames}`"
