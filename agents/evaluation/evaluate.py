"""evaluate: every ranking and every reference on one split, on equal terms."""

from collections.abc import Mapping, Sequence

import numpy as np

from agents.evaluation.choosing import Choice, choose_frames
from agents.evaluation.collecting import collect
from agents.evaluation.entries import (
    ALL,
    Entry,
    agent_entries,
    beside_free,
    reference_entries,
    reference_names,
    reference_predictors,
)
from agents.evaluation.evaluation import Evaluation
from agents.evaluation.intervals import Resamples
from agents.evaluation.judging import Frames, Judged, Request, judge
from agents.evaluation.rank_quality import average_precision, spearman
from agents.evaluation.regret import regrets
from agents.evaluation.rows import Row, make_figures, mean_rank_quality
from agents.evaluation.verdicts import Setting, Verdict
from agents.training.task import holdout
from baselines.cross_validation import labelled_rows
from frame_select_env.cache import FeatureCache
from frame_select_env.errors import FrameSelectError
from frame_select_env.ranking import Ranking


def evaluate(
    cache: FeatureCache,
    rankings: Mapping[str, Sequence[Ranking]],
    *,
    fold: str = "default",
    split: str = "test",
    train_split: str = "train",
    num_frames: int = 25,
    select: Sequence[int] = (4, 8, 12),
    alpha: float = 0.0,
    stream: str | None = None,
    validation: Mapping[str, Sequence[np.ndarray]] | None = None,
    references: bool | Sequence[str] = True,
    draws: int = 10,
    resamples: int = 2000,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Rank, keep the top m, average, compare with the label (AS Alg. 2), for every ranking.

    Args:
        cache: The cache.
        rankings: Row name -> its runs, say the agents of five seeds. References come by themselves;
            a ranking with the attribute `control` (say, an untrained agent) is one more of them.
        fold: The cache's fold.
        split: What is scored; videos without a label are left out.
        train_split: What `pooled` is fitted on, and where the default validation videos are from.
        num_frames: T.
        select: The m.
        alpha: Weight of the frames that are not selected (AS Eq. 10).
        stream: The stream, None for the only one.
        validation: Row name -> for each of its runs the rows in the cache that it was not fitted
            on; there it chooses m. None: `holdout(cache, fold, train_split, seed)` for all.
        references: True for every reference row, False for `all` alone, or their names.
        draws: How often `random` is drawn.
        resamples: Of the bootstrap.
        seed: Of the bootstrap, of the default validation videos and of the divisions of `pooled`.
        progress: Show progress bars on standard error.

    Raises:
        FrameSelectError: for bad arguments, or a ranking that breaks its promises.
    """
    setting = Setting(cache, fold, num_frames, alpha, stream)
    select = _checked(select, draws, resamples)
    names = reference_names(references, cache.task)
    agents = agent_entries(rankings, validation or {}, names)
    rows = labelled_rows(cache, split, fold)
    notes: list[str] = []
    if "pooled" in names and (split == train_split or train_split not in cache.splits(fold)):
        names.remove("pooled")
        notes.append("no row pooled: there is no training split apart from the scored one")
    entries = [*reference_entries(names, cache.task, draws), *agents]

    default = _default_validation(setting, train_split, seed)
    used = [own for entry in agents for own in entry.validation or ()]
    if not used and default is not None:
        used = [default]
    choices: dict[str, list[Choice]] = {entry.name: [] for entry in entries}
    if not used or any(np.isin(one, rows).any() for one in used):
        notes.append("no rows chosen: there are no validation videos apart from the scored ones")
    else:
        bar = "validation" if progress else ""
        choices = choose_frames(setting, entries, default, select, bar)

    turns = [(entry, run) for entry in entries for run in range(len(entry.runs))]
    requests: list[Request] = []
    for entry, run in turns:
        beside = beside_free(names, cache.task, draws, run, len(entry.runs))
        requests.append(entry.request(run, select, beside))
    predictors = reference_predictors(names, setting, train_split, seed)
    found = judge(setting, rows, requests, predictors, split if progress else "")

    runs: dict[str, list[Judged]] = {entry.name: [] for entry in entries}
    for (entry, _), judged in zip(turns, found.rankings, strict=True):
        runs[entry.name].append(judged)
    verdicts = {(ALL, ALL): Verdict.stack([found.all_frames])}
    for predictor, verdict in zip(predictors, found.predictors, strict=True):
        verdicts[predictor.name, ALL] = Verdict.stack([verdict])
    verdicts.update(collect(runs, choices, found.all_frames))
    scores = {
        name: np.stack([one.scores for one in judged if one.scores is not None])
        for name, judged in runs.items()
        if judged[0].scores is not None
    }
    group = None if cache.groups is None else cache.groups[rows]
    drawn = Resamples(len(rows), group, resamples, seed)
    chosen = {name: tuple(one.frames for one in made) for name, made in choices.items() if made}
    return Evaluation(
        setting=setting,
        split=split,
        rows=rows,
        label=cache.labels[rows],
        table=_table(setting, rows, entries, verdicts, scores, chosen, drawn),
        verdicts=verdicts,
        scores=scores,
        chosen=chosen,
        agents=tuple(entry.name for entry in agents if entry.agent),
        notes=tuple(notes),
        resamples=resamples,
    )


def _checked(select: Sequence[int], draws: int, resamples: int) -> list[int]:
    """The m, rising and each once."""
    if not len(select) or any(int(m) != m or m < 1 for m in select):
        raise FrameSelectError(f"select is {list(select)}; give numbers of frames, each at least 1")
    for name, value in (("draws", draws), ("resamples", resamples)):
        if value < 1:
            raise FrameSelectError(f"{name} is {value}; it must be at least 1")
    return sorted({int(m) for m in select})


def _default_validation(setting: Setting, train_split: str, seed: int) -> np.ndarray | None:
    """The videos that runs without their own choose m on; None if there is no training split."""
    if train_split not in setting.cache.splits(setting.fold):
        return None
    return holdout(setting.cache, setting.fold, train_split, seed)[1]


def _table(
    setting: Setting,
    rows: np.ndarray,
    entries: Sequence[Entry],
    verdicts: Mapping[tuple[str, str], Verdict],
    scores: Mapping[str, np.ndarray],
    chosen: Mapping[str, Sequence[Frames]],
    resamples: Resamples,
) -> tuple[Row, ...]:
    """The figures of every verdict, in the verdicts' order."""
    cache, every = setting.cache, verdicts[ALL, ALL]
    importance = None
    if "importance" in cache.frame_datasets:
        importance = cache.read_frames("importance", rows, setting.num_frames)
    valid, reference = every.selected[0], every.run(0)
    precision, correlation = (
        {name: mean_rank_quality(measure, runs, importance, valid) for name, runs in scores.items()}
        for measure in (average_precision, spearman)
    )
    regret = regrets(verdicts, chosen)
    kinds = {entry.name: entry.kind for entry in entries}
    beside = {(entry.name, "free") for entry in entries if not entry.agent}
    return tuple(
        Row(
            ranking=name,
            frames=frames,
            figures=make_figures(verdict, reference, cache.labels[rows], resamples),
            mean_frames=float(verdict.frames.mean()),
            runs=len(verdict.error),
            # A reference's row `free` is of draws of its own.
            average_precision=None if (name, frames) in beside else precision.get(name),
            kind=kinds.get(name, "reference"),
            spearman=None if (name, frames) in beside else correlation.get(name),
            regret=regret.get((name, frames)),
        )
        for (name, frames), verdict in verdicts.items()
    )
