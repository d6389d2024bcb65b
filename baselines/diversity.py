"""`diversity`: the frames with the most distant features."""

import numpy as np
from scipy.spatial.distance import cdist

from frame_select_env.cache import Clips


class Diversity:
    """Farthest-point order: each next frame is the one farthest from all frames picked so far.

    The first is the frame nearest to the video's mean feature. Distances are Euclidean; ties go to
    the earlier frame. The largest distance of a frame to the first m frames is at most twice that
    to the best m (Gonzalez, "Clustering to Minimize the Maximum Intercluster Distance", Theoretical
    Computer Science 38, 1985).
    """

    name = "diversity"

    def scores(self, clips: Clips) -> np.ndarray:
        """T for the frame picked first, T - 1 for the second, and so on; -inf at padding."""
        scores = np.full(clips.valid.shape, -np.inf)
        for video, valid in enumerate(clips.valid):
            order = farthest_point_order(clips.features[video, valid])
            scores[video, order] = len(valid) - np.arange(len(order))
        return scores


def farthest_point_order(points: np.ndarray) -> np.ndarray:
    """The order [L] in which farthest-point sampling picks `points` [L, D]."""
    points = points.astype(np.float64)
    # Differences instead of scalar products, so that equal points tie exactly.
    distance = cdist(points, points, "sqeuclidean")
    nearest = cdist(points.mean(axis=0, keepdims=True), points, "sqeuclidean")[0]
    order = [int(nearest.argmin())]
    apart = distance[order[0]].copy()
    for _ in range(1, len(points)):
        apart[order] = -1.0  # picked
        order.append(int(apart.argmax()))
        apart = np.minimum(apart, distance[order[-1]])
    return np.array(order)
