"""How long the store keeps what it knows of people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things about people are kept after they were last written, in seconds.

    Attributes:
        identities_s: Tracklets, features and sightings, each from its own last version; an identity
            from its last sighting.
        thumbnails_s: JPEG images.
        events_s: Events, which hold no biometric data; never less than `identities_s`.
    """

    identities_s: float
    thumbnails_s: float
    events_s: float

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            ValueError: One of them is not positive.
        """
        for name in ("identities_s", "thumbnails_s", "events_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"retention.{name} must be positive, got {getattr(self, name)}")
