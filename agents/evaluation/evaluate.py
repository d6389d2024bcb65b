"""evaluate: every ranking and every reference on one split, on equal terms.

m, the number of frames to keep, is chosen on validation videos alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from agents.evaluation.choosing import (
    BESIDE,
    FRAMES,
    WORDS,
    ChoiceRule,
    Choices,
    check_rule,
    choose,
    few_videos_note,
)
from agents.evaluation.combined import has_free_choice
from agents.evaluation.intervals import resampled_groups
from agents.evaluation.level import level_notes
from agents.evaluation.paid import paid
from agents.evaluation.rater_verdict import rater_verdict
from agents.evaluation.raters import rater_agreement
from agents.evaluation.references import (
    ALL,
    CHOSEN,
    FITTED,
    FREE,
    USE_POOLED,
    agent_runs,
    fitted_runs,
    label_free_names,
    matched_references,
    reference_names,
    reference_runs,
    single_view,
)
from agents.evaluation.result import Evaluation
from agents.evaluation.rows import table_rows
from agents.evaluation.scoring import (
    EvaluationSettings,
    PredictorRun,
    RankingResults,
    ScoringRequest,
    VideoResults,
    ViewScheme,
    score_videos,
)
from agents.evaluation.verdict import one_class_warning, verdict
from baselines import AllLogits, Pooled, PooledAndAll
from frame_select_env import FeatureCache, FrameSelectError, Ranking
from frame_select_env.cache import View
from frame_select_env.consensus import MEAN
from frame_select_env.splits import labelled_rows
from frame_select_env.validation import holdout

Results = dict[tuple[str, str], VideoResults]  # by ranking and frames


def evaluate(
    cache: FeatureCache,
    rankings: Mapping[str, Sequence[Ranking]],
    *,
    fold: str = "default",
    split: str = "test",
    train_split: str = "train",
    num_frames: int = 25,
    frames: Sequence[int] = FRAMES,
    alpha: float = 0.0,
    aggregator: str = MEAN,
    stream: str | Sequence[str | None] | None = None,
    view: View = None,
    view_scheme: ViewScheme = "region",
    validation: Mapping[str, Sequence[np.ndarray]] | None = None,
    target_frames: Mapping[str, int] | None = None,
    more_predictors: Sequence[Sequence[PredictorRun]] = (),
    choose_by: ChoiceRule = "best",
    references: bool | Sequence[str] = True,
    draws: int = 10,
    key_share: float | None = None,
    resamples: int = 2000,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Rank, keep the top m, average, compare with the label (AS Alg. 2), for every ranking.

    Args:
        cache: The cache.
        rankings: Name -> the ranking's runs, say the agents of five seeds. References are added;
            a ranking with the attribute `control` (say, an untrained agent) counts as one.
        fold: The cache's fold.
        split: The split to score; videos without a label are left out.
        train_split: The split that `pooled` is fitted on, and that the default validation videos
            come from.
        num_frames: T.
        frames: The numbers of frames m to score at.
        alpha: Weight of the frames that are not selected (AS Eq. 10).
        aggregator: What makes a prediction of the selected frames: "mean", "max", or the file or
            bundled name of a judge.
        stream: The stream, None for the only one. Of several, each is ranked by itself and their
            predictions are averaged 1 : 1; a ranking is then `Fused`, or ranks every stream.
        view: A view of the streams by its number; "random" for all, each ranked by itself, their
            predictions averaged; None for all together.
        view_scheme: "region" selects frames of each view by themselves, "frame" the same of all
            views, by their scores averaged over views.
        validation: Name -> for each run the rows in the cache that it was not fitted on, where it
            chooses m; a ranking with an empty set has no row `chosen`. None: `holdout(cache, fold,
            train_split, seed)` for all.
        target_frames: Name -> the m that the ranking was trained for, its headline without a row
            `chosen`.
        more_predictors: Predictors of whole videos for rows of their own: for each run a predictor
            of each stream.
        choose_by: "best" chooses the m with the lowest error on validation videos, "one-se" the
            most frames within one standard error of it, "pcc" that with the highest correlation.
            That is the row `chosen`; beside it stands the row "one-se", or beside that "best".
        references: True for every reference, False for `all` alone, or names.
        draws: Number of draws of `random`.
        key_share: The top share of a video's frames that matter, for the average precision, where
            importance is graded; see `key_frames`.
        resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap, of the default validation videos and of the cross-validation
            of `pooled`.
        progress: Show progress bars on standard error.

    Raises:
        FrameSelectError: for bad arguments, or a ranking that breaks the `Ranking` protocol.
    """
    streams = (stream,) if stream is None or isinstance(stream, str) else tuple(stream)
    settings = EvaluationSettings(
        cache, fold, num_frames, alpha, aggregator, streams, view, view_scheme
    )
    check_rule(choose_by, cache.task)
    frames = _checked(frames, draws, resamples, key_share)
    names = reference_names(references, cache.task)
    agents = agent_runs(rankings, validation or {}, names)
    rows = labelled_rows(cache, split, fold)
    omissions: list[str] = []
    choice_rules: dict[str, str] = {}  # by row
    few_videos = ""
    if cache.single_class:
        names = label_free_names(names)
        omissions.append("no references that read predictions: one class is all that they can say")
    fitted = [name for name in names if name in FITTED]
    if fitted and (split == train_split or train_split not in cache.splits(fold)):
        names = [name for name in names if name not in FITTED]
        omissions.append(
            "no fitted references: there is no training split other than the scored one"
        )
    pooled = [
        Pooled.fit(cache, fold, train_split, num_frames, one, single_view(view), seed)
        for one in (streams if set(names) & set(USE_POOLED) else ())
    ]
    every = fitted_runs(names, settings, train_split, pooled)
    every += [*reference_runs(names, cache.task, draws), *agents]

    sets = [own for one in agents if one.chooses for own in one.validation or ()]
    if not validation and train_split in cache.splits(fold):
        sets = [holdout(cache, fold, train_split, seed)[1]]
    choices: dict[str, Choices] = {}  # by row
    if cache.single_class:
        omissions.append("no rows chosen: any number of frames predicts the one class")
    elif not sets or any(np.isin(one, rows).any() for one in sets):
        omissions.append("no rows chosen: there are no validation videos outside the scored split")
    else:
        choosing = [one for one in every if one.chooses]
        words = "validation" if progress else ""
        rules = choose_by, BESIDE[choose_by]
        made = choose(settings, choosing, sets, frames, rules, words)
        choices = dict(zip((CHOSEN, rules[1]), made.values(), strict=True))
        choice_rules = {row: WORDS[rule] for row, rule in zip(choices, rules, strict=True)}
        few_videos = few_videos_note(sets)

    requests = []
    for one in every:
        for run, ranking in enumerate(one.runs):
            request = ScoringRequest(ranking, frames)
            if has_free_choice(ranking):
                at: Sequence[Ranking] = ()
                if one.agent:
                    at = matched_references(names, cache.task, draws, run, len(one.runs))
                request = ScoringRequest(ranking, [FREE, *frames], at)
            requests.append(request)
    predictors: list[PredictorRun] = []
    if "all-logits" in names:
        predictors.append([AllLogits()] * len(streams))
    if "pooled" in names:
        predictors.append(pooled)
    if "pooled-and-all" in names:
        predictors.append([PooledAndAll(one) for one in pooled])
    predictors += [run for own in more_predictors for run in own]
    label = split if progress else ""
    whole, scored, predicted = score_videos(settings, rows, requests, predictors, label)
    remaining = iter(scored)
    runs = {one.name: [next(remaining) for _ in one.runs] for one in every}
    results: Results = {(ALL, ALL): VideoResults.stack([whole])}
    by_name: dict[str, list[VideoResults]] = {}
    for predictor, found in zip(predictors, predicted, strict=True):
        by_name.setdefault(predictor[0].name, []).append(found)
    results |= {(name, ALL): VideoResults.stack(own) for name, own in by_name.items()}
    results.update(_stacked(runs, choices, whole))
    scores = {
        name: np.stack([one.scores for one in own if one.scores is not None])
        for name, own in runs.items()
        if own[0].scores is not None
    }
    evaluation = Evaluation(
        settings=settings,
        split=split,
        rows=rows,
        label=cache.labels[rows],
        table=(),
        results=results,
        scores=scores,
        choices={
            (name, row): tuple(m for _, m in own)
            for row, by_name in choices.items()
            for name, own in by_name.items()
        },
        agents=tuple(one.name for one in agents if one.agent),
        omissions=tuple(omissions),
        rules=choice_rules,
        resamples=resamples,
        target_frames=dict(target_frames or {}),
    )
    drawn = evaluation.draw(seed)
    agreement = rater_agreement(evaluation, drawn, controls=bool(names))
    evaluation = replace(evaluation, agreement=agreement)
    if cache.single_class and not agreement:
        headlines = {name: evaluation.headline(name) for name in evaluation.agents}
        evaluation = replace(evaluation, rewards=paid(settings, rows, results, headlines))
    evaluation = replace(evaluation, table=table_rows(evaluation, every, drawn, key_share))
    told = resampled_groups(evaluation.group)[1], few_videos, one_class_warning(evaluation)
    return replace(
        evaluation,
        levels=tuple(level_notes(evaluation, drawn)),
        cautions=tuple(filter(None, told)),
        verdict=rater_verdict(evaluation, drawn, verdict(evaluation, drawn)),
    )


def _checked(
    frames: Sequence[int], draws: int, resamples: int, key_share: float | None
) -> list[int]:
    """The distinct m, ascending."""
    if key_share is not None and not 0 < key_share < 1:
        raise FrameSelectError(f"key_share={key_share}: must be between 0 and 1, say 0.15")
    if not len(frames) or any(int(m) != m or m < 1 for m in frames):
        raise FrameSelectError(f"frames={list(frames)}: must be whole numbers of at least 1")
    for name, value in (("draws", draws), ("resamples", resamples)):
        if value < 1:
            raise FrameSelectError(f"{name}={value}: must be at least 1")
    return sorted({int(m) for m in frames})


def _stacked(
    runs: Mapping[str, Sequence[RankingResults]],
    choices: Mapping[str, Choices],
    whole: VideoResults,
) -> Results:
    """Results by (ranking, frames), stacked over runs: the rows of `choices`, `free` and every m.

    `uniform` and `random` at as many frames as an agent's free choice are their own rows `free`;
    for a second agent, the rows `free` of "uniform as NAME" and "random as NAME".
    """
    matched: dict[str, Results] = {}  # by reference
    for name, own in runs.items():
        for kind in own[0].matched:
            draws = [found for one in own for found in one.matched[kind]]
            row = f"{kind} as {name}" if kind in matched else kind
            matched.setdefault(kind, {})[row, FREE] = VideoResults.stack(draws)
    stacked: Results = {}
    for name, own in runs.items():
        for row, chosen in choices.items():
            if name in chosen:
                made = [whole if m == ALL else own[run].results[m] for run, m in chosen[name]]
                stacked[name, row] = VideoResults.stack(made)
        free = matched.get(name, {})
        if (name, FREE) in free:
            stacked[name, FREE] = free[name, FREE]
        for frames in own[0].results:
            stacked[name, str(frames)] = VideoResults.stack([one.results[frames] for one in own])
        stacked |= free
    return stacked
