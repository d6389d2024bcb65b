"""What compare and reproduce share: train the runs of a grid that are missing, and read all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from agents.commands.options import print_line
from agents.comparison.finished import FinishedRun, changed_code, read_run, train_and_score
from agents.comparison.grid import RUNS, RunSpec
from agents.comparison.results_file import write_results
from agents.evaluation.choosing import ChoiceRule
from agents.training.tracking import Tracking, check_tracking
from data.engine import Engine, outcomes_bar, run_all
from frame_select_env import FrameSelectError
from frame_select_env.storage import exclusive, visible, writing

RESULTS = "results.csv"


@contextmanager
def trained_grid(
    out: Path,
    specs: Sequence[RunSpec],
    frames: Sequence[int],
    engine: Engine,
    checkpoint_seconds: float,
    part: slice = slice(None),
    shared: bool = False,
    choose_by: ChoiceRule = "best",
    track: Tracking | None = None,
) -> Iterator[tuple[dict[RunSpec, FinishedRun], list[str]]]:
    """The finished runs, and a line for each that failed; the folder is locked meanwhile.

    Runs that are finished are not trained again. results.csv is written after each run.

    Args:
        out: The folder of the runs and of results.csv.
        specs: The runs.
        frames: The numbers of frames m to score at.
        engine: What executes the runs.
        checkpoint_seconds: Smallest time between two checkpoints of a run.
        part: Which of the run folders to train, in the order of `specs`.
        shared: Whether other commands train other parts at the same time.
        choose_by: How each run chooses m.
        track: Where metrics of training go, beside the run folders.
    """
    check_folder(out)
    check_tracking(track)
    read = partial(read_finished, out, frames=frames, choose_by=choose_by)
    finished = read(specs)
    # Runs that are scored in several ways are trained once, and by one of several commands.
    trained = list({spec.folder(out): spec for spec in specs}.values())
    left = [spec for spec in trained[part] if spec not in finished]
    for spec in left:
        for name in changed_code(spec, spec.folder(out)):
            print_line(f"retrained: {name} changed: {spec}")
    job = partial(train_and_score, out=out, checkpoint_seconds=checkpoint_seconds, track=track)
    outcomes = run_all(job, left, engine)  # before anything is written, as Ray may not start
    with writing(out):
        (out / RUNS).mkdir(parents=True, exist_ok=True)
    with nullcontext() if shared else exclusive(out):
        write_results(out / RESULTS, specs, finished)
        failed = []
        for outcome in outcomes_bar(outcomes, "runs", len(left)):
            if outcome.error:
                failed.append(f"{outcome.task}: {outcome.error}")
            else:
                folder = outcome.task.folder(out)
                same = [spec for spec in specs if spec.folder(out) == folder]
                finished |= read(same)
                write_results(out / RESULTS, specs, finished)
        if shared:
            finished = read(specs)  # others may have ended
        yield finished, failed


def check_folder(out: Path) -> None:
    """Refuse a folder that holds anything but the runs of a grid."""
    if out.exists() and not out.is_dir():
        raise FrameSelectError(f"{out}: is not a folder; choose another --out")
    if out.exists() and any(visible(out)) and not (out / RUNS).is_dir():
        raise FrameSelectError(
            f"{out}: is neither empty nor the folder of a comparison; choose another --out"
        )


def read_finished(
    out: Path, specs: Sequence[RunSpec], frames: Sequence[int], choose_by: ChoiceRule
) -> dict[RunSpec, FinishedRun]:
    """The runs that are trained and scored."""
    runs = {spec: read_run(spec, spec.folder(out), frames, choose_by) for spec in specs}
    return {spec: run for spec, run in runs.items() if run}
