"""The occupancy: where an identity was, and whether it can have been elsewhere too."""

from __future__ import annotations

from bisect import bisect_left, insort

from matcher.presence import Presence
from matcher.topology import Topology


class Occupancy:
    """The presences of one identity, ordered by camera and time.

    Presences in one camera follow each other (that is what it is asked for before one is added), so
    a new one has to be compared with its two neighbours in each camera only.
    """

    def __init__(self) -> None:
        self._by_camera: dict[str, list[Presence]] = {}

    @property
    def camera_ids(self) -> frozenset[str]:
        """Cameras with at least one presence."""
        return frozenset(self._by_camera)

    def add(self, presence: Presence) -> None:
        """Notes a presence; one of the same tracklet must have been removed before."""
        insort(self._by_camera.setdefault(presence.camera_id, []), presence, key=_start)

    def remove(self, presence: Presence) -> None:
        """Forgets a presence that was added."""
        presences = self._by_camera[presence.camera_id]
        del presences[bisect_left(presences, _start(presence), key=_start)]
        if not presences:
            del self._by_camera[presence.camera_id]

    def conflicts(self, presence: Presence, topology: Topology) -> list[Presence]:
        """The presences that one person cannot have made together with this one, by camera."""
        return [
            neighbour
            for camera_id in sorted(self._by_camera)
            for neighbour in self._neighbours(camera_id, presence)
            if topology.excludes(neighbour, presence)
        ]

    def before(self, presence: Presence) -> Presence | None:
        """The presence that ended last of those that began before this one; None: there is none."""
        return max(
            (
                neighbour
                for camera_id in self._by_camera
                for neighbour in self._neighbours(camera_id, presence)
                if _start(neighbour) < _start(presence)
            ),
            key=lambda n: (n.ended_at, n.tracklet_id),
            default=None,
        )

    def odds(self, presence: Presence, topology: Topology) -> float:
        """Factor in [0, 1] on the odds that this presence is the identity's too; 0: it cannot be.

        A presence of the same tracklet does not count.
        """
        neighbours = [
            neighbour
            for camera_id in sorted(self._by_camera)
            for neighbour in self._neighbours(camera_id, presence)
        ]
        if any(topology.excludes(neighbour, presence) for neighbour in neighbours):
            return 0.0
        before = [n for n in neighbours if _start(n) < _start(presence)]
        after = [n for n in neighbours if _start(n) > _start(presence)]
        direct = []
        if before:
            direct.append(max(before, key=lambda n: (n.ended_at, n.tracklet_id)))
        if after:
            direct.append(min(after, key=_start))
        return min((topology.direct_odds(n, presence) for n in direct), default=1.0)

    def _neighbours(self, camera_id: str, presence: Presence) -> list[Presence]:
        """The presences of a camera that began last before, and first after the given one."""
        presences = self._by_camera[camera_id]
        place = bisect_left(presences, _start(presence), key=_start)
        after = presences[place : place + 2]
        if after and after[0].tracklet_id == presence.tracklet_id:
            del after[0]
        return presences[max(place - 1, 0) : place] + after[:1]


def _start(presence: Presence) -> tuple[float, str]:
    return presence.started_at, presence.tracklet_id
