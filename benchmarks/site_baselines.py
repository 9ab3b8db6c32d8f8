"""What others do with the same tracklets: three ways of grouping features by one threshold.

`greedy` is the common practice: the nearest tracklet so far, linked if the cosine reaches a fixed
threshold. `running_mean` keeps one mean feature an identity. `offline` waits for everything and
clusters it (average linkage), which no online method can: the reference from above. They see
the final version of every tracklet in the order of its emission, where the matcher has to
decide at the first; place and time they do not use, but for `offline_place_time`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from benchmarks.site_simulator import SimulatedSite
from matcher.topology import Topology

Floats = npt.NDArray[np.float32]
Identities = npt.NDArray[np.int64]
"""(T,) numbers of identities, in order of the tracklets."""

Grouping = Callable[[float], Identities]
"""Gives the identities at a threshold (cosine); what does not depend on it is computed before."""

_EXCLUDED = 4.0
"""Distance of two tracklets that cannot be one person; twice the largest there is."""

THRESHOLDS: tuple[float, ...] = tuple(round(0.3 + 0.02 * step, 2) for step in range(24))
"""What is tried in tuning."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A way of grouping.

    Attributes:
        name: For the table.
        prepare: Looks at a site's tracklets.
        is_online: Every tracklet is decided with what came before.
    """

    name: str
    prepare: Callable[[SimulatedSite], Grouping]
    is_online: bool


def greedy(features: Floats) -> Grouping:
    """Each tracklet joins the identity of the nearest earlier one, if that is near enough.

    Args:
        features: (T, D) unit rows, in order of time.
    """
    num = len(features)
    nearest, likeness = np.zeros(num, np.int64), np.full(num, -np.inf)
    for row in range(1, num):
        alike = features[:row] @ features[row]
        nearest[row] = alike.argmax()
        likeness[row] = alike[nearest[row]]

    def grouped(threshold: float) -> Identities:
        identities = np.zeros(num, np.int64)
        next_identity = 0
        for row in range(num):
            if likeness[row] >= threshold:
                identities[row] = identities[nearest[row]]
            else:
                identities[row] = next_identity
                next_identity += 1
        return identities

    return grouped


def running_mean(features: Floats) -> Grouping:
    """Each tracklet joins the identity with the nearest mean, which moves by it.

    Args:
        features: (T, D) unit rows, in order of time.
    """

    def grouped(threshold: float) -> Identities:
        identities = np.zeros(len(features), np.int64)
        sums = np.zeros_like(features)
        means = np.zeros_like(features)
        num_known = 0
        for row, feature in enumerate(features):
            alike = means[:num_known] @ feature
            best = int(alike.argmax()) if num_known else 0
            if not num_known or alike[best] < threshold:
                best = num_known
                num_known += 1
            identities[row] = best
            sums[best] += feature
            means[best] = sums[best] / np.linalg.norm(sums[best])
        return identities

    return grouped


def offline(features: Floats, excluded: Sequence[tuple[int, int]] = ()) -> Grouping:
    """Average-linkage clusters, cut at a mean cosine.

    Args:
        features: (T, D) unit rows.
        excluded: Pairs of rows that are known to be different people.
    """
    num = len(features)
    if num < 2:
        return lambda _: np.zeros(num, np.int64)
    distances = np.clip(1 - (features @ features.T).astype(np.float64), 0, None)
    for one, other in excluded:
        distances[one, other] = distances[other, one] = _EXCLUDED
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    del distances

    def grouped(threshold: float) -> Identities:
        return np.asarray(fcluster(tree, 1 - threshold, "distance"), np.int64) - 1

    return grouped


def excluded_pairs(site: SimulatedSite, topology: Topology) -> list[tuple[int, int]]:
    """Pairs of tracklets that one person cannot have made, by row."""
    finals = [each.final for each in site.tracklets]
    order = sorted(range(len(finals)), key=lambda row: finals[row].started_at)
    longest_s = max((f.ended_at - f.started_at for f in finals), default=0.0)
    reach_s = longest_s + max(
        (topology.pair(a, b).min_s for a in topology.camera_ids for b in topology.camera_ids),
        default=0.0,
    )
    pairs = []
    for place, row in enumerate(order):
        for other in order[place + 1 :]:
            if finals[other].started_at - finals[row].started_at > reach_s:
                break
            if topology.excludes(finals[row], finals[other]):
                pairs.append((row, other))
    return pairs


def baselines() -> tuple[Baseline, ...]:
    """All of them, in the order of the table."""
    return (
        Baseline("greedy, one threshold", lambda site: greedy(site.features), is_online=True),
        Baseline("running mean", lambda site: running_mean(site.features), is_online=True),
        Baseline("offline clustering", lambda site: offline(site.features), is_online=False),
        Baseline("offline, place and time", _offline_place_time, is_online=False),
    )


def best_threshold(scores: Mapping[float, Sequence[float]]) -> float:
    """The threshold with the highest mean score; the lowest one of equals.

    Args:
        scores: By threshold those of the tuning sites.

    Example:
        >>> best_threshold({0.4: [0.5, 0.6], 0.5: [0.7, 0.8], 0.6: [0.9, 0.1]})
        0.5
    """
    return max(sorted(scores), key=lambda threshold: float(np.mean(scores[threshold])))


def _offline_place_time(site: SimulatedSite) -> Grouping:
    return offline(site.features, excluded_pairs(site, Topology(site.camera_ids)))
