"""The track: what the tracker knows of one person in one camera, and what it tells about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from detector.detections import Boxes
from detector.kalman import BoxFilter


class TrackState(Enum):
    """Where a track is in its life; ENDED is final."""

    TENTATIVE = auto()
    """Seen, but not often enough to believe in it; has no number yet."""
    CONFIRMED = auto()
    """Seen in the last looked-at frame."""
    LOST = auto()
    """Confirmed earlier, not seen in the last looked-at frame."""
    ENDED = auto()


@dataclass(frozen=True, slots=True, eq=False)
class TrackObservation:
    """A detection that belongs to a track.

    Attributes:
        track_number: 1, 2, …; given to confirmed tracks only, by the tracker of one camera.
        frame_index: Index of the frame in which the box was detected.
        timestamp: Unix seconds, of that frame.
        box: (4,) float32 xyxy pixels, the detection's own box, not the filter's; not writeable.
        score: In [0, 1], of the detection.
        detection_index: Row of the detection in the `Detections` of its frame.
    """

    track_number: int
    frame_index: int
    timestamp: float
    box: Boxes
    score: float
    detection_index: int


@dataclass(frozen=True, slots=True)
class TrackerUpdate:
    """What one frame changed.

    Attributes:
        observations: Of confirmed tracks, ordered by track number, then by frame. A track that was
            confirmed by this frame brings its earlier observations along, so that it starts where
            the person was first seen; all others have one observation, of this frame.
        ended: Numbers of confirmed tracks that ended, ascending; no later update names them.
    """

    observations: tuple[TrackObservation, ...] = ()
    ended: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SeenBox:
    """A detection on its way into a track; the fields are those of `TrackObservation`."""

    frame_index: int
    timestamp: float
    box: Boxes
    score: float
    detection_index: int


@dataclass(slots=True, eq=False)
class Track:
    """A person in one camera while the tracker follows them; private to the tracker.

    Attributes:
        motion: Where the person should be by now.
        seen_at: Timestamp of the last detection.
        state: See `TrackState`.
        number: 0 until the track is confirmed.
        unreported: Detections that no update has told yet, oldest first.
        num_hits: Detections so far.
    """

    motion: BoxFilter
    seen_at: float
    state: TrackState = TrackState.TENTATIVE
    number: int = 0
    unreported: list[SeenBox] = field(default_factory=list)
    num_hits: int = 1

    @classmethod
    def started_by(cls, seen: SeenBox) -> Track:
        """A tentative track from its first detection."""
        return cls(BoxFilter(seen.box), seen.timestamp, unreported=[seen])

    @property
    def is_alive(self) -> bool:
        """Not ended."""
        return self.state is not TrackState.ENDED

    def see(self, seen: SeenBox) -> None:
        """Take in the detection of the present frame; the motion has been predicted to its time."""
        self.motion.update(seen.box)
        self.seen_at = seen.timestamp
        self.num_hits += 1
        self.unreported.append(seen)
        if self.number:
            self.state = TrackState.CONFIRMED

    def miss(self) -> None:
        """Nothing in the present frame: a tentative track ends, a confirmed one is lost."""
        self.state = TrackState.LOST if self.number else TrackState.ENDED

    def confirm(self, number: int) -> None:
        """Believe in the track and give it its number."""
        self.number = number
        self.state = TrackState.CONFIRMED

    def report(self) -> list[TrackObservation]:
        """The observations that were not told yet, oldest first; they count as told from now on."""
        observations = [
            TrackObservation(
                self.number, s.frame_index, s.timestamp, s.box, s.score, s.detection_index
            )
            for s in self.unreported
        ]
        self.unreported.clear()
        return observations
