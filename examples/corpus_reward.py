"""A reward that is about a corpus: macro-F1, which is no sum over videos.

The F1 of a class depends on every video that is answered with it, so no loss of a video by itself
expresses it. A reward sees the whole batch of a vector environment, and pays every episode what its
own answer adds: the macro-F1 of the batch, minus that of the same batch with this one video
answered from all its frames (a difference reward, Wolpert and Tumer, 2002). The policy is logistic
in three numbers of a frame and its neighbours, trained by REINFORCE.

Run it from a clone: python examples/corpus_reward.py
"""

import gymnasium as gym
import numpy as np

from frame_select_env import Outcome

BATCH, FRAMES, UPDATES = 400, 25, 150


def macro_f1(hits: np.ndarray, answered: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """The mean F1 [...] over the classes that have videos, from counts [..., C] of each class."""
    f1 = 2 * hits / np.maximum(answered + labelled, 1)  # 2 TP / (2 TP + FP + FN)
    return (f1 * (labelled > 0)).sum(-1) / (labelled > 0).sum(-1)


def counts(answer: np.ndarray, label: np.ndarray, classes: int) -> tuple[np.ndarray, ...]:
    """Right answers, answers and labels, as [B, C] of zeros and ones; -1 answers no class."""
    answered, labelled = (one[:, None] == np.arange(classes) for one in (answer, label))
    return tuple(one.astype(float) for one in (answered & labelled, answered, labelled))


def added_f1(outcome: Outcome) -> np.ndarray:
    """What each answer adds to the macro-F1 of the batch, [B], times B."""
    classes = outcome.p0.shape[1]
    after = np.where(outcome.unanswered, -1, outcome.p1.argmax(axis=1))
    hits, answered, labelled = counts(after, outcome.label, classes)
    old_hits, old_answered, _ = counts(outcome.p0.argmax(axis=1), outcome.label, classes)
    total = hits.sum(0), answered.sum(0), labelled.sum(0)
    without = (total[0] - hits + old_hits, total[1] - answered + old_answered, total[2])
    return len(outcome) * (macro_f1(*total) - macro_f1(*without))


def inputs(observation: dict[str, np.ndarray]) -> np.ndarray:
    """Confidence and norm, averaged with the neighbours', standardised, and 1: [B, T, 3]."""
    every = []
    for values in (
        observation["predictions"].max(axis=2),
        np.linalg.norm(observation["features"].astype(float), axis=2),
    ):
        padded = np.pad(values, ((0, 0), (1, 1)), mode="edge")
        smooth = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
        every.append((smooth - smooth.mean()) / smooth.std())
    return np.stack([*every, np.ones_like(every[0])], axis=2)


def main() -> None:
    """Train on batches of training videos; print the macro-F1 of the test split."""
    rng, weights = np.random.default_rng(0), np.zeros(3)
    keywords = {"data": "digits", "num_frames": FRAMES, "reward": added_f1}
    envs = gym.make_vec("FrameSelect/OneShot-v0", num_envs=BATCH, split="train", **keywords)
    rows = envs.unwrapped.cache.rows("test")
    test = gym.make_vec("FrameSelect/OneShot-v0", num_envs=len(rows), split="test", **keywords)

    def tested() -> tuple[float, float]:
        """The macro-F1 of the test split, from all frames and from those with odds above 1."""
        observation, _ = test.reset(seed=0, options={"video": rows})
        info = test.step((inputs(observation) @ weights > 0).astype(np.int8))[-1]
        classes = info["p0"].shape[1]
        found = []
        for p in (info["p0"], info["p1"]):
            answer = np.where(p.any(axis=1), p.argmax(axis=1), -1)
            found.append(macro_f1(*(one.sum(0) for one in counts(answer, info["label"], classes))))
        return found[0], found[1]

    envs.reset(seed=0)
    for _ in range(UPDATES):
        observation, _ = envs.reset()
        seen = inputs(observation)
        keep = 1 / (1 + np.exp(-seen @ weights))
        actions = rng.random(keep.shape) < keep
        reward = envs.step(actions.astype(np.int8))[1]
        advantage = (reward - reward.mean())[:, None, None]
        weights += 0.3 * (advantage * (actions - keep)[:, :, None] * seen).mean(axis=(0, 1))
    before, after = tested()
    named = zip(("confidence", "norm", "bias"), weights, strict=True)
    print("weights:", ", ".join(f"{name} {weight:+.2f}" for name, weight in named))
    print(f"macro-F1 on the test split: {before:.3f} from all frames, {after:.3f} from those kept")


if __name__ == "__main__":
    main()
