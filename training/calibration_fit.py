"""Fits what similarities of an embedder say about "same person", for `matcher.calibration`.

Tracklets are made as a camera worker makes them: the mean of a few crops of one person in one view.
Same people: their tracklets in different views (crops of one view are neighbouring frames, too much
alike to tell how somebody looks when they come back). Different people: all pairs of a site.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from matcher.calibration import Calibration
from training.distances import unit_rows
from training.errors import DataError
from training.features import FeatureSet

NUM_DECIMALS = 3
NUM_CROPS = 3
"""Crops of a tracklet."""

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCrops:
    """Embedded crops of N images.

    Attributes:
        features: (N, D) float32 of unit length.
        persons: (N,) int64.
        views: (N,) int64 cameras.
        sites: (N,) int64; people of two sites are not compared.
    """

    features: npt.NDArray[np.float32]
    persons: Labels
    views: Labels
    sites: Labels

    def take(self, rows: npt.NDArray[np.bool_]) -> LabelledCrops:
        """Some of the crops."""
        return LabelledCrops(
            self.features[rows], self.persons[rows], self.views[rows], self.sites[rows]
        )


@dataclass(frozen=True, slots=True, eq=False)
class PairSimilarities:
    """Cosines of tracklets of the same and of different people, each (P,) float64."""

    same: Floats
    different: Floats


def crops_of(features: FeatureSet) -> LabelledCrops:
    """Queries and gallery together, of unit length, as crops of one site."""
    labels = features.labels
    persons = np.concatenate([labels.query_ids, labels.gallery_ids])
    return LabelledCrops(
        unit_rows(np.concatenate([features.query, features.gallery])),
        persons,
        np.concatenate([labels.query_cameras, labels.gallery_cameras]),
        np.zeros_like(persons),
    )


def tracklet_pairs(crops: LabelledCrops, num_crops: int = NUM_CROPS) -> PairSimilarities:
    """Similarities of tracklets of `num_crops` crops, spread over the view's crops."""
    features, persons, views, sites = [], [], [], []
    for rows in _rows_of_views(crops):
        chosen = rows[np.linspace(0, len(rows) - 1, min(num_crops, len(rows))).astype(int)]
        mean = crops.features[chosen].mean(axis=0)
        features.append(mean / np.linalg.norm(mean))
        persons.append(crops.persons[rows[0]])
        views.append(crops.views[rows[0]])
        sites.append(crops.sites[rows[0]])
    if not features:
        return PairSimilarities(np.empty(0), np.empty(0))
    alike = (np.stack(features) @ np.stack(features).T).astype(np.float64)
    one, other = np.triu_indices(len(features), 1)
    is_same = np.array(persons)[one] == np.array(persons)[other]
    is_other_view = np.array(views)[one] != np.array(views)[other]
    is_one_site = np.array(sites)[one] == np.array(sites)[other]
    values = alike[one, other]
    return PairSimilarities(values[is_same & is_other_view], values[~is_same & is_one_site])


def fit_calibration(pairs: PairSimilarities) -> Calibration:
    """The logistic and the tail of these pairs.

    The logistic is fitted at even odds: both kinds count as much in all. The tail of different
    people is read off at 1 % and 0.01 %, their body at 50 % and 10 %.

    Raises:
        DataError: There are no pairs of one kind, or same people are not more alike.
    """
    if not len(pairs.same) or len(pairs.different) < 2:
        raise DataError(
            f"calibration: {len(pairs.same)} pairs of the same person across cameras and "
            f"{len(pairs.different)} of different people; both are needed"
        )
    midpoint, slope = _logistic(pairs)
    quantiles = np.quantile(pairs.different, [0.5, 1 - 1e-1, 1 - 1e-2, 1 - 1e-4])
    typical, ten_percent, one_percent, far = map(float, quantiles)
    try:
        return Calibration(
            round(midpoint, NUM_DECIMALS),
            round(slope, 1),
            round(one_percent, NUM_DECIMALS),
            round((far - one_percent) / 2, NUM_DECIMALS),
            typical=round(typical, NUM_DECIMALS),
            ten_percent=round(ten_percent, NUM_DECIMALS),
        )
    except ValueError as error:
        raise DataError(
            f"calibration: these features do not tell people apart ({error}); "
            "take more images, or another model"
        ) from error


def write_calibration(calibration: Calibration, file: Path) -> None:
    """Write the JSON file that the setting `matcher.calibration` names.

    Raises:
        OSError: The file cannot be written.
    """
    file.write_text(json.dumps(asdict(calibration), indent=2) + "\n", encoding="utf-8")


def _rows_of_views(crops: LabelledCrops) -> list[npt.NDArray[np.intp]]:
    """The rows of each person in each view, by person, then view."""
    if not len(crops.persons):
        return []
    order = np.lexsort((crops.views, crops.persons))  # stable: rows ascend within a view
    persons, views = crops.persons[order], crops.views[order]
    is_new = (np.diff(persons) != 0) | (np.diff(views) != 0)
    return np.split(order, np.flatnonzero(is_new) + 1)


def _logistic(pairs: PairSimilarities) -> tuple[float, float]:
    """Midpoint and slope of the greatest likelihood."""

    def loss(values: Floats) -> float:
        midpoint, slope = values
        same = np.logaddexp(0, -slope * (pairs.same - midpoint)).mean()
        return float(same + np.logaddexp(0, slope * (pairs.different - midpoint)).mean())

    start = np.array([(pairs.same.mean() + pairs.different.mean()) / 2, 20.0])
    midpoint, slope = minimize(loss, start, method="Nelder-Mead").x
    return float(midpoint), float(slope)
