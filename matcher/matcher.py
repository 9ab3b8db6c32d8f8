"""The matcher: links the tracklets of all cameras of a site to identities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from config.schema import MatcherSettings
from matcher.calibration import Calibration, CalibrationOf, built_in_calibration, load_calibration
from matcher.camera_progress import CameraProgress
from matcher.candidates import Rules, Subject
from matcher.clock_watch import ClockWatch
from matcher.constraints import Constraints
from matcher.correction import Constraint, Correction
from matcher.decision import Decision
from matcher.errors import MatcherError
from matcher.explanation import reasons_of
from matcher.intake import Intake
from matcher.learner import Learner
from matcher.linking import WindowLinker
from matcher.match_policy import MatchPolicy, MatchStats
from matcher.projection import identity_number
from matcher.revision import revise
from matcher.roster import Roster
from matcher.self_correction import SelfCorrection
from matcher.topology import CameraPair, Topology
from matcher.tracklet import Tracklet
from matcher.who_is_who import heir
from matcher.window import Window, Windows

__all__ = ["MatchPolicy", "MatchStats", "Matcher", "Step", "build_matcher", "build_topology"]

Step = list[Decision] | Correction
"""What the matcher did: the decisions of one window, or a correction after it."""


class Matcher:
    """Links tracklets to identities.

    Pure: no clock, no I/O, no threads; the same messages give the same decisions. One thread uses
    an instance. A later version of a decided tracklet keeps its identity, with one
    exception: if its better crops are unlike the identity's other tracklets, or there are none, and
    another identity may be linked by the ordinary rules, it moves there. So a track whose first
    crops were poor does not stay alone, and a track that slipped from one person to another does
    not make one of both.

    Args:
        policy: How careful and thorough it is.
        topology: Cameras and ways; tracklets of other cameras are refused.
        calibration: Of all spaces, or a function that gives that of a space.
    """

    def __init__(
        self,
        *,
        policy: MatchPolicy,
        topology: Topology,
        calibration: Calibration | CalibrationOf = built_in_calibration,
    ) -> None:
        self._policy = policy
        self._calibration = calibration
        self._learner = Learner(topology, self._calibration_of)
        topology = topology.learning(self._learner.travel_times)
        self._topology = topology
        self._rules: dict[str, Rules] = {}
        self._windows = Windows(policy.window_s, topology.camera_ids)
        self._clocks = ClockWatch()
        self._intake = Intake(topology.camera_ids, self._clocks)
        self._silent: frozenset[str] = frozenset()
        """Cameras that the caller has not heard of for long."""
        self._roster = Roster(
            topology,
            per_camera=policy.exemplars_per_camera,
            least_similarity=lambda space: self._rules_of(space).calibration.midpoint,
        )
        self._self_correction = SelfCorrection(self._roster, self._rules_of, self._new_identity)
        self._unsettled: list[Decision] = []
        """Of the last window before a restart: what follows from it may not be stored."""
        self._next_number = 1
        self._counts: Counter[str] = Counter()

    def restore(
        self, decided: Iterable[tuple[Decision, Tracklet]], *, next_identity_number: int
    ) -> None:
        """Takes over what was decided before a restart; called once, before the first `offer`.

        Args:
            decided: The latest version of each tracklet with its decision, in order of decision.
            next_identity_number: Number of the next new identity.
        """
        for decision, tracklet in decided:
            self._intake.know(tracklet)
            self._roster.put(Subject.of(tracklet).member(decision))
            self._windows.resume(decision.decided_at)
            self._learner.advance(decision.decided_at)
            self._learn(decision, tracklet)
            if self._unsettled and self._unsettled[-1].decided_at != decision.decided_at:
                self._unsettled.clear()
            self._unsettled.append(decision)
        self._roster.refresh()
        self._next_number = next_identity_number

    def offer(self, message: Tracklet | CameraProgress) -> None:
        """Takes a message into its window.

        A version that is pending or decided already, or older than a decided one, is ignored and
        counted. What is not `pending` afterwards needs no second delivery.

        Raises:
            MatcherError: A tracklet of an unknown camera, or whose times cannot be; it is counted.
            SpaceError: A feature of another length than the others of its space have; it is
                counted.
        """
        if isinstance(message, CameraProgress):
            self._clocks.hear(message)
            self._windows.advance(message)
            return
        self._intake.check(message, self._silent)
        key = (message.tracklet_id, message.version)
        decided = self._roster.decision(message.tracklet_id)
        if key in self._windows or (decided is not None and decided.version == message.version):
            self._counts["duplicates"] += 1
        elif decided is not None and decided.version > message.version:
            self._counts["outdated"] += 1
        else:
            self._windows.add(message)

    def decide(self, *, stalled: Collection[str] = ()) -> list[list[Decision]]:
        """Decides every window that all cameras have passed.

        Args:
            stalled: Live cameras that were not heard of for too long, by the caller's clock; like
                lost and ended ones they are not waited for.

        Returns:
            One list of decisions per window, oldest window first; the caller stores each list as a
            whole. Windows without a decision are left out.
        """
        return [step for step in self.steps(stalled=stalled) if isinstance(step, list)]

    def flush(self) -> list[list[Decision]]:
        """Decides everything that is pending, waiting for no camera; returns what `decide` does."""
        return [step for step in self.last_steps() if isinstance(step, list)]

    def steps(self, *, stalled: Collection[str] = ()) -> list[Step]:
        """What `decide` does, with the corrections that follow from each window behind it.

        The caller stores the steps one by one, in their order.
        """
        self._silent = frozenset(stalled)
        return self._work(self._windows.take_due(self._silent | self._clocks.lagging(stalled)))

    def last_steps(self) -> list[Step]:
        """What `flush` does, with the corrections."""
        return self._work(self._windows.take_all())

    def respect(self, constraints: Iterable[Constraint]) -> None:
        """Puts these constraints in force instead of those before.

        Args:
            constraints: Identities in them go by the ids that they have now.
        """
        self._roster.respect(Constraints(constraints))

    def follow(self, correction: Correction, tracklets: Mapping[str, Tracklet]) -> None:
        """Takes in what an operator corrected, once it is stored.

        Args:
            correction: That of the operator.
            tracklets: By id, all that are stored of the identities between which tracklets moved.
        """
        moves = {move.tracklet_id: move.to_id for move in correction.effects.moves}
        for tracklet_id in sorted(tracklets):
            known = self._roster.decision(tracklet_id)
            if known is not None:
                identity_id = moves.get(tracklet_id, known.identity_id)
                member = Subject.of(tracklets[tracklet_id]).member(
                    replace(known, identity_id=identity_id)
                )
                self._roster.put(member)
        for alias in correction.effects.merged:
            self._learner.fold(alias.identity_id, alias.into_id)
            gone = [n for n in self._roster.tracklet_ids(alias.identity_id) if n not in tracklets]
            self._roster.drop(gone)
        self._roster.refresh()
        highest = max(map(identity_number, moves.values()), default=0)
        self._next_number = max(self._next_number, highest + 1)

    def forget(self, tracklet_ids: Collection[str]) -> int:
        """Forgets tracklets of every version, decided or pending, in the indexes too.

        Returns:
            The number of decided tracklets that were forgotten.
        """
        self._windows.drop(tracklet_ids)
        self._learner.forget(tracklet_ids)
        return self._roster.drop(tracklet_ids)

    def decision(self, tracklet_id: str) -> Decision | None:
        """The latest decision of a tracklet, with the identity that corrections gave it."""
        return self._roster.decision(tracklet_id)

    @property
    def topology(self) -> Topology:
        """Of the site."""
        return self._topology

    def expire(self, before: float) -> int:
        """Forgets tracklets that ended before a moment of stream time, and identities without any.

        Returns:
            The number of tracklets forgotten.
        """
        self._learner.expire(before)
        return self._roster.expire(before)

    @property
    def pending(self) -> frozenset[tuple[str, int]]:
        """(tracklet id, version) of those not yet decided; others need no second delivery."""
        return self._windows.pending

    @property
    def stats(self) -> MatchStats:
        """Counts so far."""
        return MatchStats(
            num_decided=self._counts["decided"],
            num_moved=self._counts["moved"],
            num_identities=len(self._roster),
            num_duplicates=self._counts["duplicates"],
            num_outdated=self._counts["outdated"],
            num_late=self._windows.num_late,
            refused=dict(self._intake.refused),
        )

    def _work(self, windows: Iterable[Window]) -> list[Step]:
        steps: list[Step] = [*self._corrections(self._unsettled)]
        self._unsettled = []
        for window in windows:
            if decisions := self._decide(window):
                steps.append(decisions)
                steps += self._corrections(decisions)
        return steps

    def _corrections(self, decisions: Sequence[Decision]) -> list[Correction]:
        if not self._policy.corrections:
            return []
        found = self._self_correction.corrections(decisions)
        for alias in (alias for correction in found for alias in correction.effects.merged):
            self._learner.fold(alias.identity_id, alias.into_id)
        return found

    def _learn(self, decision: Decision, tracklet: Tracklet) -> None:
        if self._policy.learn:
            self._learner.observe(decision, tracklet)

    def _decide(self, window: Window) -> list[Decision]:
        """Later versions first, so that new tracklets meet what is known by now."""
        self._learner.advance(window.ended_at)
        new: dict[str, list[Tracklet]] = {}
        later: dict[str, list[Tracklet]] = {}
        for tracklet in self._newest(window):
            is_new = self._roster.decision(tracklet.tracklet_id) is None
            (new if is_new else later).setdefault(tracklet.space, []).append(tracklet)
        revised: list[tuple[Decision, bool]] = []
        for space in sorted(later):
            former = {t.tracklet_id: self._roster.identity_of(t.tracklet_id) for t in later[space]}
            told = revise(later[space], self._roster, self._rules_of(space), window.ended_at)
            self._rename(former, [decision for decision, is_kept in told if not is_kept])
            revised += told
        self._counts["moved"] += sum(not is_kept for _, is_kept in revised)
        decisions = [
            replace(decision, reasons=None) if is_kept else self._explained(decision)
            for decision, is_kept in revised
        ]
        for space in sorted(new):
            linker = WindowLinker(
                self._roster, self._topology, self._rules_of(space), self._new_identity
            )
            decisions += map(self._explained, linker.link(new[space], window.ended_at))
        self._counts["decided"] += len(decisions)
        newest = {tracklet.tracklet_id: tracklet for tracklet in window.tracklets}
        for decision in decisions:
            self._learn(decision, newest[decision.tracklet_id])
        return decisions

    def _explained(self, decision: Decision) -> Decision:
        if decision.reasons is not None:
            return decision
        rules = self._rules_of(self._roster.space(decision.identity_id))
        return replace(
            decision, reasons=reasons_of(decision, self._roster, rules.least_probability)
        )

    def _rename(self, former: Mapping[str, str | None], moved: Iterable[Decision]) -> None:
        """Lets constraints follow the last tracklets of identities that nobody is any more."""
        left: dict[str, dict[str, str]] = {}
        for decision in moved:
            identity_id = former[decision.tracklet_id]
            if identity_id is not None and identity_id not in self._roster:
                left.setdefault(identity_id, {})[decision.tracklet_id] = decision.identity_id
        if left and self._roster.constraints.all:
            names = {identity_id: heir(tracklets) for identity_id, tracklets in left.items()}
            self._roster.respect(self._roster.constraints.renamed(names))

    def _newest(self, window: Window) -> list[Tracklet]:
        """The newest version of each tracklet of a window, if it says something new; by id."""
        newest = {tracklet.tracklet_id: tracklet for tracklet in window.tracklets}
        self._counts["outdated"] += len(window.tracklets) - len(newest)
        told = []
        for tracklet in newest.values():
            known = self._roster.decision(tracklet.tracklet_id)
            if known is not None and known.version >= tracklet.version:
                self._counts["outdated"] += 1
            elif known is not None and self._roster.space(known.identity_id) != tracklet.space:
                self._intake.refused["space changed"] += 1
            else:
                told.append(tracklet)
        return told

    def _rules_of(self, space: str) -> Rules:
        if space not in self._rules:
            site = self._learner.calibration(space)
            least = self._policy.min_probability
            if least is None:
                least = site.base.threshold(self._policy.false_match_rate)
            self._rules[space] = Rules(site, least, self._policy.candidates)
        return self._rules[space]

    def _calibration_of(self, space: str) -> Calibration:
        known = self._calibration
        return known if isinstance(known, Calibration) else known(space)

    def _new_identity(self) -> str:
        self._next_number += 1
        return f"P{self._next_number - 1}"


def build_matcher(settings: MatcherSettings, camera_ids: Sequence[str]) -> Matcher:
    """The matcher of a site.

    Args:
        settings: The site's `matcher` settings.
        camera_ids: All cameras of the site.

    Raises:
        MatcherError: `matcher.topology` names an unknown camera or a pair twice, or contradicts
        itself; or
            `matcher.calibration` cannot be read.
    """
    return Matcher(
        policy=MatchPolicy(
            window_s=settings.window_s,
            false_match_rate=settings.false_match_rate,
            min_probability=settings.min_probability,
            candidates=settings.candidates,
            exemplars_per_camera=settings.exemplars_per_camera,
            corrections=settings.corrections,
            learn=settings.learn,
        ),
        topology=build_topology(settings, camera_ids),
        calibration=(
            built_in_calibration
            if settings.calibration is None
            else load_calibration(settings.calibration)
        ),
    )


def build_topology(settings: MatcherSettings, camera_ids: Sequence[str]) -> Topology:
    """The topology of a site, as its settings say.

    Args:
        settings: The site's `matcher` settings.
        camera_ids: All cameras of the site.

    Raises:
        MatcherError: `matcher.topology` names an unknown camera or a pair twice, or contradicts
        itself.
    """
    pairs: list[tuple[tuple[str, str], CameraPair]] = []
    for pair in settings.topology:
        try:
            known = CameraPair(pair.min_s, pair.max_s, pair.overlap, pair.is_possible)
        except ValueError as error:
            names = " and ".join(pair.cameras)
            raise MatcherError(f"matcher.topology: the pair {names}: {error}") from error
        pairs.append((pair.cameras, known))
    return Topology(camera_ids, pairs, CameraPair(overlap=settings.overlap))
