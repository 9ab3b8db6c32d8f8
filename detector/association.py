"""Which detection belongs to which track: the assignment and the rules for doubtful cases.

Pure functions. T tracks, N detections; an affinity is (T, N) in [0, 1], larger is better, 0 is
impossible.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from detector.detections import Boxes

Affinity = npt.NDArray[np.float32]
"""(T, N) float32 in [0, 1]."""
Pairs = list[tuple[int, int]]
"""(track, detection) rows and columns of an affinity; each appears at most once."""

_MAX_HEIGHT_RATIO = 1.6
"""Of two boxes of one person in two looks; more means somebody half hidden, or somebody else."""


def assign(affinity: Affinity) -> Pairs:
    """The one-to-one pairs with the largest sum of affinities; impossible ones are not made.

    >>> assign(np.float32([[0.9, 0.5], [0.6, 0.0]]))
    [(0, 1), (1, 0)]
    """
    if not affinity.size:
        return []
    rows, columns = linear_sum_assignment(affinity, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(t, n) for t, n in pairs if affinity[t, n] > 0]


def contested(affinity: Affinity, pairs: Pairs, margin: float) -> Pairs:
    """The pairs whose detection could nearly as well belong to another of the tracks.

    A pair (t, n) is contested by a track u to which n is possible if

    - u has no detection and affinity[u, n] > affinity[t, n] - margin: of two people that crossed
      one is hidden, and which of them is seen is not sure;
    - u has m, m is possible to t, and exchanging n and m would cost less than `margin` in the sum.

    Args:
        affinity: (T, N).
        pairs: Made on this affinity.
        margin: In [0, 1]; 0: nothing is ever contested.

    >>> contested(np.float32([[0.8], [0.7]]), [(0, 0)], 0.15)
    [(0, 0)]
    """
    if margin == 0:
        return []
    detection_of = dict(pairs)

    def loss(t: int, n: int, u: int) -> float:
        """What the sum of affinities loses if u takes n from t."""
        m = detection_of.get(u)
        if m is None:
            return float(affinity[t, n] - affinity[u, n])
        if not affinity[t, m]:
            return np.inf
        return float(affinity[t, n] + affinity[u, m] - affinity[u, n] - affinity[t, m])

    return [
        (t, n)
        for t, n in pairs
        if any(loss(t, n, u) < margin for u in np.flatnonzero(affinity[:, n]).tolist() if u != t)
    ]


def only_in_reach(predicted: Boxes, found: Boxes, reach: npt.NDArray[np.float64]) -> Pairs:
    """Pairs of which each is the only one within the other's reach: people who outran their box.

    A slow look (few frames a second) finds somebody whose speed is not known yet beside the
    predicted box, without any overlap. The two are taken for one if the centres are near, the
    heights alike, and nobody else comes into question on either side.

    Args:
        predicted: (T, 4) xyxy, each with an area.
        found: (N, 4) xyxy, each with an area.
        reach: (T,) largest distance of the centres, in heights of the predicted box.

    >>> step = np.float32([[0, 0, 10, 40]]), np.float32([[15, 0, 25, 40]])
    >>> only_in_reach(*step, np.array([0.5])), only_in_reach(*step, np.array([0.3]))
    ([(0, 0)], [])
    """
    a, b = predicted.astype(np.float64), found.astype(np.float64)
    height_a, height_b = a[:, 3] - a[:, 1], b[:, 3] - b[:, 1]
    centre_a, centre_b = (a[:, :2] + a[:, 2:]) / 2, (b[:, :2] + b[:, 2:]) / 2
    distance = np.linalg.norm(centre_a[:, None] - centre_b[None, :], axis=2)  # (T, N)
    log_ratio = np.abs(np.log(height_a[:, None] / height_b[None, :]))
    is_possible = distance <= (reach * height_a)[:, None]
    is_possible &= log_ratio <= np.log(_MAX_HEIGHT_RATIO)
    is_only = is_possible & (is_possible.sum(axis=0) == 1) & (is_possible.sum(axis=1) == 1)[:, None]
    return [(int(t), int(n)) for t, n in np.argwhere(is_only)]
