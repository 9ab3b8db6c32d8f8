"""The candidates: which identities the tracklets of a window may belong to, and how likely."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from matcher.calibration import Calibration
from matcher.decision import Decision
from matcher.exemplars import Member
from matcher.roster import Roster
from matcher.similarity import HalfFeature, similarities
from matcher.site_calibration import SiteCalibration
from matcher.tracklet import Tracklet


@dataclass(frozen=True, slots=True)
class Rules:
    """How links are judged in one space.

    Attributes:
        site: The space's calibration with what the site adds to it; it may change.
        least_probability: Of a link, in [0, 1].
        num_nearest: Exemplars that are looked at per tracklet, >= 1.
    """

    site: SiteCalibration
    least_probability: float
    num_nearest: int

    @property
    def calibration(self) -> Calibration:
        """Of the space."""
        return self.site.base

    @property
    def least_similarity(self) -> float:
        """Below it no link is possible, whatever place and time say."""
        level = self.calibration.similarity(self.least_probability)
        return self.site.least_similarity(level) - 1e-6


@dataclass(frozen=True, slots=True)
class Option:
    """An identity that a tracklet may belong to."""

    identity_id: str
    similarity: float
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A tracklet that is being judged, with its feature in half precision as the store keeps it."""

    tracklet: Tracklet
    feature: HalfFeature

    @classmethod
    def of(cls, tracklet: Tracklet) -> Subject:
        """The subject that a tracklet makes."""
        return cls(tracklet, tracklet.feature.astype(np.float16))

    @property
    def tracklet_id(self) -> str:
        """Of the tracklet."""
        return self.tracklet.tracklet_id

    def member(self, decision: Decision) -> Member:
        """What later decisions need of the tracklet once it is decided."""
        return Member(decision, self.feature, self.tracklet.quality, self.tracklet.space)


class Candidates:
    """The options of several subjects of one space, kept up to date while the roster changes.

    Args:
        subjects: Who is to be judged; N = 0 is fine.
        roster: Who is known.
        rules: Of the space.
        besides: By tracklet id an identity that is no option.
    """

    def __init__(
        self,
        subjects: Iterable[Subject],
        roster: Roster,
        rules: Rules,
        besides: Mapping[str, str] | None = None,
    ) -> None:
        self._roster = roster
        self._rules = rules
        self._besides = besides or {}
        self._subjects = {subject.tracklet_id: subject for subject in subjects}
        self._options: dict[str, list[Option]] = {}
        self._similar = self._compared()

    def options(self, tracklet_id: str) -> list[Option]:
        """The identities that place and time allow, likeliest first.

        All that are alike enough for a link are among them, of the others only the best few.
        """
        if tracklet_id not in self._options:
            self._options[tracklet_id] = self._judged(tracklet_id)
        return self._options[tracklet_id]

    def likely(self, tracklet_id: str) -> list[Option]:
        """The options that are likely enough for a link, likeliest first."""
        least = self._rules.least_probability
        return [option for option in self.options(tracklet_id) if option.probability >= least]

    def drop(self, tracklet_id: str) -> None:
        """Lets go of a subject that is decided."""
        del self._subjects[tracklet_id]

    def changed(self, identity_id: str) -> None:
        """Looks again at an identity that is new, gone, or has other exemplars or presences."""
        features = [subject.feature for subject in self._subjects.values()]
        now = self._roster.similarities(identity_id, features)
        for row, tracklet_id in enumerate(self._subjects):
            similar = self._similar[tracklet_id]
            if now is not None and (
                identity_id in similar or now[row] >= self._rules.least_similarity
            ):
                similar[identity_id] = now[row]
            elif similar.pop(identity_id, None) is None:
                continue
            self._options.pop(tracklet_id, None)

    def _compared(self) -> dict[str, dict[str, float]]:
        """Similarity of the nearest identities, by tracklet."""
        subjects = list(self._subjects.values())
        if not subjects:
            return {}
        found = self._roster.nearest(
            subjects[0].tracklet.space,
            [subject.feature for subject in subjects],
            self._rules.num_nearest,
            least=self._rules.least_similarity,
        )
        return dict(zip(self._subjects, found, strict=True))

    def _judged(self, tracklet_id: str) -> list[Option]:
        similar = self._similar[tracklet_id]
        subject = self._subjects[tracklet_id]
        least = self._rules.least_similarity
        options: list[Option] = []
        for identity_id in sorted(similar, key=lambda i: (-similar[i], identity_order(i))):
            if len(options) > 1 and similar[identity_id] < least:
                break
            if identity_id == self._besides.get(tracklet_id):
                continue
            odds = self._roster.odds(identity_id, subject.tracklet)
            if odds > 0:
                level = self._level(subject, identity_id)
                probability = float(self._rules.calibration.probability(level, odds))
                options.append(Option(identity_id, similar[identity_id], probability))
        return sorted(options, key=lambda o: (-o.probability, identity_order(o.identity_id)))

    def _level(self, subject: Subject, identity_id: str) -> float:
        """What a subject's similarities to all exemplars of an identity are worth together."""
        exemplars = self._roster.exemplars(identity_id)
        alike = similarities([exemplar.feature for exemplar in exemplars], [subject.feature])[0]
        cameras = [exemplar.decision.camera_id for exemplar in exemplars]
        levels = self._rules.site.levels(alike, cameras, subject.tracklet.camera_id)
        return self._rules.calibration.of_set(levels)


def identity_order(identity_id: str) -> tuple[int, str]:
    """Sorts ``P2`` before ``P10``.

    >>> sorted(["P10", "P2"], key=identity_order)
    ['P2', 'P10']
    """
    return len(identity_id), identity_id
