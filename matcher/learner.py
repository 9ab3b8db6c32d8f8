"""What the matcher learns of its site while it works: travel times, and how alike people are there.

Only final versions teach, and what they teach holds from the next minute of stream time on. So the
knowledge of any moment follows from the final tracklets that were decided before that minute: it
does not depend on how the stream was cut into batches, and is the same when the tracklets come from
the store after a restart. One thing differs then: what was corrected meanwhile teaches as it was
corrected, while a matcher that goes on has learned the former identities before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from matcher.calibration import CalibrationOf
from matcher.decision import Decision
from matcher.different_people import DifferentPeople, Witness
from matcher.site_calibration import SiteCalibration
from matcher.topology import Topology
from matcher.tracklet import Tracklet
from matcher.travel_times import TravelTimes

LEARN_EVERY_S = 60.0

_SURE = 0.9
"""A link teaches from this probability on, by its similarity alone, and if it is not ambiguous."""


class Learner:
    """Learns from decisions in their order.

    Args:
        topology: Of the site, as the settings say.
        calibration_of: Of a space, before anything is learned.
    """

    def __init__(self, topology: Topology, calibration_of: CalibrationOf) -> None:
        self._topology = topology
        self._calibration_of = calibration_of
        self._people: dict[str, DifferentPeople] = {}
        self._calibrations: dict[str, SiteCalibration] = {}
        self._waiting: list[tuple[Decision, Witness]] = []
        self._minute = -math.inf
        self.travel_times = TravelTimes(topology.camera_ids)
        """What was learned of them."""

    @property
    def spaces(self) -> list[str]:
        """Spaces that were met, sorted."""
        return sorted(self._calibrations)

    def calibration(self, space: str) -> SiteCalibration:
        """The site's calibration of a space; it changes with what is learned."""
        if space not in self._calibrations:
            people = DifferentPeople(self._topology.camera_ids, self._topology)
            self._people[space] = people
            self._calibrations[space] = SiteCalibration(self._calibration_of(space), people)
        return self._calibrations[space]

    def people(self, space: str) -> DifferentPeople:
        """The site's different people in a space."""
        self.calibration(space)
        return self._people[space]

    def advance(self, now: float) -> None:
        """Lets hold what was learned until the minute of stream time before; call it in order."""
        minute = math.floor(now / LEARN_EVERY_S)
        if minute <= self._minute:
            return
        self._minute = minute
        waiting = sorted(self._waiting, key=lambda item: (item[0].decided_at, item[0].tracklet_id))
        self._waiting = []
        for decision, witness in waiting:
            self.travel_times.learn(decision, is_sure=self._is_sure(decision, witness.space))
            self.people(witness.space).learn(witness, decision.decided_at)
        self.travel_times.refresh(now)
        for space, people in self._people.items():
            people.refresh(now)
            self._calibrations[space].refresh()

    def observe(self, decision: Decision, tracklet: Tracklet) -> None:
        """Takes a decision with its tracklet; only final ones teach."""
        if decision.is_final:
            self._waiting.append((decision, Witness.of(tracklet)))

    def fold(self, identity_id: str, into_id: str) -> None:
        """Makes one of two identities, as a correction did."""
        self.travel_times.fold(identity_id, into_id)

    def forget(self, names: Collection[str]) -> None:
        """Forgets identities and tracklets by their names."""
        self._waiting = [
            (decision, witness)
            for decision, witness in self._waiting
            if decision.tracklet_id not in names and decision.identity_id not in names
        ]
        self.travel_times.forget(names)
        for people in self._people.values():
            people.forget(names)

    def expire(self, before: float) -> None:
        """Forgets identities that were seen last before a moment of stream time."""
        self.travel_times.expire(before)

    def _is_sure(self, decision: Decision, space: str) -> bool:
        if decision.similarity is None or decision.is_ambiguous:
            return False
        alone = self._calibration_of(space).probability(decision.similarity)
        return float(alone) >= _SURE


def learned(
    decided: Iterable[tuple[Decision, Tracklet]],
    topology: Topology,
    calibration_of: CalibrationOf,
) -> Learner:
    """What a matcher has learned that decided these tracklets, with the last minute.

    Args:
        decided: The latest version of each tracklet with its decision, in order of decision.
        topology: Of the site, as the settings say.
        calibration_of: Of a space, before anything is learned.
    """
    learner = Learner(topology, calibration_of)
    newest_at = -math.inf
    for decision, tracklet in decided:
        newest_at = max(newest_at, decision.decided_at)
        learner.advance(decision.decided_at)
        learner.observe(decision, tracklet)
    if math.isfinite(newest_at):
        learner.advance(newest_at + LEARN_EVERY_S)
    return learner
