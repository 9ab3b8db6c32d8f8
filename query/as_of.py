"""Who was who at an earlier moment, as it was known then: rebuilt from the event stream."""

from __future__ import annotations

from matcher.decision import Decision
from matcher.identity import Identity
from matcher.sighting import Sighting
from matcher.store import FeatureStore
from matcher.who_is_who import WhoIsWho
from query.errors import QueryError


def who_at(store: FeatureStore, moment: float) -> WhoIsWho:
    """Who was who after an event.

    Args:
        store: The site's store.
        moment: The number of an event as an int, or a moment as Unix seconds: what was written up
            to it counts. 0 is before everything.

    Raises:
        QueryError: The events up to it are not kept any more, or there is no such event.
        StoreError: The store cannot be reached or refuses.
    """
    number = moment if isinstance(moment, int) else store.event_at(moment)
    first = next(store.events(), None)
    if first is not None and first.number > 1 and number < first.number:
        raise QueryError(
            f"the events up to number {number} are not kept any more; the first that is has number "
            f"{first.number} (retention.events_days)"
        )
    who = WhoIsWho()
    for event in store.events():
        if event.number > number:
            break
        who.follow(event)
    if isinstance(moment, int) and who.number < number:
        raise QueryError(f"there is no event {number} yet; the last one has number {who.number}")
    return who


def identities_at(
    store: FeatureStore, moment: float, *, since: float | None = None, until: float | None = None
) -> list[Identity]:
    """Identities as they were known, in order of their number; see `who_at`.

    Args:
        store: The site's store.
        moment: The number of an event, or Unix seconds.
        since: Leave out those whose last sighting ended before.
        until: Leave out those whose first sighting started after.

    Raises:
        QueryError: See `who_at`.
        StoreError: The store cannot be reached or refuses.
    """
    return [
        identity
        for identity in who_at(store, moment).identities()
        if (since is None or identity.last_seen_at >= since)
        and (until is None or identity.first_seen_at <= until)
    ]


def sighting_of(decision: Decision) -> Sighting:
    """What a decision says as a sighting; it tells nothing of boxes, thumbnails and quality."""
    return Sighting(
        identity_id=decision.identity_id,
        tracklet_id=decision.tracklet_id,
        camera_id=decision.camera_id,
        started_at=decision.started_at,
        ended_at=decision.ended_at,
        similarity=decision.similarity,
        probability=decision.probability,
        runner_up_id=decision.runner_up_id,
        runner_up_probability=decision.runner_up_probability,
        version=decision.version,
        is_final=decision.is_final,
        num_boxes=0,
        num_thumbnails=0,
        quality=0.0,
        reasons=decision.reasons,
    )
