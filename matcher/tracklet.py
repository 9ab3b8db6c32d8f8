"""The tracklet: what a camera worker publishes about one track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Feature = npt.NDArray[np.float32]
"""(D,) float32, unit length."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackBoxes:
    """The boxes of a track as columns, in order of frame; T >= 1.

    Attributes:
        frame_indexes: (T,) int64, strictly increasing.
        timestamps: (T,) float64 Unix seconds, not decreasing.
        xyxy: (T, 4) float32 pixels.
        scores: (T,) float32 in [0, 1].
    """

    frame_indexes: npt.NDArray[np.int64]
    timestamps: npt.NDArray[np.float64]
    xyxy: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        num = len(self.frame_indexes)
        if num < 1:
            raise ValueError("a track has at least one box")
        if (
            self.timestamps.shape != (num,)
            or self.xyxy.shape != (num, 4)
            or self.scores.shape != (num,)
        ):
            raise ValueError(f"the columns of {num} boxes differ in length")
        if (np.diff(self.frame_indexes) <= 0).any() or (np.diff(self.timestamps) < 0).any():
            raise ValueError("boxes are not in order of frame and time")
        for column in (self.frame_indexes, self.timestamps, self.xyxy, self.scores):
            column.setflags(write=False)

    def __len__(self) -> int:
        """T, the number of boxes."""
        return len(self.frame_indexes)


@dataclass(frozen=True, slots=True, eq=False)
class Tracklet:
    """One version of what is known of a track; a later version replaces an earlier one.

    Attributes:
        tracklet_id: ``{camera_id}-{epoch}-{number}``, the same whenever it is published again.
        version: 1, 2, …; with the id it is the key by which a message is applied once.
        camera_id: The camera.
        started_at: Timestamp of the first box.
        ended_at: Timestamp of the last box so far.
        emitted_at: Stream time at which the worker emitted this version; orders the matcher's work.
        boxes: All boxes so far.
        feature: (D,) float32 unit length, the quality-weighted mean of the best crops' embeddings.
        quality: In [0, 1], of the best crops.
        space: The embedder's space.
        is_final: The track has ended; no later version follows.
        thumbnails: Up to three JPEG images, best first.

    Raises:
        ValueError: A value is outside its range; the text names the tracklet.
    """

    tracklet_id: str
    version: int
    camera_id: str
    started_at: float
    ended_at: float
    emitted_at: float
    boxes: TrackBoxes
    feature: Feature
    quality: float
    space: str
    is_final: bool
    thumbnails: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        where = f"tracklet {self.tracklet_id!r} version {self.version}"
        if self.version < 1:
            raise ValueError(f"{where}: versions start at 1")
        if not self.started_at <= self.ended_at <= self.emitted_at:
            raise ValueError(f"{where}: needs started_at <= ended_at <= emitted_at")
        if self.feature.ndim != 1 or self.feature.dtype != np.float32 or not len(self.feature):
            raise ValueError(
                f"{where}: feature must be (D,) float32, "
                f"got {self.feature.dtype} {self.feature.shape}"
            )
        if not abs(float(np.linalg.norm(self.feature)) - 1.0) < 1e-2:  # NaN fails too
            raise ValueError(f"{where}: feature is not of unit length")
        if not 0 <= self.quality <= 1:
            raise ValueError(f"{where}: quality {self.quality} is outside [0, 1]")
        if len(self.thumbnails) > 3:
            raise ValueError(f"{where}: more than three thumbnails")
        self.feature.setflags(write=False)
