"""Trained runs on one split, beside their untrained networks and the reference rankings."""

from collections.abc import Mapping, Sequence

from agents.evaluation import Evaluation
from agents.evaluation import evaluate as evaluate_rankings
from agents.training.load import LoadedRun
from frame_select_env import FeatureCache, FrameSelectError, Ranking


def evaluate_runs(
    cache: FeatureCache,
    rows: Mapping[str, Sequence[LoadedRun]],
    controls: Mapping[str, Sequence[LoadedRun]] | None = None,
    *,
    split: str = "test",
    select: Sequence[int] = (4, 8, 12),
    references: bool | Sequence[str] = True,
    resamples: int = 2000,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """The evaluation of runs that were trained for the same videos and numbers of frames.

    Args:
        cache: The cache.
        rows: Row name -> its runs.
        controls: Row name -> the runs whose untrained networks stand there; None are those of
            every row, as "untrained NAME".
        split: What is scored.
        select: The m.
        references: As in `agents.evaluation.evaluate`.
        resamples: Of the bootstrap.
        seed: Of the bootstrap and of the random ranking.
        progress: Show progress bars on standard error.

    Raises:
        FrameSelectError: if the runs differ in what they were trained for, or m > T.
    """
    if controls is None:
        controls = {f"untrained {name}": runs for name, runs in rows.items()}
    runs = [run for one in rows.values() for run in one]
    first = runs[0].task
    for run in runs[1:]:
        for name in ("fold", "split", "stream", "num_frames", "alpha"):
            if getattr(run.task, name) != getattr(first, name):
                raise FrameSelectError(
                    f"the runs differ in {name}: {getattr(first, name)!r} and "
                    f"{getattr(run.task, name)!r}; evaluate them apart"
                )
    if select and max(select) > first.num_frames:
        raise FrameSelectError(
            f"select={max(select)}: the runs were trained on {first.num_frames} frames"
        )
    # The untrained agents stand with the agents, first.
    rankings: dict[str, list[Ranking]] = {
        name: [run.untrained for run in of] for name, of in controls.items()
    }
    rankings |= {name: [run.agent for run in of] for name, of in rows.items()}
    validation = {
        name: [run.task.validation_rows for run in of]
        for name, of in [*controls.items(), *rows.items()]
    }
    return evaluate_rankings(
        cache,
        rankings,
        fold=first.fold,
        split=split,
        train_split=first.split,
        num_frames=first.num_frames,
        select=select,
        alpha=first.alpha,
        stream=first.stream,
        validation=validation,
        references=references,
        resamples=resamples,
        seed=seed,
        progress=progress,
    )
