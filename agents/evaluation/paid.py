"""The mean reward of selections, where no label and no rater judges them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from agents.evaluation.references import ALL, RANDOM, UNIFORM
from agents.evaluation.scoring import EvaluationSettings, VideoResults
from baselines.splits import row_batches
from frame_select_env.cache import Clips, FeatureCache
from frame_select_env.rewards import Outcome, Reward, default_reward

Results = Mapping[tuple[str, str], VideoResults]  # by ranking and frames


def rewards_of(
    reward: Reward, cache: FeatureCache, clips: Clips, selected: np.ndarray, **facts: Any
) -> np.ndarray:
    """The rewards [B] of the selections [B, T] of B clips; `facts` are p0, p1 and target_frames."""

    def look_up(name: str) -> np.ndarray:
        if name == "importance":
            return cache.read_frames(name, clips.video, clips.valid.shape[1])
        found: np.ndarray = getattr(clips, name)
        return found

    facts |= {"selected": selected, "valid": clips.valid, "video": clips.video}
    return reward(Outcome(facts, look_up))[0]


def paid(
    settings: EvaluationSettings, rows: np.ndarray, results: Results, headlines: Mapping[str, str]
) -> dict[tuple[str, str], float]:
    """The mean default reward of all frames, and of agents beside uniform and random frames.

    It is of runs and videos, by ranking and frames, for one stream whose views are together; empty
    otherwise. `headlines` are the agents' rows that count.
    """
    cache, whole = settings.cache, results[ALL, ALL].selected
    if len(settings.streams) > 1 or whole.shape[2] > 1:
        return {}
    wanted = [(ALL, ALL)]
    for name, frames in headlines.items():
        wanted += [(name, frames), (UNIFORM, frames), (RANDOM, frames)]
    wanted = [one for one in dict.fromkeys(wanted) if one in results]
    reward = Reward(default_reward(cache, rows), cache)
    total, done = dict.fromkeys(wanted, 0.0), 0
    for some in row_batches(rows):
        video, view = cache.clips_of(some, settings.streams[0], settings.view)
        clips = cache.read(video, settings.num_frames, settings.fold, settings.streams[0], view)
        one = np.ones((len(some), len(cache.classes)))  # the only class has probability 1
        for key in wanted:
            selected = results[key].selected[:, done : done + len(some), 0]
            for run in selected:
                m = int(key[1]) if key[1].isdigit() else 1
                made = rewards_of(reward, cache, clips, run, p0=one, p1=one, target_frames=m)
                total[key] += float(made.sum()) / len(selected)
        done += len(some)
    return {key: value / done for key, value in total.items()}
