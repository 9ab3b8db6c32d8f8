"""The matcher: links the tracklets of all cameras of a site to identities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from config.schema import MatcherSettings
from matcher.calibration import Calibration, CalibrationOf, built_in_calibration, load_calibration
from matcher.camera_progress import CameraProgress
from matcher.candidates import Rules, Subject
from matcher.decision import Decision
from matcher.errors import MatcherError, SpaceError
from matcher.linking import WindowLinker
from matcher.revision import revise
from matcher.roster import Roster
from matcher.topology import CameraPair, Topology
from matcher.tracklet import Tracklet
from matcher.window import Window, Windows


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """How careful and how thorough linking is; see `MatcherSettings`.

    Attributes:
        window_s: Tracklets emitted within so much stream time are decided together, > 0.
        false_match_rate: Sets the least probability of a link where `min_probability` is None, in
            (0, 1).
        min_probability: Least probability of a link, in [0, 1].
        candidates: Nearest exemplars that are looked at per tracklet, >= 1.
        exemplars_per_camera: Features kept per identity and camera, >= 1.
    """

    window_s: float = 0.5
    false_match_rate: float = 0.01
    min_probability: float | None = None
    candidates: int = 50
    exemplars_per_camera: int = 4


@dataclass(frozen=True, slots=True)
class MatchStats:
    """What happened so far, as counts since the start of the process.

    Attributes:
        num_decided: Tracklet versions that were decided.
        num_moved: Decisions that gave a decided tracklet another identity.
        num_identities: Identities known now.
        num_duplicates: Versions that were pending or decided already.
        num_outdated: Versions that were dropped, as a later one is decided or in the same window.
        num_late: Versions that arrived after their window had been decided.
        refused: Refused tracklets by reason: ``unknown camera``, ``feature length``, ``space
            changed``.
    """

    num_decided: int
    num_moved: int
    num_identities: int
    num_duplicates: int
    num_outdated: int
    num_late: int
    refused: dict[str, int]


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
        self._topology = topology
        self._calibration = calibration
        self._rules: dict[str, Rules] = {}
        self._windows = Windows(policy.window_s, topology.camera_ids)
        self._roster = Roster(
            topology,
            per_camera=policy.exemplars_per_camera,
            least_similarity=lambda space: self._rules_of(space).calibration.midpoint,
        )
        self._next_number = 1
        self._dims: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def restore(
        self, decided: Iterable[tuple[Decision, Tracklet]], *, next_identity_number: int
    ) -> None:
        """Takes over what was decided before a restart; called once, before the first `offer`.

        Args:
            decided: The latest version of each tracklet with its decision, in order of decision.
            next_identity_number: Number of the next new identity.
        """
        for decision, tracklet in decided:
            self._dims.setdefault(tracklet.space, len(tracklet.feature))
            self._roster.put(Subject.of(tracklet).member(decision))
            self._windows.resume(decision.decided_at)
        self._roster.refresh()
        self._next_number = next_identity_number

    def offer(self, message: Tracklet | CameraProgress) -> None:
        """Takes a message into its window.

        A version that is pending or decided already, or older than a decided one, is ignored and
        counted. What is not `pending` afterwards needs no second delivery.

        Raises:
            MatcherError: A tracklet of an unknown camera; it is counted.
            SpaceError: A feature of another length than the others of its space have; it is
            counted.
        """
        if isinstance(message, CameraProgress):
            self._windows.advance(message)
            return
        self._check(message)
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
        return self._decide_all(self._windows.take_due(stalled))

    def flush(self) -> list[list[Decision]]:
        """Decides everything that is pending, waiting for no camera; returns what `decide` does."""
        return self._decide_all(self._windows.take_all())

    def expire(self, before: float) -> int:
        """Forgets tracklets that ended before a moment of stream time, and identities without any.

        Returns:
            The number of tracklets forgotten.
        """
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
            refused=dict(self._refused),
        )

    def _check(self, tracklet: Tracklet) -> None:
        where = f"tracklet {tracklet.tracklet_id!r} version {tracklet.version}"
        if tracklet.camera_id not in self._topology.camera_ids:
            self._refused["unknown camera"] += 1
            raise MatcherError(
                f"{where}: the site has no camera {tracklet.camera_id!r}; add it to the site file, "
                "or stop its worker"
            )
        dim = self._dims.setdefault(tracklet.space, len(tracklet.feature))
        if dim != len(tracklet.feature):
            self._refused["feature length"] += 1
            raise SpaceError(
                f"{where}: its feature has {len(tracklet.feature)} values, others of the space "
                f"{tracklet.space!r} have {dim}; two models must not share a name"
            )

    def _decide_all(self, windows: Iterable[Window]) -> list[list[Decision]]:
        decided = [self._decide(window) for window in windows]
        return [decisions for decisions in decided if decisions]

    def _decide(self, window: Window) -> list[Decision]:
        """Later versions first, so that new tracklets meet what is known by now."""
        new: dict[str, list[Tracklet]] = {}
        later: dict[str, list[Tracklet]] = {}
        for tracklet in self._newest(window):
            is_new = self._roster.decision(tracklet.tracklet_id) is None
            (new if is_new else later).setdefault(tracklet.space, []).append(tracklet)
        decisions: list[Decision] = []
        for space in sorted(later):
            revised = revise(later[space], self._roster, self._rules_of(space), window.ended_at)
            self._counts["moved"] += sum(not is_kept for _, is_kept in revised)
            decisions += [decision for decision, _ in revised]
        for space in sorted(new):
            linker = WindowLinker(
                self._roster, self._topology, self._rules_of(space), self._new_identity
            )
            decisions += linker.link(new[space], window.ended_at)
        self._counts["decided"] += len(decisions)
        return decisions

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
                self._refused["space changed"] += 1
            else:
                told.append(tracklet)
        return told

    def _rules_of(self, space: str) -> Rules:
        if space not in self._rules:
            calibration = self._calibration
            if not isinstance(calibration, Calibration):
                calibration = calibration(space)
            least = self._policy.min_probability
            if least is None:
                least = calibration.threshold(self._policy.false_match_rate)
            self._rules[space] = Rules(calibration, least, self._policy.candidates)
        return self._rules[space]

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
    pairs: list[tuple[tuple[str, str], CameraPair]] = []
    for pair in settings.topology:
        try:
            known = CameraPair(pair.min_s, pair.max_s, pair.overlap, pair.is_possible)
        except ValueError as error:
            names = " and ".join(pair.cameras)
            raise MatcherError(f"matcher.topology: the pair {names}: {error}") from error
        pairs.append((pair.cameras, known))
    return Matcher(
        policy=MatchPolicy(
            window_s=settings.window_s,
            false_match_rate=settings.false_match_rate,
            min_probability=settings.min_probability,
            candidates=settings.candidates,
            exemplars_per_camera=settings.exemplars_per_camera,
        ),
        topology=Topology(camera_ids, pairs, CameraPair(overlap=settings.overlap)),
        calibration=(
            built_in_calibration
            if settings.calibration is None
            else load_calibration(settings.calibration)
        ),
    )
