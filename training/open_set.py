"""Open-set figures: what of a system that must also say "nobody of those I know".

A query is mated where its person is in the gallery. Removing that person makes the same query a
non-mated one, so that every query serves as both. Distances at or above a threshold are refused;
thresholds are set so that at most the stated share of non-mated queries (or of pairs of different
people) falls below (ISO/IEC 19795-1; Phillips, Grother, Micheals, "Evaluation Methods in Face
Recognition", 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.ranking import Labelling, Ranking, blocks_of_queries, check_shape

FALSE_ALARM_RATES = (0.01, 0.1)
FALSE_POSITIVE_RATES = (1e-4, 1e-3, 1e-2, 1e-1)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold on the distance lets through.

    Attributes:
        false_rate: At most this share of non-mated queries, or of different pairs, falls below it.
        true_rate: Share of mated queries whose nearest item is the right person and falls below
            it, or of same pairs that do.
        below_distance: The threshold; infinite where everything may pass.
    """

    false_rate: float
    true_rate: float
    below_distance: float


@dataclass(frozen=True, slots=True, eq=False)
class PairDistances:
    """Distances of a query and a gallery item of another camera, each (P,) float32."""

    same: Floats
    different: Floats


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Both sets of figures, in the order of their rates.

    Attributes:
        identification: Detection-and-identification rate at false-alarm rates, rank 1.
        verification: ROC of pairs: true-positive rate at false-positive rates.
        num_same: Pairs of one person across cameras.
        num_different: Pairs of two people across cameras.
    """

    identification: tuple[OperatingPoint, ...]
    verification: tuple[OperatingPoint, ...]
    num_same: int
    num_different: int


def open_set(
    distances: npt.NDArray[np.floating], labels: Labelling, ranking: Ranking, pairs: PairDistances
) -> OpenSet:
    """The figures at the usual rates.

    Args:
        distances: (Q, G).
        labels: Of the queries and the gallery.
        ranking: Of these distances.
        pairs: Of these distances.

    Raises:
        DataError: The distances are not (Q, G).
    """
    return OpenSet(
        tuple(identification_rates(distances, labels, ranking, FALSE_ALARM_RATES)),
        tuple(verification_rates(pairs, FALSE_POSITIVE_RATES)),
        len(pairs.same),
        len(pairs.different),
    )


def identification_rates(
    distances: npt.NDArray[np.floating],
    labels: Labelling,
    ranking: Ranking,
    false_alarm_rates: Sequence[float],
) -> list[OperatingPoint]:
    """Detection-and-identification rates of the queries that have something to find.

    Raises:
        DataError: The distances are not (Q, G).
    """
    mated, non_mated = nearest_distances(distances, labels)
    found = mated[ranking.queries[ranking.first_ranks == 1]]
    return _points(found, len(ranking), non_mated[ranking.queries], false_alarm_rates)


def verification_rates(
    pairs: PairDistances, false_positive_rates: Sequence[float]
) -> list[OperatingPoint]:
    """The ROC of same and different pairs, as true rates at false rates."""
    return _points(pairs.same, len(pairs.same), pairs.different, false_positive_rates)


def nearest_distances(
    distances: npt.NDArray[np.floating], labels: Labelling
) -> tuple[Floats, Floats]:
    """(Q,) distance to the nearest hit, and (Q,) to the nearest other person; infinite if none.

    Raises:
        DataError: The distances are not (Q, G).
    """
    check_shape(distances, labels)
    mated, non_mated = np.empty((2, len(distances)), np.float32)
    for queries in blocks_of_queries(len(distances)):
        is_same = labels.is_same_person(queries)
        is_hit = is_same & ~labels.is_same_camera(queries)
        for nearest, is_meant in ((mated, is_hit), (non_mated, ~is_same)):
            meant = np.where(is_meant, distances[queries], np.float32(np.inf))
            nearest[queries] = meant.min(axis=1, initial=np.inf)
    return mated, non_mated


def pair_distances(distances: npt.NDArray[np.floating], labels: Labelling) -> PairDistances:
    """All pairs of a query and a gallery item of another camera.

    Raises:
        DataError: The distances are not (Q, G).
    """
    check_shape(distances, labels)
    same, different = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for queries in blocks_of_queries(len(distances)):
        is_other_camera = ~labels.is_same_camera(queries)
        is_same = labels.is_same_person(queries)
        block = distances[queries].astype(np.float32, copy=False)
        same.append(block[is_other_camera & is_same])
        different.append(block[is_other_camera & ~is_same])
    return PairDistances(np.concatenate(same), np.concatenate(different))


def _points(
    true: Floats, num_true: int, false: Floats, false_rates: Sequence[float]
) -> list[OperatingPoint]:
    """At each rate: how many of `num_true` are below the threshold that so few false ones pass."""
    allowed = [int(rate * len(false) + 1e-9) for rate in false_rates]
    thresholds = _order_statistics(false, allowed)
    return [
        OperatingPoint(
            rate, float((true < below).sum() / num_true) if num_true else float("nan"), float(below)
        )
        for rate, below in zip(false_rates, thresholds, strict=True)
    ]


def _order_statistics(values: Floats, places: Sequence[int]) -> list[float]:
    """The values that would stand at places of the sorted array; infinite beyond its end."""
    inside = sorted({place for place in places if place < len(values)})
    ordered = np.partition(values, inside) if inside else values
    return [float(ordered[place]) if place < len(values) else float("inf") for place in places]
