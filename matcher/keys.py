"""Every key of a site in the store: the one module that knows their names.

The braces choose the Redis Cluster slot. What belongs to one camera or to one identity shares a
slot, so memory spreads over a cluster and no command ever touches two slots.

| key | type | holds | life |
|---|---|---|---|
| ``tracklets`` | stream | messages of the camera workers | trimmed after they are applied |
| ``dead-letters`` | stream | messages that could not be read | retention of identities |
| ``events`` | stream | decisions by window, corrections; no biometric data | `events_s` |
| ``commands`` | stream | what operators want, until it is done | until it is done |
| ``answer:COMMAND`` | string | what became of it | a day |
| ``aliases`` | hash | ids that lead to another identity's | as long as that one |
| ``constraints`` | hash | what operators ruled, with the event's number | as long as both names |
| ``forgotten`` | sorted set | ids of forgotten identities and tracklets, by time | `events_s` |
| ``erasure`` | string | a forgetting that is under way | until it is done |
| ``cursor`` | hash | the last event that is applied; the next identity number | for ever |
| ``lease`` | string | the one active matcher | seconds |
| ``identities`` | sorted set | identity by its last sighting's end | retention of identities |
| ``cameras`` | set | cameras that ever published | for ever |
| ``{c:CAMERA}:progress`` | hash | newest progress, as published and as consumed | for ever |
| ``{c:CAMERA}:gaps`` | sorted set | times without frames, by start | `events_s` |
| ``{c:CAMERA}:tracklet:ID`` | string | boxes and feature | retention of identities |
| ``{c:CAMERA}:thumbnails:ID`` | string | JPEG images | retention of thumbnails |
| ``{c:CAMERA}:sighting:ID`` | string | who it is, and why | retention of identities |
| ``{i:IDENTITY}:sightings`` | sorted set | tracklets by start | retention of identities |
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What sites, cameras and identities may be called: nothing that could break out of a key."""


def camera_of(tracklet_id: str) -> str:
    """The camera that a tracklet's id names.

    >>> camera_of("front-door-2-17")
    'front-door'

    Raises:
        ValueError: The text is no ``{camera_id}-{epoch}-{number}``.
    """
    camera_id, *numbers = tracklet_id.rsplit("-", 2)
    if len(numbers) != 2 or not NAME.fullmatch(camera_id):
        raise ValueError(
            f"{tracklet_id!r} is no tracklet id: expected CAMERA-EPOCH-NUMBER, such as cam1-1-42"
        )
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise ValueError(f"{tracklet_id!r} is no tracklet id: epoch and number must be digits")
    return camera_id


@dataclass(frozen=True, slots=True)
class SiteKeys:
    """Names of the keys of one site.

    >>> SiteKeys("shop").sighting("cam1-1-42")
    'crosscam:shop:{c:cam1}:sighting:cam1-1-42'

    Raises:
        ValueError: A site, camera, identity or tracklet has a name that no key may carry.
    """

    site: str

    def __post_init__(self) -> None:
        """Checks the name."""
        _checked("site", self.site)

    @property
    def tracklets(self) -> str:
        """Stream of messages from the camera workers."""
        return self._of_site("tracklets")

    @property
    def dead_letters(self) -> str:
        """Stream of messages that could not be read."""
        return self._of_site("dead-letters")

    @property
    def events(self) -> str:
        """Append-only stream of decisions."""
        return self._of_site("events")

    @property
    def events_anew(self) -> str:
        """The stream of events while it is written anew."""
        return self._of_site("events-anew")

    @property
    def commands(self) -> str:
        """Stream of operators' commands."""
        return self._of_site("commands")

    def answer(self, command_id: str) -> str:
        """What became of a command."""
        return self._of_site(f"answer:{_checked('command', command_id)}")

    @property
    def answers(self) -> str:
        """A pattern that matches every answer."""
        return self._of_site("answer:*")

    @property
    def aliases(self) -> str:
        """Hash: the identity to which an id leads."""
        return self._of_site("aliases")

    @property
    def constraints(self) -> str:
        """Hash: constraints with the number of their event."""
        return self._of_site("constraints")

    @property
    def forgotten(self) -> str:
        """Sorted set: ids of what was forgotten, by time."""
        return self._of_site("forgotten")

    @property
    def erasure(self) -> str:
        """A forgetting that is under way."""
        return self._of_site("erasure")

    @property
    def cursor(self) -> str:
        """Hash: the last applied event."""
        return self._of_site("cursor")

    @property
    def lease(self) -> str:
        """Token of the one active matcher."""
        return self._of_site("lease")

    @property
    def identities(self) -> str:
        """Sorted set: identity by the end of its last sighting."""
        return self._of_site("identities")

    @property
    def cameras(self) -> str:
        """Set of cameras."""
        return self._of_site("cameras")

    def progress(self, camera_id: str) -> str:
        """Hash: the camera's newest progress."""
        return self._of_camera(camera_id, "progress")

    def gaps(self, camera_id: str) -> str:
        """Sorted set: the camera's gaps by start."""
        return self._of_camera(camera_id, "gaps")

    def tracklet(self, tracklet_id: str) -> str:
        """Boxes and feature of a tracklet."""
        return self._of_camera(camera_of(tracklet_id), f"tracklet:{tracklet_id}")

    def thumbnails(self, tracklet_id: str) -> str:
        """JPEG images of a tracklet."""
        return self._of_camera(camera_of(tracklet_id), f"thumbnails:{tracklet_id}")

    def sighting(self, tracklet_id: str) -> str:
        """Who a tracklet is."""
        return self._of_camera(camera_of(tracklet_id), f"sighting:{tracklet_id}")

    def sightings(self, identity_id: str) -> str:
        """Sorted set: an identity's tracklets by start."""
        return f"crosscam:{self.site}:{{i:{_checked('identity', identity_id)}}}:sightings"

    @property
    def patterns(self) -> tuple[str, str]:
        """Patterns that match every key of the site, and no other's."""
        return self._of_site("*"), f"crosscam:{self.site}:*"

    def _of_site(self, name: str) -> str:
        return f"crosscam:{{{self.site}}}:{name}"

    def _of_camera(self, camera_id: str, name: str) -> str:
        return f"crosscam:{self.site}:{{c:{_checked('camera', camera_id)}}}:{name}"


def _checked(kind: str, name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{kind} {name!r}: a name is made of letters, digits, '_', '.' and '-'")
    return name
