"""Data sets of cheap rankings: no training, but run folders with metrics.csv."""

import csv

import numpy as np
import pytest

from agents.comparison.finished import FinishedRun
from agents.comparison.grid import DataSet, RunSpec
from agents.comparison.results import DataSetResults
from agents.evaluation import evaluate
from frame_select_env import FeatureCache


class Noisy:
    """A ranking by feature 0, which tells the planted frames, and noise of its seed."""

    def __init__(self, seed, noise):
        self.seed, self.noise, self.name = seed, noise, "noisy"

    def scores(self, clips):
        noise = [np.random.default_rng([self.seed, int(v)]).normal(size=99) for v in clips.video]
        noise = self.noise * np.array(noise)[:, : clips.valid.shape[1]]
        return np.where(clips.valid, clips.features[:, :, 0] + noise, -np.inf)


class NoisyFree(Noisy):
    """The same with a free choice: what scores above a half."""

    def select(self, clips):
        return self.scores(clips) > 0.5


@pytest.fixture
def make_data_set(tmp_path):
    """`make_data_set(path, {label: noise}, seeds=...)`: a data set on the test split of a cache.

    Labels that are named in `free` have a free choice.
    """

    def make(path, noises, seeds=(0, 1, 2), stream=None, metrics=True, free=(), **keywords):
        rankings = {
            label: [(NoisyFree if label in free else Noisy)(s, noise) for s in seeds]
            for label, noise in noises.items()
        }
        evaluation = evaluate(
            FeatureCache(path),
            rankings,
            frames=(2, 4),
            references=["uniform", "oracle"],
            resamples=100,
            stream=stream,
            **keywords,
        )
        runs = {}
        for place, label in enumerate(noises):
            made = []
            for seed in seeds:
                folder = tmp_path / "runs" / path.stem / f"{place}-{seed}"
                folder.mkdir(parents=True, exist_ok=True)
                if metrics:
                    write_metrics(folder / "metrics.csv", episodes=0 if place == 1 else 50)
                spent = (0 if place == 1 else 150, 0 if place == 1 else 600, 30, 1.5, 1.25)
                spec = RunSpec(str(path), "default", "noisy", "sign_omega", 2, seed)
                made.append(FinishedRun(spec, folder, *spent))
            runs[label] = tuple(made)
        return DataSetResults(DataSet(str(path)), evaluation, runs)

    return make


def write_metrics(path, episodes):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        names = ["epoch", "episodes", "timesteps", "updates", "seconds", "validation"]
        writer.writerow([*names, "validation_p_c"])
        for epoch in (1, 2, 3):
            spent = epoch * episodes, 4 * epoch * episodes, epoch * 10, epoch / 2
            writer.writerow([epoch, *spent, 0.5 + epoch / 10, 0.5])
