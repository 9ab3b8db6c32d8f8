"""Who was taken for whom when: the identities of tracklets as the event stream tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from matcher.event_log import StoreEvent


@dataclass(frozen=True, slots=True)
class Placement:
    """A tracklet is an identity's from a moment on.

    Attributes:
        tracklet_id: Which track.
        identity_id: Whose, by the name of then.
        at: Stream time, Unix seconds.
        is_first: Nothing was decided of the tracklet before.
    """

    tracklet_id: str
    identity_id: str
    at: float
    is_first: bool


def placements(events: Iterable[StoreEvent]) -> Iterator[Placement]:
    """What the matcher decided and corrected by itself, in order; operators' work is left out."""
    for event in events:
        for decision in event.decisions:
            yield Placement(
                decision.tracklet_id, decision.identity_id, decision.decided_at, decision.is_first
            )
        correction = event.correction
        if correction is not None and correction.is_automatic:
            for move in correction.effects.moves:
                yield Placement(move.tracklet_id, move.to_id, correction.made_at, is_first=False)
