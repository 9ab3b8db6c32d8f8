"""What a camera worker publishes besides tracklets: how far a camera is, and where it was blind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CameraState = Literal["running", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class CameraProgress:
    """All tracklets of the camera emitted up to `watermark_at` were published before this message.

    Attributes:
        camera_id: The camera.
        watermark_at: Stream time, Unix seconds; never falls within an epoch.
        next_index: Index of the first frame not worked on yet; a restarted worker begins there.
        epoch: Number of the tracker's life; a restart after a crash begins the next one.
        state: ``running``; ``lost`` (no frames now: not waited for); ``ended`` (file done).
        is_live: Live cameras are waited for only `matcher.max_delay_s`.
        source: Fingerprint of the source (no credentials); another one starts anew.
    """

    camera_id: str
    watermark_at: float
    next_index: int
    epoch: int
    state: CameraState
    is_live: bool
    source: str


@dataclass(frozen=True, slots=True)
class CameraGap:
    """The camera delivered nothing between two moments.

    Attributes:
        camera_id: The camera.
        started_at: Stream time of the last frame before.
        ended_at: Stream time of the first frame after; None while the gap lasts.
        reason: For people: what was seen, without credentials.
    """

    camera_id: str
    started_at: float
    ended_at: float | None
    reason: str
