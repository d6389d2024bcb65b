"""Hyper-parameter search: an Optuna study that draws trials, and a CSV log of their runs.

The journal of the study, LOG.journal, makes a search resumable; the log has a row for every
training run, with its score on validation videos.
"""

import dataclasses
import hashlib
import io
import itertools
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from agents.evaluation.files import read_csv
from agents.registry import AgentChoice, parse_agent, with_values
from agents.training.run_folder import METRICS, as_json, is_finished
from agents.training.seeds import Seeds, expand_seeds
from agents.training.trainer import Run, run_config, train_run
from frame_select_env import FrameSelectError, open_cache
from frame_select_env.storage import appending, writing

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler

Sampler = Literal["random", "tpe"]
ROUND = 8  # trials that TPE draws at a time; those of the first round are random
# Columns of the log. `task` and `cache` (its digest) distinguish runs of one agent and seed.
KEY = ("agent", "trial", "hyper", "data", "seed", "task", "cache")
SCORE = ("validation", "validation_p_c", "episodes", "seconds")
COLUMNS = (*KEY[:5], *SCORE, *KEY[5:])
Key = tuple[str, ...]


@dataclass(frozen=True)
class SearchTrial:
    """Hyper-parameters to try."""

    number: int  # 0 is the agent as it was named, the others are drawn
    choice: AgentChoice  # the agent with these hyper-parameters
    hyper: dict[str, Any]  # the searched ones among them
    study_number: int  # number of the trial in the Optuna study, which also counts rejected ones

    def text(self, agent: str) -> str:
        """The agent, as the search named it, with these hyper-parameters."""
        return with_values(agent, self.hyper) if self.number else agent


@dataclass(frozen=True)
class TrialRun:
    """One training run of a trial."""

    trial: SearchTrial
    run: Run  # the cache, seed and task
    key: Key  # the run's values of the log's columns `KEY`
    folder: Path  # the run folder, deleted once the run is logged
    checkpoint_seconds: float  # minimum time between two checkpoints


@dataclass(frozen=True)
class TrialScore:
    """The score of one training run."""

    validation: float  # the score of the epoch that was kept, see `Validation`
    validation_p_c: float  # the one that breaks its ties
    episodes: int  # episodes that the environment scored
    seconds: float  # wall-clock time of training


class TrialStudy:
    """Draws the trials of a search from an agent's search space, without repetition.

    Hyper-parameters named in `text` are fixed. Every draw has a seed of its own, made from the
    search's seed and the trial's number, so a resumed search draws what an uninterrupted one would.
    Without a `journal` the study is in memory; other `settings` are another study of the journal.
    """

    def __init__(
        self,
        text: str,
        sampler: Sampler = "random",
        seed: int = 0,
        journal: Path | None = None,
        settings: object = None,
    ) -> None:
        import optuna  # takes long to import
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
        from optuna.trial import TrialState, create_trial

        self.text, self.sampler, self.seed = text, sampler, seed
        self.choice = parse_agent(text)
        fixed = re.findall(r"[@,](\w+)=", text)
        search = self.choice.design.search
        self.space = {name: values for name, values in search.items() if name not in fixed}
        # What Optuna draws, with the value that it means.
        self.values = {
            name: {_storable(value): value for value in values}
            for name, values in self.space.items()
        }
        digest = hashlib.sha256(json.dumps([settings, sampler, seed]).encode()).hexdigest()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study: Study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal))) if journal else None,
            study_name=f"{text} {digest[:12]}",
            direction="maximize",
            load_if_exists=True,
        )
        if not self.study.trials:
            self.study.add_trial(create_trial(state=TrialState.RUNNING))  # the agent as named

    def trials(self, count: int) -> list[SearchTrial]:
        """The first `count` trials, drawn if they are new; fewer if the search space is smaller."""
        from optuna.trial import Trial, TrialState

        if count < 1:
            raise FrameSelectError(f"trials={count}: must be at least 1")
        named = {name: getattr(self.choice.config, name) for name in self.space}
        found = [SearchTrial(0, self.choice, named, 0)]
        tried = {tuple(named.values())} & set(itertools.product(*self.space.values()))
        accepted = True
        for number in itertools.count(1):
            if len(found) == count or len(tried) == math.prod(map(len, self.space.values())):
                break
            known = self.study.trials[number : number + 1]
            if known and known[0].state.is_finished():
                params = self._params(known[0].params)
                accepted = known[0].state == TrialState.COMPLETE
            else:
                self.study.sampler = self._sampler(number, accepted)
                # A known trial was drawn, perhaps in part, before an interruption.
                drawn = Trial(self.study, known[0]._trial_id) if known else self.study.ask()
                for name, values in self.values.items():
                    drawn.suggest_categorical(name, tuple(values))
                params = self._params(drawn.params)
                accepted = tuple(params.values()) not in tried and self._is_allowed(params)
                if not accepted:
                    self.study.tell(number, state=TrialState.FAIL)
            tried.add(tuple(params.values()))
            if accepted:
                config = dataclasses.replace(self.choice.config, **params)
                choice = dataclasses.replace(self.choice, config=config)
                found.append(SearchTrial(len(found), choice, params, number))
        return found

    def tell(self, trial: SearchTrial, score: float) -> None:
        """Record a trial's score, unless it is recorded already."""
        if not self.study.trials[trial.study_number].state.is_finished():
            self.study.tell(trial.study_number, score)

    def _sampler(self, number: int, accepted: bool) -> "BaseSampler":
        """The sampler of one draw; `accepted` is whether the draw before was."""
        from optuna.samplers import GridSampler, TPESampler

        class Shuffled(GridSampler):
            """Every combination once, in an order drawn by the seed."""

            def after_trial(self, *args: Any) -> None:
                """Do not stop a loop of `Study.optimize`, which is not used here."""

        # TPE repeats itself where scores are equal; then the next combination is tried.
        if self.sampler == "tpe" and number >= ROUND and accepted:
            return TPESampler(n_startup_trials=0, seed=self.seed * 1_000_003 + number)
        return Shuffled({name: tuple(values) for name, values in self.values.items()}, self.seed)

    def _params(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The hyper-parameters that Optuna's values mean, in the order of the search space."""
        return {name: values[drawn[name]] for name, values in self.values.items()}

    def _is_allowed(self, params: dict[str, Any]) -> bool:
        try:
            self.choice.design.check(dataclasses.replace(self.choice.config, **params))
        except FrameSelectError:
            return False
        return True


def _storable(value: Any) -> Any:
    """A value as Optuna draws it: a tuple as text, since its journal would return a list."""
    return json.dumps(value) if isinstance(value, tuple) else value


def make_runs(
    text: str,
    trial: SearchTrial,
    data: Sequence[str],
    keywords: Mapping[str, Any],
    seeds: Seeds,
    folder: Path,
    checkpoint_seconds: float,
) -> list[TrialRun]:
    """The runs of a trial: one for every cache and seed; `keywords` are of their task."""
    hyper, task = json.dumps(as_json(trial.choice.config)), json.dumps(keywords, sort_keys=True)
    runs = []
    for name in data:
        for seed in expand_seeds(seeds):
            key = (text, str(trial.number), hyper, name, str(seed), task, open_cache(name).digest)
            own = folder / hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]
            run = Run(name, trial.choice, {**keywords, "seed": seed})
            runs.append(TrialRun(trial, run, key, own, checkpoint_seconds))
    return runs


def train_trial_run(work: TrialRun) -> TrialScore:
    """Train a run, or finish a started one, and read its validation score; never the test split."""
    torch.set_num_threads(1)
    cache = open_cache(work.run.data)
    if not is_finished(work.folder, run_config(work.run, cache, work.run.task(cache))):
        train_run(work.folder, work.run, checkpoint_seconds=work.checkpoint_seconds)
    epochs = read_csv(work.folder / METRICS, SCORE).tolist()
    # The epoch that training kept: the one with the best pair, or the last.
    last = work.run.choice.config.keep == "last"
    validation, p_c = epochs[-1][:2] if last else max(epoch[:2] for epoch in epochs)
    episodes, seconds = epochs[-1][2:]
    return TrialScore(validation, p_c, int(episodes), seconds)


def mean_score(scores: Iterable[TrialScore]) -> TrialScore:
    """The mean over runs; episodes are rounded."""
    import pandas as pd  # slow to import

    validation, p_c, episodes, seconds = pd.DataFrame(scores)[list(SCORE)].mean()
    return TrialScore(validation, p_c, round(episodes), seconds)


def read_log(path: Path) -> dict[Key, TrialScore]:
    """Read the runs of a log; empty if the file does not exist.

    A line that was cut off when a search was killed is removed from the file.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise FrameSelectError(f"{path}: cannot be read: {error}") from None
    whole = text[: text.rfind("\n") + 1]
    header = ",".join(COLUMNS) + "\n"
    if not text.startswith(header) and not header.startswith(text):  # a cut-off header is one
        raise FrameSelectError(
            f"{path}: is not the log of a search; name the CSV that `search` wrote"
        )
    if whole != text:
        _remove_cut_off(path)
    if not whole:
        return {}
    import pandas as pd

    try:
        rows = pd.read_csv(io.StringIO(whole), dtype=str, keep_default_na=False)
        keys = rows[list(KEY)].itertuples(index=False, name=None)
        scores = rows[list(SCORE)].itertuples(index=False, name=None)
        return {
            key: TrialScore(float(validation), float(p_c), int(episodes), float(seconds))
            for key, (validation, p_c, episodes, seconds) in zip(keys, scores, strict=True)
        }
    except (ValueError, TypeError) as error:
        raise FrameSelectError(f"{path}: holds a bad row: {error}") from None


def _remove_cut_off(path: Path) -> None:
    """Remove what follows the last whole line, once no other search is writing it."""
    with writing(path), appending(path) as handle:
        handle.truncate(path.read_bytes().rfind(b"\n") + 1)
        os.fsync(handle.fileno())


def append_to_log(path: Path, key: Key, score: TrialScore) -> None:
    """Add a run to the log, in a single write; searches that share a log take turns."""
    import pandas as pd

    row = dict(zip(KEY, key, strict=True)) | dataclasses.asdict(score)
    table = pd.DataFrame([row], columns=list(COLUMNS), dtype=object)
    with writing(path), appending(path) as handle:
        header = not os.fstat(handle.fileno()).st_size
        text = table.to_csv(index=False, header=header, lineterminator="\n")
        os.write(handle.fileno(), text.encode())
        os.fsync(handle.fileno())
