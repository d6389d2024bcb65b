"""evaluation.html: the verdict, its table, and every test video with the frames that were kept."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.evaluation.files import class_name
from agents.evaluation.references import RANDOM
from agents.evaluation.result import F_SCORE, TAU, Evaluation, Verdict
from agents.evaluation.scoring import VideoResults
from agents.evaluation.tables import (
    brief_notes,
    evaluation_title,
    result_tables,
    table_notes,
)
from baselines.splits import row_batches
from frame_select_env.storage import write_whole
from frame_select_env.wording import counted

ABOVE, BELOW = "0, 114, 178", "213, 94, 0"  # of zero: blue and vermilion
STRONGEST = 0.45  # opacity of a shade at which text is legible on light and dark
SHOWN = 12  # frames of a video, evenly spaced among those that were kept
TILE = 96  # pixels: the longer side of a thumbnail in the page, at most
# What became of a video, by its error under all frames and under the kept ones.
RESCUED, BROKEN, SAME = "rescued", "broken", ("still right", "still wrong")
NEARER, FARTHER, UNCHANGED = "nearer", "farther", "unchanged"  # of a regression
ABOVE_RANDOM, BELOW_RANDOM = "above random", "below random"  # by tau with raters


@dataclass(frozen=True)
class ShownFrame:
    """A kept frame in the page."""

    # "1.20 s" and "frame 36", of the source video, as far as the cache knows them; if it knows
    # neither, its place among the frames in the cache
    place: list[str]
    picture: str  # a data URI; empty in a cache without thumbnails


@dataclass(frozen=True)
class ShownVideo:
    """A test video in the page."""

    id: str
    label: str
    outcome: str
    before: str  # what all frames answer; of raters alone, their tau with random scores
    after: str  # what the kept frames answer; their tau with the agent's scores
    frames: list[ShownFrame]


def page_environment(folder: Path) -> Environment:
    """Jinja for the templates in a folder and those that pages share; autoescaping."""
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tint"] = _tint
    return environment


def write_page(path: str | Path, evaluation: Evaluation) -> None:
    """Write an evaluation that has a verdict as one page, with nothing to load.

    Videos are shown as the best agent's first run answers them at its headline.
    """
    made = evaluation.verdict
    assert made is not None
    videos = list(shown_videos(evaluation, made))
    environment = page_environment(Path(__file__).parent)
    text = environment.get_template("evaluation.html.jinja").render(
        title=evaluation_title(evaluation),
        verdict=made,
        headline=evaluation.headline(made.agent),
        runs=len(evaluation.results[made.agent, evaluation.headline(made.agent)].error),
        brief=result_tables(evaluation, full=False).values(),
        brief_notes=brief_notes(evaluation),
        whole=result_tables(evaluation, full=True).values(),
        notes=table_notes(evaluation),
        videos=videos,
        outcomes=list(dict.fromkeys(one.outcome for one in videos if one.outcome)),
        labels=_labels(evaluation, videos),
        what=_what(evaluation),
        most=SHOWN,
    )
    write_whole(path, text)


def shown_videos(evaluation: Evaluation, made: Verdict) -> Iterator[ShownVideo]:
    """Every test video, in the order of the cache."""
    cache, settings = evaluation.settings.cache, evaluation.settings
    after = evaluation.results[made.agent, evaluation.headline(made.agent)].run(0)
    before = evaluation.results["all", "all"].run(0)
    ids, first = cache.ids, 0
    for rows in row_batches(evaluation.rows):
        read = partial(cache.read_frames, rows=rows, num_frames=settings.num_frames)
        time = read("time")
        tiles = read("thumbnail") if "thumbnail" in cache.frame_datasets else None
        numbers = read("number") if "number" in cache.frame_datasets else None
        kept = after.kept[first : first + len(rows)]
        for index, row in enumerate(rows):
            video = first + index
            count = int(kept[index].sum())
            frames = counted(count, "frame")
            if evaluation.rated_alone:
                outcome, *told = _rated(evaluation, made.agent, video)
            elif cache.single_class:
                outcome, *told = "", "", frames
            else:
                outcome, *told = (
                    _outcome(evaluation, before.error[video], after.error[video]),
                    f"all frames: {_answer(evaluation, before, video)}",
                    f"{frames}: {_answer(evaluation, after, video)}",
                )
            label = "" if cache.single_class else class_name(evaluation, evaluation.label[video])
            yield ShownVideo(
                id=str(ids[row]),
                label=label,
                outcome=outcome,
                before=told[0],
                after=told[1],
                frames=[
                    ShownFrame(
                        place(
                            "time" in cache.frame_datasets,
                            time[index, t],
                            None if numbers is None else numbers[index, t],
                        ),
                        "" if tiles is None else _picture(tiles[index, t]),
                    )
                    for t in _some(np.flatnonzero(kept[index]))
                ],
            )
        first += len(rows)


def _what(evaluation: Evaluation) -> str:
    """What the page shows of every video, before "that AGENT keeps"."""
    if evaluation.rated_alone:
        return "How random scores and the agent's agree with the raters, and the frames"
    if evaluation.settings.cache.single_class:
        return "The frames"
    return "What all frames answer, and what the frames answer"


def _rated(evaluation: Evaluation, agent: str, video: int) -> tuple[str, str, str]:
    """A video's outcome by raters, and their agreement with random scores and its first run's."""
    texts, taus = [], []
    for name, runs in ((RANDOM, None), (agent, 1)):
        found = evaluation.agreement.get(name)
        values = {} if found is None else found.values
        mean = {measure: own[:runs, video].mean() for measure, own in values.items()}
        f_score = f", F {100 * mean[F_SCORE]:.1f} %" if F_SCORE in mean else ""
        taus.append(mean.get(TAU, 0.0))
        texts.append(f"{name}: tau {taus[-1]:z.2f}{f_score}")
    return ABOVE_RANDOM if taus[1] > taus[0] else BELOW_RANDOM, texts[0], texts[1]


def _labels(evaluation: Evaluation, videos: Sequence[ShownVideo]) -> list[str]:
    """The labels to filter by; none of a regression, or where there are none."""
    if evaluation.task == "regression":
        return []
    return sorted({one.label for one in videos if one.label})


def _some(frames: np.ndarray) -> np.ndarray:
    """At most `SHOWN` of the frames, evenly spaced."""
    if len(frames) <= SHOWN:
        return frames
    return frames[np.linspace(0, len(frames) - 1, SHOWN).round().astype(int)]


def place(timed: bool, time: float, number: int | None) -> list[str]:
    """Where a frame is: its time, which without times is its place in the cache, and number."""
    known = [f"{time:.2f} s"] if timed else []
    known += [] if number is None else [f"frame {number}"]
    return known or [f"frame {time:.0f}"]


def _outcome(evaluation: Evaluation, before: float, after: float) -> str:
    if evaluation.task == "regression":
        return UNCHANGED if after == before else NEARER if after < before else FARTHER
    if before == after:
        return SAME[int(after)]
    return RESCUED if after < before else BROKEN


def _answer(evaluation: Evaluation, results: VideoResults, video: int) -> str:
    name = class_name(evaluation, results.predicted[video]) or "nothing"
    if evaluation.task == "regression":
        return f"{name} (error {results.error[video]:.3g})"
    return f"{name} ({100 * results.true_probability[video]:.0f} % for the true class)"


def _picture(tile: np.ndarray) -> str:
    """A thumbnail [h, w(, 3)] uint8 as a data URI."""
    from PIL import Image  # takes long to import

    image = Image.fromarray(tile)
    image.thumbnail((TILE, TILE))
    kind = "jpeg" if image.mode == "RGB" else "png"
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"quality": 80} if kind == "jpeg" else {}))
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _tint(shade: float) -> str:
    """A CSS colour for -1 to 1."""
    return f"rgba({ABOVE if shade > 0 else BELOW}, {STRONGEST * min(abs(shade), 1.0):.2f})"
