"""The calibration: what a similarity of two features says about "same person", for one space."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matcher.errors import MatcherError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairTail:
    """The upper tail of different people's similarities between two cameras, or within one.

    Attributes:
        cameras: The two in order of name; the same twice for one.
        one_percent: Similarity that one in a hundred comparisons reaches.
        decade: So much more similarity is reached ten times more rarely, > 0.

    Raises:
        ValueError: A value is not finite or outside its range.
    """

    cameras: tuple[str, str]
    one_percent: float
    decade: float

    def __post_init__(self) -> None:
        """Checks the values."""
        _check_tail(self.one_percent, self.decade, f"between {' and '.join(self.cameras)}")
        if self.cameras != tuple(sorted(self.cameras)):
            raise ValueError(f"cameras are named in order: {', '.join(sorted(self.cameras))}")


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
        typical: Median similarity of different people; None: not known.
        ten_percent: Similarity that one in ten comparisons of different people reaches; None: not
            known.
        pairs: Tails of pairs of cameras of one site, where they are known to differ.

    Raises:
        ValueError: A value is not finite or outside its range.
    """

    midpoint: float
    slope: float
    one_percent: float
    decade: float
    typical: float | None = None
    ten_percent: float | None = None
    pairs: tuple[PairTail, ...] = ()

    def __post_init__(self) -> None:
        """Checks the values."""
        _check_tail(self.one_percent, self.decade, "of all cameras")
        _check_finite("midpoint", self.midpoint)
        _check_finite("slope", self.slope)
        if not -1 < self.midpoint < 1:
            raise ValueError("midpoint is a similarity between -1 and 1")
        if self.slope <= 0:
            raise ValueError("slope is above 0: the more alike, the likelier")
        if (self.typical is None) != (self.ten_percent is None):
            raise ValueError("typical and ten_percent are given together or not at all")
        if self.typical is not None and self.ten_percent is not None:
            _check_finite("typical", self.typical)
            _check_finite("ten_percent", self.ten_percent)
            if not -1 < self.typical < self.ten_percent <= self.one_percent:
                raise ValueError("needs typical < ten_percent <= one_percent")

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

    def of_set(self, similarities: Floats) -> float:
        """What similarities to the exemplars of an identity are worth as that to a single one.

        A soft maximum: the mean of the likelihood ratios, whose logarithms are divided by
        `_ALIKE`, as exemplars of one person are alike among themselves. One exemplar is worth what
        it says, several of which all are alike more than one that is so by chance.

        Args:
            similarities: (N,) cosines, N >= 1; their order does not matter.

        Example:
            >>> calibration = Calibration(0.4, 30.0, 0.45, 0.1)
            >>> calibration.of_set(np.array([0.5])), calibration.of_set(np.array([0.5, 0.2]))
            (0.5, 0.435544)
        """
        sharpness = self.slope / _ALIKE
        falling = np.sort(np.asarray(similarities, dtype=np.float64))[::-1]
        mean = float(np.exp(sharpness * (falling - falling[0])).mean())
        return round(float(falling[0]) + math.log(mean) / sharpness, _DECIMALS)

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


def _check_tail(one_percent: float, decade: float, where: str) -> None:
    _check_finite(f"one_percent {where}", one_percent)
    _check_finite(f"decade {where}", decade)
    if not -1 < one_percent < 1:
        raise ValueError(f"one_percent {where} is a similarity between -1 and 1")
    if decade <= 0:
        raise ValueError(f"decade {where} is above 0: the more alike, the rarer")


def _check_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} is not finite: {value}")


_ALIKE = 3.0
"""Measured on training people of CUHK03 (retail-0277): at one false match in a thousand, 94.2 % of
the tracklets find their person's set of 1 to 15 tracklets; by the nearest alone 91.7 %, by the mean
feature 90.6 %, by the mean similarity 92.0 %."""

_DECIMALS = 6
"""Sums of floating point numbers may differ in their last bits; decisions must not."""

DEFAULT = Calibration(midpoint=0.55, slope=20.0, one_percent=0.65, decade=0.1)
"""For spaces that are not named below: careful, until they are fitted."""

BUILT_IN: tuple[tuple[str, Calibration], ...] = (
    (
        "person-reidentification-retail-0277",
        Calibration(0.383, 30.1, 0.454, 0.114, typical=0.203, ten_percent=0.327),
    ),
    (
        "rga-sc-128x64-before_bn:ac90c3317e78",
        Calibration(0.89, 100.9, 0.914, 0.022, typical=0.823, ten_percent=0.874),
    ),
    ("histogram", Calibration(0.852, 65.8, 0.901, 0.015, typical=0.773, ten_percent=0.844)),
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
    """Reads a calibration: a JSON object with the attributes of `Calibration`, `pairs` as a list.

    Raises:
        MatcherError: The file cannot be read or does not hold that.
    """
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise MatcherError(
            f"matcher.calibration: {path} cannot be used: {error}; write it with `crosscam "
            "calibrate` or benchmarks/fit_calibration.py, or leave the setting out"
        ) from error


def _from_json(values: object) -> Calibration:
    if not isinstance(values, dict):
        raise TypeError("expected an object")
    unknown = sorted(set(values) - {*_NEEDED, *_OPTIONAL, "pairs"})
    missing = sorted(set(_NEEDED) - set(values))
    if unknown or missing:
        raise ValueError(f"expected {', '.join(_NEEDED)}; missing {missing}, unknown {unknown}")
    numbers = {name: float(values[name]) for name in _NEEDED}
    numbers |= {n: float(values[n]) for n in _OPTIONAL if values.get(n) is not None}
    return Calibration(**numbers, pairs=tuple(map(_pair_from_json, values.get("pairs") or ())))


def _pair_from_json(values: object) -> PairTail:
    if not isinstance(values, dict) or set(values) != {"cameras", "one_percent", "decade"}:
        raise ValueError("each of pairs is an object with cameras, one_percent, decade")
    one, other = sorted(map(str, values["cameras"]))
    return PairTail((one, other), float(values["one_percent"]), float(values["decade"]))


_NEEDED = ("midpoint", "slope", "one_percent", "decade")
_OPTIONAL = ("typical", "ten_percent")


CalibrationOf = Callable[[str], Calibration]
"""Gives the calibration of a space."""
