"""The presence: that somebody was in a camera's view for a time, and what two of them rule out."""

from __future__ import annotations

from typing import Protocol

TOLERANCE_S = 0.2
"""Two presences may overlap by nearly this much and still follow each other: a tracker that loses
a person and finds them again can hold both tracks for some frames, and cameras' clocks differ."""

OPEN_FOR_S = 120.0
"""A track that has not ended goes on unseen by the matcher for at most this long after its last
published box (trackers close longer tracks; see ``tracker.max_length_s``)."""


class Presence(Protocol):
    """What tracklets and decisions have in common: a track in one camera from then to then."""

    @property
    def tracklet_id(self) -> str:
        """The track; ``{camera_id}-{epoch}-{number}``."""
        ...

    @property
    def camera_id(self) -> str:
        """The camera."""
        ...

    @property
    def started_at(self) -> float:
        """Unix seconds."""
        ...

    @property
    def ended_at(self) -> float:
        """Unix seconds, as far as published."""
        ...

    @property
    def is_final(self) -> bool:
        """The track has ended; if not, the person may still be there."""
        ...


def in_order(one: Presence, other: Presence) -> tuple[Presence, Presence]:
    """The two, the one that began earlier first."""
    if (other.started_at, other.tracklet_id) < (one.started_at, one.tracklet_id):
        return other, one
    return one, other


def away_s(one: Presence, other: Presence) -> float:
    """Seconds between two presences; negative: so long they overlapped, or may have overlapped.

    A track that has not ended counts as still there, unless the other one is of a later life
    (epoch) of the same camera's tracker: the former life's tracks are over then, whether or not it
    could say so.
    """
    first, second = in_order(one, other)
    is_over = first.is_final or (
        first.camera_id == second.camera_id and _life(first) != _life(second)
    )
    end = first.ended_at if is_over else first.ended_at + OPEN_FOR_S
    return second.started_at - end


def _life(presence: Presence) -> str:
    """The tracker's life that a track belongs to: its id without the number."""
    return presence.tracklet_id.rpartition("-")[0]
