"""What makes 0 and 1 of a task's score: all frames and the true key frames, on the test videos.

Where looks cost, a selection is worth its accuracy minus the price of its looks: 0 is then the best
gate, which is fitted on the training videos at the same price, and 1 is looking at the key frames
alone.
"""

from collections.abc import Callable

import numpy as np

from agents.comparison.anchors import Anchors
from agents.evaluation.shortcuts import accuracy, true_frames
from agents.suite.tasks import SuiteTask
from baselines.fitted_formula import TrainingVideos
from baselines.formulas import RandomFrames
from baselines.gates import CoarseToFine, fitted_gates
from frame_select_env import Clips, FeatureCache, FrameSelectError
from frame_select_env.consensus import MEAN
from frame_select_env.splits import labelled_rows

Select = Callable[[Clips], np.ndarray]


def find_anchors(task: SuiteTask, cache: FeatureCache, aggregator: str = MEAN) -> Anchors:
    """The anchors of a task on its cache.

    Raises:
        FrameSelectError: if the key frames are worth no more than the floor.
    """
    rows = labelled_rows(cache, "test")
    videos = TrainingVideos(cache, rows, num_frames=task.num_frames, aggregator=aggregator)

    def key(clips: Clips) -> np.ndarray:
        return true_frames(cache, clips)

    ceiling = worth(task, videos, key)
    if task.price is None:
        floor = worth(task, videos, lambda clips: clips.valid)
    else:
        rows = labelled_rows(cache, "train")
        orders = CoarseToFine(), RandomFrames(0)
        clips = cache.read(rows, task.num_frames)
        gates = fitted_gates(clips, cache.labels[rows], orders, task.price)
        floor = max(worth(task, videos, gate.select) for gate in gates)
    if not floor < ceiling:
        raise FrameSelectError(f"{cache.path}: its key frames are worth no more than all frames")
    return Anchors(floor, ceiling)


def worth(task: SuiteTask, videos: TrainingVideos, select: Select) -> float:
    """The accuracy of selections, minus the price of their looks where looks cost."""
    reached = accuracy(videos, select)
    if task.price is None:
        return reached
    looks = np.concatenate([(select(one) & one.valid).sum(axis=1) for one in videos.clips()])
    return reached - task.price * float(looks.mean())
