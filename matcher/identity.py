"""The identity: our number for someone who was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Someone who was seen, as the store lists them.

    Attributes:
        identity_id: ``P1``, ``P2``, … in order of first decision.
        first_seen_at: Start of the first sighting, Unix seconds.
        last_seen_at: End of the last sighting.
        camera_ids: Cameras that saw the identity, sorted.
        num_sightings: Number of its tracklets.
    """

    identity_id: str
    first_seen_at: float
    last_seen_at: float
    camera_ids: tuple[str, ...]
    num_sightings: int
