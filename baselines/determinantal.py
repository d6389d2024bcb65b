"""`diversity-dpp`: the greedy MAP of a determinantal point process on the features."""

import numpy as np

from frame_select_env.cache import Clips

SPANNED = 1e-9  # below it, what a frame adds is rounding


class DiversityDPP:
    """Each next frame adds most to the determinant of the chosen frames' similarities.

    The kernel is the cosine similarity of the features, so that only directions count, not norms
    (an all-zero feature adds nothing). The determinant is the squared volume that the chosen unit
    features span, and what a frame adds is its squared distance to their span. One frame is as good
    as another at first: it is the one most similar to all together. Frames in the span of the
    chosen ones come last, the earlier first, as all do once as many are chosen as there are
    features.

    Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process to Improve
    Recommendation Diversity", NeurIPS 2018: the incremental Cholesky factor of Algorithm 1.
    """

    name = "diversity-dpp"

    def scores(self, clips: Clips) -> np.ndarray:
        """T for the frame picked first, T - 1 for the second, and so on; -inf at padding."""
        scores = np.full(clips.valid.shape, -np.inf)
        for video, valid in enumerate(clips.valid):
            order = greedy_map(similarities(clips.features[video, valid]))
            scores[video, order] = len(valid) - np.arange(len(order))
        return scores


def similarities(features: np.ndarray) -> np.ndarray:
    """The cosine similarities [n, n] float64 of features [n, D]; 0 to an all-zero feature."""
    features = features.astype(np.float64)
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(norm > 0, norm, 1.0)
    return unit @ unit.T


def greedy_map(kernel: np.ndarray) -> list[int]:
    """All n items of a positive semidefinite kernel [n, n], in greedy order."""
    count = len(kernel)
    gain = np.diag(kernel).copy()  # by what each item multiplies the determinant
    factor = np.zeros((count, count))  # row k: the Cholesky factor of the k-th item with all
    order = [int(np.where(gain > SPANNED, np.round(kernel.sum(axis=1), 9), -np.inf).argmax())]
    for step in range(count - 1):
        last = order[-1]
        if gain[last] > SPANNED:
            rest = kernel[last] - factor[:step, last] @ factor[:step]
            factor[step] = rest / np.sqrt(gain[last])
            gain = gain - factor[step] ** 2
        # Rounded, so that ties go to the earlier item.
        left = np.where(gain > SPANNED, np.round(gain, 9), 0.0)
        left[order] = -1.0
        order.append(int(left.argmax()))
    return order
