"""How the matching of a site is doing, for displays and health checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatchStatus:
    """How the matching of a site is doing.

    Attributes:
        num_identities: Identities in the store.
        num_tracklets: Tracklets in the store, whatever their version.
        num_pending: Messages that were read and wait for their window.
        num_decisions: Decisions stored since the start.
        num_poison: Messages that could not be applied and were put aside.
        is_active: This is the site's active matcher, not one that waits for another.
        is_connected: The store answered last time.
    """

    num_identities: int
    num_tracklets: int
    num_pending: int
    num_decisions: int
    num_poison: int
    is_active: bool
    is_connected: bool
