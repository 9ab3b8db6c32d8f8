"""People that were found before: boxes from MOT text files, for experiments and tests.

A line is ``frame,id,x,y,width,height,confidence,…`` with 1-based frames; `Frame.index` is 0-based.
The id is not used. A confidence that is missing or negative (ground truth often has -1) counts as
1, one above 1 (raw outputs of some detectors) is squeezed into [0, 1] over the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.detections import Detections
from detector.errors import DetectorError, WeightsError
from detector.selection import Selection
from streams.frame import Frame

_Rows = npt.NDArray[np.float32]
"""(N, 5) float32: x1, y1, x2, y2, score."""
_NOBODY: _Rows = np.empty((0, 5), dtype=np.float32)


class ReplayDetector:
    """Boxes of a MOT text file, for the frame that has its index.

    Args:
        path: One file for every camera, or a folder with a ``CAMERA.txt`` for each.
        camera_ids: The cameras that will be asked for.
        selection: Which of the boxes count.

    Raises:
        WeightsError: A file is missing or a line is none of MOT.
    """

    def __init__(self, path: Path, camera_ids: Sequence[str], selection: Selection) -> None:
        self._path = path
        self._selection = selection
        self._people: dict[str, dict[int, _Rows]] = {}
        files = {camera_id: mot_file(path, camera_id) for camera_id in camera_ids}
        boxes_by_file = {file: read_mot(file) for file in sorted(set(files.values()))}
        self._people = {camera_id: boxes_by_file[file] for camera_id, file in files.items()}
        self._is_closed = False

    @property
    def name(self) -> str:
        """Backend and file."""
        return f"replay {self._path.name}"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """See `Detector`; a frame that the file does not name is empty.

        Raises:
            DetectorError: A frame's camera was not announced.
        """
        if self._is_closed:
            raise DetectorError(f"{self.name}: the detector is closed")
        return [self._people_of(frame) for frame in frames]

    def close(self) -> None:
        """See `Detector`."""
        self._is_closed = True

    def _people_of(self, frame: Frame) -> Detections:
        if frame.camera_id not in self._people:
            known = ", ".join(sorted(self._people))
            text = f"{self.name}: no boxes for camera {frame.camera_id!r}; known: {known}"
            raise DetectorError(text)
        rows = self._people[frame.camera_id].get(frame.index, _NOBODY)
        return self._selection.people(frame, rows[:, :4], rows[:, 4])


def mot_file(path: Path, camera_id: str) -> Path:
    """The file with a camera's boxes.

    Raises:
        WeightsError: There is none.
    """
    file = path / f"{camera_id}.txt" if path.is_dir() else path
    if not file.is_file():
        raise WeightsError(
            f"replay of camera {camera_id!r}: there is no file {file}; detector.weights names a "
            "MOT text file or a folder with a CAMERA.txt for every camera"
        )
    return file


def read_mot(file: Path) -> dict[int, npt.NDArray[np.float32]]:
    """Boxes of a MOT text file: 0-based frame index → (N, 5) float32 x1, y1, x2, y2, score.

    Raises:
        WeightsError: The file cannot be read, or a line is none of MOT; it names the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"replay file {file} cannot be read as text: {error}") from error
    rows = np.array(list(_rows(file, text)), dtype=np.float64).reshape(-1, 6)
    if len(rows) == 0:
        return {}
    scores = rows[:, 5]
    scores[scores < 0] = 1.0
    if scores.max() > 1:
        low = min(scores.min(), 0.0)
        scores = (scores - low) / (scores.max() - low)
    rows[:, 5] = scores
    return {
        int(index): rows[rows[:, 0] == index, 1:].astype(np.float32)
        for index in np.unique(rows[:, 0])
    }


def _rows(file: Path, text: str) -> Iterator[tuple[float, ...]]:
    """(index, x1, y1, x2, y2, confidence) of every line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = [float(field) for field in line.replace(",", " ").split()]
            frame, _, left, top, width, height, *rest = values
        except ValueError as error:
            raise _not_mot(file, number, line) from error
        if frame < 1 or frame != int(frame) or not np.isfinite(values).all():
            raise _not_mot(file, number, line)
        yield frame - 1, left, top, left + width, top + height, rest[0] if rest else 1.0


def _not_mot(file: Path, number: int, line: str) -> WeightsError:
    return WeightsError(
        f"replay file {file}, line {number}: {line[:80]!r} is no line of MOT text; "
        "expected frame,id,x,y,width,height,confidence with frames from 1"
    )
