"""Where and when every identity was seen last, as columns: asked about all of them at once."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class LastSeen:
    """The last sighting of each identity, as far as it was told."""

    def __init__(self) -> None:
        self._row_of: dict[str, int] = {}
        self._names: list[str] = []
        self._cameras: Integers = np.zeros(16, np.int64)
        self._times: Floats = np.zeros((16, 2))  # start, end

    def __len__(self) -> int:
        """Number of identities."""
        return len(self._names)

    def note(self, identity_id: str, camera: int, started_at: float, ended_at: float) -> None:
        """Takes a sighting; one that ended earlier than what is known changes nothing."""
        row = self._row_of.get(identity_id)
        if row is None:
            row = self._row_of[identity_id] = len(self._names)
            self._names.append(identity_id)
            if row == len(self._cameras):
                self._cameras = np.concatenate([self._cameras, np.zeros_like(self._cameras)])
                self._times = np.concatenate([self._times, np.zeros_like(self._times)])
        elif (ended_at, started_at, camera) <= self._sighting(row):
            return
        self._cameras[row] = camera
        self._times[row] = started_at, ended_at

    def of(self, identity_id: str) -> tuple[int, float, float] | None:
        """Camera, start and end; None for an unknown identity."""
        row = self._row_of.get(identity_id)
        if row is None:
            return None
        ended_at, started_at, camera = self._sighting(row)
        return camera, started_at, ended_at

    def before(self, moment: float) -> tuple[Integers, Floats]:
        """Cameras and ends, each (N,), of those whose last sighting began before a moment."""
        num = len(self._names)
        is_before = self._times[:num, 0] < moment
        return self._cameras[:num][is_before], self._times[:num, 1][is_before]

    def fold(self, identity_id: str, into_id: str) -> None:
        """Makes one of two identities."""
        known = self.of(identity_id)
        if known is not None and identity_id != into_id:
            self.drop([identity_id])
            self.note(into_id, *known)

    def drop(self, identity_ids: Collection[str]) -> None:
        """Forgets identities; unknown ones are ignored."""
        for identity_id in identity_ids:
            row = self._row_of.pop(identity_id, None)
            if row is None:
                continue
            last = self._names.pop()
            if last != identity_id:  # the last row takes the free place
                end = len(self._names)
                self._names[row], self._row_of[last] = last, row
                self._cameras[row], self._times[row] = self._cameras[end], self._times[end]

    def expire(self, before: float) -> None:
        """Forgets identities whose last sighting ended before a moment."""
        ends = self._times[: len(self._names), 1]
        self.drop([self._names[row] for row in np.flatnonzero(ends < before)])

    def _sighting(self, row: int) -> tuple[float, float, int]:
        started_at, ended_at = self._times[row].tolist()
        return ended_at, started_at, int(self._cameras[row])
