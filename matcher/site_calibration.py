"""The calibration of one site: its similarities, read as those that the embedder was fitted on.

Light, lenses and clothes make the similarities of a site larger or smaller than those that a
calibration was fitted on. By how much is seen at people who are certainly different
(`different_people`): their median, and what one in ten pairs reaches, are brought to those of the
calibration by a shift and a stretch. A similarity is then worth as much as the one that is as rare
there, so the wanted rate of false matches holds here too. (Verification systems do the same with
mean and deviation, and call it score normalisation.) The body is compared rather than the far tail,
as those who are seen together often came together: companions and uniforms would set the tail.

What a pair of cameras shows leans on the site, the site on the calibration, the more the less they
have to show, and neither goes beyond bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matcher.aging_counts import Counts
from matcher.calibration import Calibration, PairTail
from matcher.different_people import LOWEST, STEP, DifferentPeople, quantile

Floats = npt.NDArray[np.float64]

ENOUGH_PAIRS = 500
"""So many pairs of different people weigh as much as what is known without them."""

FEWEST_PAIRS = 50
"""Fewer pairs say nothing."""

_SHIFTS = (-0.5, 1.0)
"""Least and greatest, as parts of what lies between the median and what one in ten pairs reaches:
more careful it may become rather than more daring."""

_STRETCHES = (0.75, 1.33)

_LIKE_ONE = 0.99
_MOST_LIKE_ONE = 0.05
"""If more of the pairs of two cameras than this are one person with probability `_LIKE_ONE`, their
views overlap, and the settings do not say so."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How similarities of two cameras, or of all, are brought to those of the calibration.

    Attributes:
        num_pairs: Pairs of different people that it rests on.
        shift: By so much larger is the similarity that one in a hundred different pairs reaches.
        stretch: So many times farther apart similarities lie.
        is_one_person: The pairs look like one person, so they teach nothing: see `_MOST_LIKE_ONE`.
    """

    num_pairs: int = 0
    shift: float = 0.0
    stretch: float = 1.0
    is_one_person: bool = False

    @property
    def has_enough(self) -> bool:
        """The pairs weigh as much as what is known without them."""
        return self.num_pairs >= ENOUGH_PAIRS

    def similarity(self, level: float, base: Calibration) -> float:
        """The similarity that is read as a level of the calibration."""
        return base.one_percent + self.shift + self.stretch * (level - base.one_percent)


class SiteCalibration:
    """A calibration, with what a site's cameras add to it.

    What was learned holds from `refresh` on.

    Args:
        base: Of the space; where it knows pairs of cameras, the learning of those begins there.
        people: The site's different people; None: nothing is learned.
    """

    def __init__(self, base: Calibration, people: DifferentPeople | None = None) -> None:
        self.base = base
        self._told = {tail.cameras: _told(base, tail) for tail in base.pairs}
        self._people = people
        self._across = self._within = Reading()
        self._of_pair: dict[tuple[str, str], Reading] = {}
        self._least: tuple[float, float] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Lets hold what was learned."""
        self._least = None
        self._of_pair = dict(self._told)
        if self._people is None:
            return
        pairs, counts = self._people.pairs, self._people.counts
        is_within = np.array([one == other for one, other in pairs])
        is_one_person = ~is_within & self._look_like_one(counts)
        across = counts[~is_within & ~is_one_person].sum(axis=0)
        self._across = _leaning(self.base, across, Reading())
        self._within = _leaning(self.base, counts[is_within].sum(axis=0), Reading())
        for row in np.flatnonzero(counts.sum(axis=1) >= FEWEST_PAIRS):
            prior = self._told.get(pairs[row], self.group(is_one_camera=bool(is_within[row])))
            if is_one_person[row]:
                reading = replace(prior, num_pairs=int(counts[row].sum()), is_one_person=True)
            else:
                reading = _leaning(self.base, counts[row], prior)
            self._of_pair[pairs[row]] = reading

    def reading(self, one: str, other: str) -> Reading:
        """How similarities between two cameras are read, or within one; else that of all such."""
        known = self._of_pair.get((one, other) if one <= other else (other, one))
        return known or self.group(is_one_camera=one == other)

    def group(self, *, is_one_camera: bool) -> Reading:
        """How similarities within cameras, or those between two, are read by and large."""
        return self._within if is_one_camera else self._across

    def levels(self, similarities: Floats, cameras: Sequence[str], camera: str) -> Floats:
        """Similarities as the base reads them.

        Args:
            similarities: (N,) cosines of a tracklet to exemplars.
            cameras: N cameras of the exemplars.
            camera: That of the tracklet.
        """
        readings = [self.reading(other, camera) for other in cameras]
        shifts = np.array([reading.shift for reading in readings])
        stretches = np.array([reading.stretch for reading in readings])
        middle = self.base.one_percent
        return np.asarray(middle + (similarities - middle - shifts) / stretches)

    def least_similarity(self, level: float) -> float:
        """The smallest similarity that two cameras may read as this level."""
        if self._least is None or self._least[0] != level:
            readings = [self._across, self._within, *self._of_pair.values()]
            self._least = level, min(r.similarity(level, self.base) for r in readings)
        return self._least[1]

    def of_all(self) -> Calibration:
        """What was learned of all cameras and of pairs, as a calibration for a file."""
        base, across = self.base, self._across
        tails = [
            PairTail(pair, base.one_percent + reading.shift, base.decade * reading.stretch)
            for pair, reading in sorted(self._of_pair.items())
        ]
        return replace(
            base,
            midpoint=across.similarity(base.midpoint, base),
            slope=base.slope / across.stretch,
            one_percent=across.similarity(base.one_percent, base),
            decade=base.decade * across.stretch,
            typical=None if base.typical is None else across.similarity(base.typical, base),
            ten_percent=(
                None if base.ten_percent is None else across.similarity(base.ten_percent, base)
            ),
            pairs=tuple(tails),
        )

    def _look_like_one(self, counts: Counts) -> npt.NDArray[np.bool_]:
        """(P,) pairs of cameras whose different people are too often one."""
        first = math.ceil((self.base.similarity(_LIKE_ONE) - LOWEST) / STEP)
        num = counts.sum(axis=1)
        are_alike = counts[:, first:].sum(axis=1) > _MOST_LIKE_ONE * num
        return np.asarray(are_alike & (num >= FEWEST_PAIRS))


def measured(base: Calibration, counts: Counts) -> Reading:
    """What pairs of different people say by themselves, within bounds.

    Args:
        base: That the similarities are brought to; one that does not know the body of different
            people's similarities cannot be compared with, and stays as it is.
        counts: Of similarities, by step; fewer than `FEWEST_PAIRS` say nothing.
    """
    num_pairs = int(counts.sum())
    if num_pairs < FEWEST_PAIRS or base.typical is None or base.ten_percent is None:
        return Reading(num_pairs)
    body = base.ten_percent - base.typical
    ten_percent = quantile(counts, 0.9)
    stretch = _bounded((ten_percent - quantile(counts, 0.5)) / body, _STRETCHES)
    shift = ten_percent - base.ten_percent
    shift += (base.one_percent - base.ten_percent) * (stretch - 1)
    least, most = (part * body for part in _SHIFTS)
    return Reading(num_pairs, _bounded(shift, (least, most)), stretch)


def _leaning(base: Calibration, counts: Counts, prior: Reading) -> Reading:
    """What the pairs say, leaning on what was known without them."""
    own = measured(base, counts)
    if own.num_pairs < FEWEST_PAIRS or base.typical is None:
        return replace(prior, num_pairs=own.num_pairs)
    weight = own.num_pairs / (own.num_pairs + ENOUGH_PAIRS)
    return Reading(
        own.num_pairs,
        shift=weight * own.shift + (1 - weight) * prior.shift,
        stretch=own.stretch**weight * prior.stretch ** (1 - weight),
    )


def _told(base: Calibration, tail: PairTail) -> Reading:
    return Reading(shift=tail.one_percent - base.one_percent, stretch=tail.decade / base.decade)


def _bounded(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
