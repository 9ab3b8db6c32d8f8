"""The boxes of a track as few bytes.

Columns are stored as differences in time and deflated: a box costs about 8 bytes instead of 36.
Frame indexes and timestamps come back exactly; coordinates to 1/32 px and scores to 1/131070.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from matcher.errors import RecordError
from matcher.tracklet import TrackBoxes

STEPS_PER_PX = 16
"""Coordinates are rounded to this fraction of a pixel."""

SCORE_STEPS = 65535
MAX_BOXES = 1_000_000
MAX_COORDINATE_PX = 2**31 // STEPS_PER_PX // 4


def pack_boxes(boxes: TrackBoxes) -> tuple[int, bytes]:
    """The number of boxes T and their deflated columns.

    Raises:
        ValueError: A coordinate is no number or far outside any image.
    """
    if not (np.abs(boxes.xyxy) < MAX_COORDINATE_PX).all():  # NaN fails too
        raise ValueError("a box has a coordinate that is no number or far outside any image")
    steps = np.rint(boxes.xyxy.astype(np.float64) * STEPS_PER_PX).astype(np.int32)
    scores = np.rint(np.clip(boxes.scores.astype(np.float64), 0, 1) * SCORE_STEPS).astype("<u2")
    columns = (
        _differences(boxes.frame_indexes.astype(np.int64)).astype("<i8"),
        # Bit patterns of regular timestamps grow evenly: their second differences are tiny.
        _differences(_differences(boxes.timestamps.astype(np.float64).view(np.int64))).astype(
            "<i8"
        ),
        _differences(steps).astype("<i4"),
        scores,
    )
    return len(boxes), zlib.compress(b"".join(_planes(column) for column in columns), level=6)


def unpack_boxes(num_boxes: int, packed: bytes) -> TrackBoxes:
    """The boxes again.

    Raises:
        RecordError: The bytes do not hold `num_boxes` boxes.
    """
    if not 1 <= num_boxes <= MAX_BOXES:
        raise RecordError(f"a track of {num_boxes} boxes cannot be")
    size = num_boxes * (8 + 8 + 16 + 2)
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(packed, size + 1)
    except zlib.error as error:
        raise RecordError("the boxes of a track cannot be inflated") from error
    if len(raw) != size or not inflater.eof:
        raise RecordError(f"the bytes do not hold {num_boxes} boxes")
    ends = np.cumsum([8 * num_boxes, 8 * num_boxes, 16 * num_boxes])
    indexes = _from_planes(raw[: ends[0]], "<i8")
    times = _from_planes(raw[ends[0] : ends[1]], "<i8")
    steps = _from_planes(raw[ends[1] : ends[2]], "<i4").reshape(num_boxes, 4)
    scores = _from_planes(raw[ends[2] :], "<u2")
    try:
        return TrackBoxes(
            frame_indexes=np.cumsum(indexes, dtype=np.int64),
            timestamps=np.cumsum(np.cumsum(times, dtype=np.int64), dtype=np.int64).view(np.float64),
            xyxy=(np.cumsum(steps, axis=0, dtype=np.int32) / STEPS_PER_PX).astype(np.float32),
            scores=(scores / SCORE_STEPS).astype(np.float32),
        )
    except ValueError as error:
        raise RecordError(f"the boxes of a track are damaged: {error}") from error


def _differences(column: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """First value, then differences; wraps around like the sum that undoes it."""
    return np.diff(column, axis=0, prepend=np.zeros_like(column[:1]))


def _planes(column: npt.NDArray[np.integer]) -> bytes:
    """Bytes of equal weight side by side, which deflates better than whole numbers."""
    flat = np.ascontiguousarray(column).reshape(-1)
    return flat.view(np.uint8).reshape(len(flat), flat.itemsize).T.tobytes()


def _from_planes(raw: bytes, dtype: str) -> npt.NDArray[np.integer]:
    item = np.dtype(dtype).itemsize
    planes = np.frombuffer(raw, np.uint8).reshape(item, -1)
    flat: npt.NDArray[np.integer] = np.ascontiguousarray(planes.T).reshape(-1).view(dtype)
    return flat
