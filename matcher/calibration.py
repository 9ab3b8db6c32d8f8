"""The calibration: what a similarity of two features says about "same person", for one space."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matcher.errors import MatcherError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How similarities of one space are read.

    The probability is a logistic of the similarity, at even odds before the comparison. The upper
    tail of different people's similarities is exponential, which is what the tails of many
    distributions come to.

    Attributes:
        midpoint: Similarity at which both are equally likely, in (-1, 1).
        slope: Growth of the log-odds per unit of similarity, > 0.
        one_percent: Similarity that one in a hundred comparisons of different people reaches.
        decade: So much more similarity is reached ten times more rarely, > 0.

    Raises:
        ValueError: A value is not finite or outside its range.
    """

    midpoint: float
    slope: float
    one_percent: float
    decade: float

    def __post_init__(self) -> None:
        """Checks the values."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value):
                raise ValueError(f"{field.name} is not finite: {value}")
        if not (-1 < self.midpoint < 1 and -1 < self.one_percent < 1):
            raise ValueError("midpoint and one_percent are similarities between -1 and 1")
        if self.slope <= 0 or self.decade <= 0:
            raise ValueError("slope and decade are above 0: the more alike, the likelier")

    def probability(self, similarity: npt.ArrayLike, odds: npt.ArrayLike = 1.0) -> Floats:
        """Probability of "same person", elementwise.

        Args:
            similarity: Cosine, any shape.
            odds: Factor >= 0 on the odds, of the same shape; 0 makes it impossible.

        Example:
            >>> Calibration(0.4, 30.0, 0.45, 0.1).probability([0.4, 0.5]).round(3).tolist()
            [0.5, 0.953]
        """
        log_odds = self.slope * (np.asarray(similarity, dtype=np.float64) - self.midpoint)
        prior = np.asarray(odds, dtype=np.float64)
        return np.asarray(prior / (prior + np.exp(-np.clip(log_odds, -50, 50))))

    def nearest_of(self, similarity: float, num_exemplars: int) -> float:
        """What the similarity of the nearest of several exemplars is worth as that of a single one.

        More exemplars have more chances to be alike by accident.

        Args:
            similarity: Cosine to the nearest.
            num_exemplars: Of the identity, >= 1.

        Example:
            >>> Calibration(0.4, 30.0, 0.45, 0.1).nearest_of(0.5, 10).__round__(3)
            0.467
        """
        return similarity - self.decade * _CHANCES * math.log10(num_exemplars)

    def threshold(self, false_match_rate: float) -> float:
        """Least probability of a link, if of comparisons of different people so many may reach it.

        The rate is that of a comparison with one identity (ISO/IEC 19795-1); a tracklet is compared
        with every identity that place and time allow.

        Args:
            false_match_rate: In (0, 1).

        Example:
            >>> Calibration(0.4, 30.0, 0.45, 0.1).threshold(0.001).__round__(3)
            0.989
        """
        similarity = self.one_percent - self.decade * (math.log10(false_match_rate) + 2)
        return float(self.probability(similarity))

    def similarity(self, probability: float) -> float:
        """Similarity at which the probability is this, at even odds.

        Args:
            probability: In [0, 1].

        Returns:
            May lie beyond [-1, 1], if no similarity reaches it.

        Example:
            >>> Calibration(0.4, 30.0, 0.45, 0.1).similarity(0.5)
            0.4
        """
        bounded = min(max(probability, 1e-15), 1 - 1e-15)
        return self.midpoint + math.log(bounded / (1 - bounded)) / self.slope


_CHANCES = 0.33
"""Different people's exemplars are alike among themselves, so twice as many reach a similarity not
twice but 1.26 = 2 ** 0.33 times as often (``benchmarks/fit_calibration.py cuhk03``)."""

DEFAULT = Calibration(midpoint=0.55, slope=20.0, one_percent=0.65, decade=0.1)
"""For spaces that are not named below: careful, until they are fitted."""

BUILT_IN: tuple[tuple[str, Calibration], ...] = (
    (
        "person-reidentification-retail-0277",
        Calibration(midpoint=0.383, slope=30.1, one_percent=0.454, decade=0.114),
    ),
    (
        "rga-sc-128x64-before_bn:ac90c3317e78",
        Calibration(midpoint=0.89, slope=100.9, one_percent=0.914, decade=0.022),
    ),
    ("histogram", Calibration(midpoint=0.852, slope=65.8, one_percent=0.901, decade=0.015)),
)
"""By the beginning of the space's name, as `benchmarks/fit_calibration.py` prints them.

rga-sc-128x64: the shipped weights, on the test identities of CUHK03 (training identities are
learned by heart), by `crosscam evaluate --calibration-out`.
person-reidentification-retail-0277: training identities of CUHK03 (``cuhk03``). histogram: drawn
sites (``drawn``), where it tells people apart; among real people 1 in 100 pairs reach 0.957.
"""


def built_in_calibration(space: str) -> Calibration:
    """The shipped calibration, by the beginning of the space's name; `DEFAULT` if there is none."""
    return next((known for start, known in BUILT_IN if space.startswith(start)), DEFAULT)


def load_calibration(path: Path) -> Calibration:
    """Reads a calibration: a JSON object with the attributes of `Calibration`.

    Raises:
        MatcherError: The file cannot be read or does not hold that.
    """
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise MatcherError(
            f"matcher.calibration: {path} cannot be used: {error}; "
            "write it with benchmarks/fit_calibration.py, or leave the setting out"
        ) from error


def _from_json(values: object) -> Calibration:
    names = [field.name for field in fields(Calibration)]
    if not isinstance(values, dict) or set(values) != set(names):
        raise ValueError(f"expected an object with {', '.join(names)}")
    return Calibration(**{name: float(values[name]) for name in names})


CalibrationOf = Callable[[str], Calibration]
"""Gives the calibration of a space."""
