"""The truth of a drawn site: which person is where in which frame, and its CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from streams.errors import StreamError


@dataclass(frozen=True, slots=True)
class TruthBox:
    """A person in a frame.

    Attributes:
        camera_id: The camera.
        frame_index: 0-based number of the frame in the camera's file.
        timestamp: Unix seconds UTC, the moment of capture.
        person_id: Number of the person, from 0; the same in all cameras.
        box: x1, y1, x2, y2 in pixels around the whole silhouette, hidden parts included, cut at the
            image's border; x2 and y2 are exclusive.
        visibility: Part of the silhouette that is seen, in (0, 1]: neither behind somebody or
            something nor outside the image.
    """

    camera_id: str
    frame_index: int
    timestamp: float
    person_id: int
    box: tuple[float, float, float, float]
    visibility: float


_COLUMNS = (
    "camera_id", "frame_index", "timestamp", "x1", "y1", "x2", "y2", "person_id", "visibility",
)  # fmt: skip


def write_truth(path: Path, truth: Iterable[TruthBox]) -> None:
    """Write the boxes as CSV with a head line, in the given order.

    Raises:
        OSError: The file cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for item in truth:
            writer.writerow((
                item.camera_id, item.frame_index, f"{item.timestamp:.6f}",
                *(f"{value:g}" for value in item.box), item.person_id, f"{item.visibility:.4f}",
            ))  # fmt: skip


def read_truth(path: Path) -> list[TruthBox]:
    """The boxes of a file that `write_truth` wrote, in its order; a head line alone gives none.

    Raises:
        StreamError: The file cannot be read, or a line is not what it should be.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StreamError(f"cannot read the truth file {path}: {error}") from error
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise StreamError(
            f"{path} is not a truth file: its first line should be {','.join(_COLUMNS)}"
        )
    return [_read_row(path, number, row) for number, row in enumerate(rows[1:], start=2)]


def _read_row(path: Path, number: int, row: list[str]) -> TruthBox:
    try:
        camera_id, frame_index, timestamp, x1, y1, x2, y2, person_id, visibility = row
        return TruthBox(
            camera_id=camera_id,
            frame_index=int(frame_index),
            timestamp=float(timestamp),
            person_id=int(person_id),
            box=(float(x1), float(y1), float(x2), float(y2)),
            visibility=float(visibility),
        )
    except ValueError as error:
        raise StreamError(f"{path}, line {number}: {error}") from error
