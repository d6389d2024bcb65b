"""Planted predictions: key frames tell the label, the others pull the mean to a decoy class."""

import numpy as np

KEY_CONFIDENCE = (0.70, 0.80)  # of the true class, the same in all key frames of a video
GAP = 0.08  # by which every other frame's probability of the true class stays below that
PULL = 0.3  # of the distractors, at most, beyond what tips the mean
LEAST_PULL = 0.002  # so that rounding to float32 tips no video
MOST_LEAN = 0.99  # of one distractor towards the decoy
OTHERS = 0.9  # most of what a distractor leaves for the classes that are neither true nor decoy
OTHERS_BELOW = 0.005  # by which the mean of each of these stays below those two


def plant_predictions(
    key: np.ndarray, label: int, classes: int, difficulty: float, rng: np.random.Generator
) -> np.ndarray:
    """Predictions of one video for which the key frames are the best selection.

    With p_c(t) the probability of the true class c in frame t: p_c(t) is one value k in all key
    frames and at most k - GAP in every other. So p1_c, a mean of p_c(t), is k for the key frames
    and for any part of them, and less for every other selection: keeping exactly the key frames
    gives the highest p1_c there is, and is the largest selection that does. As k > 1/2, it is
    right.

    Over all frames, c leads its decoy by (u - difficulty) times a positive number, u being uniform
    in [0, 1) and drawn before anything depends on the difficulty: the mean of all frames is right
    if and only if u >= difficulty, and a video that it gets wrong stays wrong at any higher one.

    Args:
        key: [L] bool, at least one and at most half of the frames.
        label: c.
        classes: C.
        difficulty: From 0 to 1.
        rng: The video's generator.

    Returns:
        [L, C] float32.
    """
    keys, distractors = int(key.sum()), int((~key).sum())
    confidence = float(np.float32(rng.uniform(*KEY_CONFIDENCE)))
    u = rng.random()
    decoy = int((label + rng.integers(1, classes)) % classes)
    others = np.setdiff1d(np.arange(classes), (label, decoy))
    predictions = np.zeros((len(key), classes))
    rest = rng.dirichlet(np.ones(classes - 1), keys) * (1 - confidence)
    predictions[np.ix_(key, np.arange(classes) != label)] = rest
    predictions[key, label] = confidence

    # Distractor t gives c and the decoy (1 + lean) / 2 and (1 - lean) / 2, less what the others
    # get. With the mean lean `balance`, c and the decoy would be level over all frames.
    balance = -(confidence - predictions[key, decoy]).sum() / distractors
    most = 2 * (confidence - GAP) - 1
    if u >= difficulty:
        pull = max(PULL * (u - difficulty), LEAST_PULL)
        lean = min(balance + pull, most)
    else:
        # The mean lean keeps a distance from MOST_LEAN, that single ones may differ.
        room = min(PULL, balance + 0.98)
        lean = balance - max(room * (difficulty - u), LEAST_PULL)
    leans = lean + _centred(distractors, lean + MOST_LEAN, most - lean, rng)
    predictions[~key, label] = (1 + leans) / 2
    predictions[~key, decoy] = (1 - leans) / 2

    if len(others):
        share = (1 - np.abs(leans)) * rng.uniform(0, OTHERS, distractors)
        given = rng.dirichlet(np.full(len(others), 0.3), distractors) * share[:, None]
        # They are scaled down until none of them comes near c or the decoy in the mean.
        sums = predictions.sum(axis=0)
        lead = min(sums[label], sums[decoy]) - sums[others] - OTHERS_BELOW * len(key)
        cost = given.sum(axis=0) + share.sum() / 2
        scale = min(1.0, float((lead / cost).min()))
        rows = np.flatnonzero(~key)
        predictions[np.ix_(rows, others)] = scale * given
        predictions[rows, label] -= scale * share / 2
        predictions[rows, decoy] -= scale * share / 2
    return predictions.astype(np.float32)


def _centred(count: int, below: float, above: float, rng: np.random.Generator) -> np.ndarray:
    """Random numbers [count] from -below to above whose mean is 0."""
    draw = rng.uniform(-1, 1, count)
    up, down = np.maximum(draw, 0) * above, np.maximum(-draw, 0) * below
    total = min(up.sum(), down.sum())
    return up * (total / (up.sum() or 1.0)) - down * (total / (down.sum() or 1.0))
