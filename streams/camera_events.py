"""What happens to a camera besides its frames: opened, lost, back, ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.source import SourceInfo

EventKind = Literal["opened", "lost", "recovered", "ended", "failed", "corrupt"]


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """A change in the state of a camera, in order with its frames.

    Attributes:
        camera_id: The camera.
        kind: ``opened`` before its first frame; ``lost`` when a live camera gives no frames (it is
            opened again by itself); ``recovered`` before the first frame after that; ``corrupt``
            when a file was damaged, followed by ``ended``; ``ended`` after the last frame of a
            file; ``failed`` when nothing can come any more.
        at: Unix seconds: the next frame's timestamp (opened, recovered), else the last frame's, or
            the moment of the event if there was no frame.
        message: For people, without credentials.
        info: What is known of the source, if it was open.
        gap: (from, to) in timestamps, of ``recovered``: the last frame before and the first after.
    """

    camera_id: str
    kind: EventKind
    at: float
    message: str
    info: SourceInfo | None = None
    gap: tuple[float, float] | None = None


class CameraStory:
    """Turns what a reader sees into events at the changes only: one loss is told once."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._was_opened = False
        self._lost_at: float | None = None
        self.info: SourceInfo | None = None
        self.last_at: float | None = None

    @property
    def is_lost(self) -> bool:
        """The camera is lost now."""
        return self._lost_at is not None

    def frame(self, timestamp: float) -> list[CameraEvent]:
        """A frame came; the events belong before it."""
        events = []
        if not self._was_opened:
            self._was_opened = True
            events.append(self._event("opened", timestamp, _description(self.info)))
        if self._lost_at is not None:
            gap = (self._lost_at, max(timestamp, self._lost_at))
            self._lost_at = None
            message = f"frames again after {gap[1] - gap[0]:.1f} s"
            events.append(self._event("recovered", timestamp, message, gap))
        self.last_at = timestamp
        return events

    def lost(self, message: str, now: float) -> list[CameraEvent]:
        """No frames come, or the source cannot be opened; `now` in Unix seconds."""
        if self._lost_at is not None:
            return []
        self._lost_at = now if self.last_at is None else self.last_at
        return [self._event("lost", self._lost_at, message)]

    def over(
        self, kind: Literal["ended", "failed", "corrupt"], message: str, now: float
    ) -> list[CameraEvent]:
        """The source is at its end, damaged, or cannot be opened at all."""
        return [self._event(kind, now if self.last_at is None else self.last_at, message)]

    def _event(
        self, kind: EventKind, at: float, message: str, gap: tuple[float, float] | None = None
    ) -> CameraEvent:
        return CameraEvent(self._camera_id, kind, at, message, self.info, gap)


def _description(info: SourceInfo | None) -> str:
    if info is None:
        return "open"
    rate = "" if info.fps is None else f", {info.fps:g} frames/s"
    return f"{info.codec}, {info.width_px} x {info.height_px}{rate}, clock: {info.clock}"
