"""The intake: which tracklets can be matched at all; the others are refused and counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection

from matcher.clock_watch import ClockWatch
from matcher.errors import MatcherError, SpaceError
from matcher.tracklet import Tracklet


class Intake:
    """Checks tracklets when they come.

    Args:
        camera_ids: All cameras of the site.
        clocks: What is known of their clocks.
    """

    def __init__(self, camera_ids: Collection[str], clocks: ClockWatch) -> None:
        self._camera_ids = camera_ids
        self._clocks = clocks
        self._dims: dict[str, int] = {}
        self.refused: Counter[str] = Counter()
        """Refused tracklets by reason; see `MatchStats`."""

    def know(self, tracklet: Tracklet) -> None:
        """Takes a tracklet that was let in before a restart."""
        self._dims.setdefault(tracklet.space, len(tracklet.feature))

    def check(self, tracklet: Tracklet, silent: Collection[str] = ()) -> None:
        """Lets a tracklet in, or refuses it.

        Args:
            tracklet: That has come.
            silent: Cameras that were not heard of for long.

        Raises:
            MatcherError: Its camera is unknown, or its times cannot be.
            SpaceError: Its feature has another length than the others of its space have.
        """
        where = f"tracklet {tracklet.tracklet_id!r} version {tracklet.version}"
        if tracklet.camera_id not in self._camera_ids:
            self.refused["unknown camera"] += 1
            raise MatcherError(
                f"{where}: the site has no camera {tracklet.camera_id!r}; add it to the site file, "
                "or stop its worker"
            )
        if not math.isfinite(tracklet.started_at + tracklet.emitted_at):
            self.refused["time"] += 1
            raise MatcherError(f"{where}: its times are no moments; look at the camera's clock")
        ahead_s = self._clocks.ahead_s(tracklet.camera_id, tracklet.emitted_at, silent)
        if ahead_s is not None:
            self.refused["clock ahead"] += 1
            raise MatcherError(
                f"{where}: it is {ahead_s / 3600:.1f} h ahead of all other cameras; set the clock "
                f"of camera {tracklet.camera_id!r} or of the machine its worker runs on"
            )
        dim = self._dims.setdefault(tracklet.space, len(tracklet.feature))
        if dim != len(tracklet.feature):
            self.refused["feature length"] += 1
            raise SpaceError(
                f"{where}: its feature has {len(tracklet.feature)} values, others of the space "
                f"{tracklet.space!r} have {dim}; two models must not share a name"
            )
