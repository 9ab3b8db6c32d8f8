"""Which detection belongs to which track: the assignment and the rule for doubtful cases. Pure functions.

T tracks, N detections throughout; an affinity is (T, N) in [0, 1], larger is better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from detector.detections import Boxes

Affinity = npt.NDArray[np.float32]
"""(T, N) float32 in [0, 1]."""
Pairs = list[tuple[int, int]]
"""(track, detection) rows and columns of an affinity; each appears once."""

_MAX_HEIGHT_RATIO = 1.6
"""Of two boxes that show the same person within a second; more is a person half hidden, or another one."""


def assign(affinity: Affinity, least: float) -> Pairs:
    """The one-to-one pairs with the largest sum of affinities; pairs below `least` are not made.

    Too small affinities count as nothing in the sum, so that they cannot push a good pair aside.

    >>> assign(np.float32([[0.9, 0.5], [0.6, 0.1]]), 0.2)
    [(0, 1), (1, 0)]
    """
    if not affinity.size:
        return []
    worth = np.where(affinity >= least, affinity, 0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(t), int(n)) for t, n in zip(rows, columns, strict=True) if worth[t, n] > 0]


def contested(affinity: Affinity, pairs: Pairs, least: float, margin: float) -> Pairs:
    """The pairs that could as well belong to another of the tracks.

    A pair (t, n) is contested by a track u if giving n to u would be nearly as good, all in all:

    - u has no detection, it reaches n, and affinity[u, n] > affinity[t, n] - margin: of two people that
      crossed one is hidden, and who is seen is not sure;
    - u has m, both reach both, and the exchange of n and m costs less than `margin` in the sum.

    Args:
        affinity: (T, N).
        pairs: Made on this affinity.
        least: Least affinity of a possible pair.
        margin: In [0, 1]; 0: nothing is ever contested.
    """
    column_of = dict(pairs)
    return [
        (t, n)
        for t, n in pairs
        if any(
            _is_rival(affinity, (t, n), (u, column_of.get(u)), least, margin)
            for u in range(len(affinity))
            if u != t and affinity[u, n] >= least
        )
    ]


def _is_rival(
    affinity: Affinity,
    pair: tuple[int, int],
    rival: tuple[int, int | None],
    least: float,
    margin: float,
) -> bool:
    (t, n), (u, m) = pair, rival
    if m is None:
        return float(affinity[t, n] - affinity[u, n]) < margin
    if affinity[t, m] < least:
        return False
    return float(affinity[t, n] + affinity[u, m] - affinity[u, n] - affinity[t, m]) < margin


def only_in_reach(predicted: Boxes, found: Boxes, reach: npt.NDArray[np.float64]) -> Pairs:
    """Pairs of which each is the only one within the other's reach: for people who outrun their box.

    A slow look (few frames a second) at somebody whose speed is not known yet finds them beside the predicted
    box, without any overlap. They are taken for the same if the centres are near, the heights alike, and
    nobody else comes into question, neither on the track's nor on the detection's side.

    Args:
        predicted: (T, 4) xyxy.
        found: (N, 4) xyxy.
        reach: (T,) largest distance of the centres, in heights of the predicted box.
    """
    if not len(predicted) or not len(found):
        return []
    a, b = predicted.astype(np.float64), found.astype(np.float64)
    height_a, height_b = a[:, 3] - a[:, 1], b[:, 3] - b[:, 1]
    steps = (a[:, None, :2] + a[:, None, 2:] - b[None, :, :2] - b[None, :, 2:]) / 2  # (T, N, 2)
    is_near = np.hypot(steps[..., 0], steps[..., 1]) <= (reach * height_a)[:, None]
    log_ratio = np.abs(np.log(height_a[:, None] / height_b[None, :]))
    possible = is_near & (log_ratio <= np.log(_MAX_HEIGHT_RATIO))
    is_only = possible & (possible.sum(0) == 1)[None, :] & (possible.sum(1) == 1)[:, None]
    return [(int(t), int(n)) for t, n in np.argwhere(is_only)]
