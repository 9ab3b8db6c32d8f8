"""The figures of an evaluation, and their form as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from training.bootstrap import Interval
from training.distances import Metric
from training.open_set import OpenSet, OperatingPoint
from training.rerank import RerankOptions

Json = dict[str, Any]
SharesByRank = tuple[tuple[int, float], ...]
"""(k, share of queries with a hit among their first k), k ascending."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a ranking is worth; all but the count in [0, 1].

    Attributes:
        num_valid_queries: Queries that have something to find; the others are left out.
        map_step: Mean average precision, hits so far / rank at each hit.
        map_trapezoid: The same by the area under straight lines.
        minp: Mean inverse negative penalty.
        cmc: Multi-shot CMC.
    """

    num_valid_queries: int
    map_step: float
    map_trapezoid: float
    minp: float
    cmc: SharesByRank

    @property
    def rank1(self) -> float:
        """CMC at 1."""
        return dict(self.cmc)[1]

    def by_name(self) -> dict[str, float]:
        """The figures by the names that people know."""
        return {
            "mAP step": self.map_step,
            "mAP trapezoid": self.map_trapezoid,
            "mINP": self.minp,
            **{f"R{rank}": share for rank, share in self.cmc},
        }

    def to_json(self) -> Json:
        """An object of the attributes; `cmc` by k as text."""
        return {
            "num_valid_queries": self.num_valid_queries,
            "map_step": self.map_step,
            "map_trapezoid": self.map_trapezoid,
            "minp": self.minp,
            "cmc": {str(rank): share for rank, share in self.cmc},
        }


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 % intervals of the figures, by a bootstrap over the people of the queries."""

    map_step: Interval
    map_trapezoid: Interval
    minp: Interval
    cmc: tuple[tuple[int, Interval], ...]
    num_resamples: int

    def by_name(self) -> dict[str, Interval]:
        """The intervals by the names of `Figures.by_name`."""
        return {
            "mAP step": self.map_step,
            "mAP trapezoid": self.map_trapezoid,
            "mINP": self.minp,
            **{f"R{rank}": interval for rank, interval in self.cmc},
        }

    def to_json(self) -> Json:
        """An object of [low, high], and how they were made."""
        return {
            "level": 0.95,
            "resampled": "persons of the queries",
            "num_resamples": self.num_resamples,
            "map_step": list(self.map_step),
            "map_trapezoid": list(self.map_trapezoid),
            "minp": list(self.minp),
            "cmc": {str(rank): list(interval) for rank, interval in self.cmc},
        }


@dataclass(frozen=True, slots=True)
class Reranked:
    """The figures after re-ranking with these parameters."""

    options: RerankOptions
    figures: Figures

    def to_json(self) -> Json:
        """The parameters and the figures in one object."""
        options = self.options
        return {
            "k1": options.k1,
            "k2": options.k2,
            "lambda_value": options.lambda_value,
            **self.figures.to_json(),
        }


@dataclass(frozen=True, slots=True)
class SingleShot:
    """The classic single-gallery-shot CMC, the mean of some draws."""

    num_repeats: int
    cmc: SharesByRank


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of an embedder on a test set.

    Attributes:
        figures: Of the plain ranking.
        intervals: Of these figures.
        open_set: Identification and verification at a threshold.
        distance: Between features.
        reranked: After re-ranking, where that was asked for.
        single_shot: The classic CMC, where that was asked for.
        num_queries: Q, those with nothing to find included.
        num_gallery: G.
        dim: D.
        space: The embedder's space, "" where it is not known.
    """

    figures: Figures
    intervals: Intervals
    open_set: OpenSet
    distance: Metric
    reranked: Reranked | None
    single_shot: SingleShot | None
    num_queries: int
    num_gallery: int
    dim: int
    space: str

    def to_json(self) -> Json:
        """One object that `json.dumps` takes; what is not finite is null."""
        single = self.single_shot
        shots = (
            {}
            if single is None
            else {
                f"single_gallery_shot_cmc_mean_of_{single.num_repeats}": {
                    str(rank): share for rank, share in single.cmc
                }
            }
        )
        return {
            **self.figures.to_json(),
            "distance": self.distance,
            "reranked": None if self.reranked is None else self.reranked.to_json(),
            **shots,
            "intervals": self.intervals.to_json(),
            "open_set": _open_set_json(self.open_set),
            "num_queries": self.num_queries,
            "num_gallery": self.num_gallery,
            "dim": self.dim,
            "space": self.space,
        }


def _open_set_json(figures: OpenSet) -> Json:
    return {
        "identification": [
            _point_json(point, "false_alarm_rate", "identification_rate")
            for point in figures.identification
        ],
        "verification": [
            _point_json(point, "false_positive_rate", "true_positive_rate")
            for point in figures.verification
        ],
        "num_same_pairs": figures.num_same,
        "num_different_pairs": figures.num_different,
    }


def _point_json(point: OperatingPoint, false_name: str, true_name: str) -> Json:
    return {
        false_name: point.false_rate,
        true_name: _finite(point.true_rate),
        "below_distance": _finite(point.below_distance),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
