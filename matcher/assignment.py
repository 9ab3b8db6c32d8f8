"""The assignment: which of several tracklets goes to which identity, decided together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from matcher.presence import Presence
from matcher.topology import Topology

P = TypeVar("P", bound=Presence)

_MOST_LOG_ODDS = 50.0


def gains(probabilities: npt.NDArray[np.float64], least: float) -> npt.NDArray[np.float64]:
    """How much a link is worth: log-odds above those of the least probability; 0 for none.

    The best assignment by the sum of these is the likeliest one, if the tracklets that stay
    without a link have the least probability's odds of being new.

    Args:
        probabilities: In [0, 1], any shape.
        least: Least probability of a link, in [0, 1].
    """
    bounded = np.clip(probabilities, 1e-300, 1 - 1e-16)
    floor = np.clip(least, 1e-16, 1 - 1e-16)
    above = np.log(bounded / (1 - bounded)) - np.log(floor / (1 - floor))
    worth = np.clip(above, 0, _MOST_LOG_ODDS)
    return np.where((probabilities >= least) & (probabilities > 0), worth + 1e-9, 0.0)


def assign(worth: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """The one-to-one links of the greatest worth together.

    Args:
        worth: (N, M) >= 0; 0 where no link is allowed.

    Returns:
        (row, column) by row; rows and columns without a link are left out.

    Example:
        >>> assign(np.array([[9.0, 8.0], [7.0, 0.0]]))
        [(0, 1), (1, 0)]
    """
    if not worth.size:
        return []
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if worth[r, c] > 0]


def cohorts(presences: Sequence[P], topology: Topology) -> list[list[P]]:
    """Parts the presences into groups in which no two can be the same person.

    Within such a group links to identities are one-to-one. Where no views overlap, people seen at
    one time are one group; where all do, each camera is one.

    Args:
        presences: In an order that does not depend on arrival; N = 0 gives no group.
        topology: Of the site.
    """
    groups: list[list[P]] = []
    for presence in presences:
        for group in groups:
            if all(topology.excludes(presence, member) for member in group):
                group.append(presence)
                break
        else:
            groups.append([presence])
    return groups
