"""A person's way: sightings in order of time, with the hops and gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matcher.sighting import Sighting
from matcher.store import FeatureStore
from query.as_of import sighting_of, who_at
from query.errors import UnknownIdError


@dataclass(frozen=True, slots=True)
class Transition:
    """From one camera's view into another's.

    Attributes:
        from_camera_id: The camera that was left.
        to_camera_id: The camera that was entered.
        left_at: End of the earlier sighting, Unix seconds.
        arrived_at: Start of the later one.
        probability: Probability of the later sighting.
    """

    from_camera_id: str
    to_camera_id: str
    left_at: float
    arrived_at: float
    probability: float

    @property
    def travel_s(self) -> float:
        """Seconds between the two views; negative where the views overlap."""
        return self.arrived_at - self.left_at


@dataclass(frozen=True, slots=True)
class Unseen:
    """Nobody saw the person from `started_at` to `ended_at`, Unix seconds."""

    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The answer to "where was this person?".

    Attributes:
        identity_id: Who; where an id was asked that leads to another one, that one.
        sightings: In order of start, then of end.
        gaps: Times between the first and the last sighting in which no camera saw the person.
        transitions: Changes of camera, in order.
    """

    identity_id: str
    sightings: tuple[Sighting, ...]
    gaps: tuple[Unseen, ...]
    transitions: tuple[Transition, ...]


def trajectory_of(
    store: FeatureStore,
    identity_id: str,
    *,
    since: float | None = None,
    until: float | None = None,
    as_of: float | None = None,
) -> Trajectory:
    """The trajectory of an identity, or of the one that its id leads to.

    Args:
        store: The site's store.
        identity_id: Who.
        since: Leave out sightings that ended before, Unix seconds.
        until: Leave out sightings that started after.
        as_of: As it was known then: the number of an event as an int, or Unix seconds; None: now.

    Raises:
        UnknownIdError: No identity has, or had then, this id.
        QueryError: The events up to `as_of` are not kept.
        StoreError: The store cannot be reached or refuses.
    """
    if as_of is not None:
        return _trajectory_at(store, identity_id, as_of, since, until)
    resolved = store.resolve(identity_id)
    if store.identity(resolved) is None:
        if store.links.is_forgotten(identity_id):
            raise UnknownIdError(f"{identity_id} was forgotten")
        raise UnknownIdError(
            f"no identity {identity_id!r}: `crosscam identities` lists the known ones; "
            "those past their retention are gone"
        )
    return trajectory(resolved, store.sightings(resolved, since=since, until=until))


def trajectory(identity_id: str, sightings: Sequence[Sighting]) -> Trajectory:
    """The trajectory made of some sightings; none give an empty one."""
    ordered = tuple(sorted(sightings, key=lambda s: (s.started_at, s.ended_at, s.tracklet_id)))
    return Trajectory(identity_id, ordered, _gaps(ordered), _transitions(ordered))


def gap_before_s(sightings: Sequence[Sighting], position: int) -> float | None:
    """Seconds between this sighting's start and the latest end before it; None for the first.

    Negative where the person was still seen elsewhere (overlapping cameras).
    """
    if position == 0:
        return None
    latest = max(sighting.ended_at for sighting in sightings[:position])
    return sightings[position].started_at - latest


def _trajectory_at(
    store: FeatureStore,
    identity_id: str,
    as_of: float,
    since: float | None,
    until: float | None,
) -> Trajectory:
    who = who_at(store, as_of)
    resolved = who.resolve(identity_id)
    tracklets = who.tracklets(resolved)
    if not tracklets:
        raise UnknownIdError(f"there was no identity {identity_id!r} at that moment")
    sightings = [
        sighting_of(decision)
        for decision in tracklets
        if (since is None or decision.ended_at >= since)
        and (until is None or decision.started_at <= until)
    ]
    return trajectory(resolved, sightings)


def _gaps(ordered: tuple[Sighting, ...]) -> tuple[Unseen, ...]:
    gaps = []
    seen_until = ordered[0].ended_at if ordered else 0.0
    for sighting in ordered[1:]:
        if sighting.started_at > seen_until:
            gaps.append(Unseen(seen_until, sighting.started_at))
        seen_until = max(seen_until, sighting.ended_at)
    return tuple(gaps)


def _transitions(ordered: tuple[Sighting, ...]) -> tuple[Transition, ...]:
    return tuple(
        Transition(
            from_camera_id=earlier.camera_id,
            to_camera_id=later.camera_id,
            left_at=earlier.ended_at,
            arrived_at=later.started_at,
            probability=later.probability,
        )
        for earlier, later in pairwise(ordered)
        if earlier.camera_id != later.camera_id
    )
