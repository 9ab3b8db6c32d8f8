"""Boxes with identities, and boxes with the truth, from the files that people have them in.

CSV as `crosscam export boxes` and the drawn sites write it, or MOT text
``frame,id,x,y,width,height,…`` with 1-based frames: one file for one camera, or a folder with a
``CAMERA.txt`` for every camera, in which an id means the same person in all of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from crosscam.errors import AppError
from query.exports import BoxRow
from streams.synthetic_truth import TruthBox, read_truth

UNNAMED = ""
"""The camera of a single MOT file, which does not say its name."""

_TEXTS = ("camera_id", "tracklet_id", "identity_id")
_BOX_COLUMNS = tuple(field.name for field in fields(BoxRow))

B = TypeVar("B", BoxRow, TruthBox)


@dataclass(frozen=True, slots=True)
class _MotLine:
    """A line of MOT text; `rest` is what follows the box."""

    frame_index: int
    number: int
    xyxy: tuple[float, float, float, float]
    rest: tuple[float, ...]


def load_boxes(path: Path, fps: float) -> list[BoxRow]:
    """Boxes with identities, in the file's order.

    Args:
        path: A CSV file, a MOT text file, or a folder of those; its id is tracklet and identity.
        fps: Frames a second, which MOT text does not say.

    Raises:
        AppError: It cannot be read, or is not what it should be; names the line.
    """

    def of_line(camera_id: str, line: _MotLine) -> BoxRow:
        score = line.rest[0] if line.rest and line.rest[0] >= 0 else 1.0
        at, name = line.frame_index / fps, str(line.number)
        return BoxRow(camera_id, line.frame_index, at, *line.xyxy, score, name, name)

    return _load(path, of_line, _csv_boxes)


def load_truth(path: Path, fps: float) -> list[TruthBox]:
    """True boxes, in the file's order.

    Of MOT text, lines whose seventh value is 0 are left out (they do not count), and where there
    are nine values (MOT16 and later) those of a class that is not 1, a pedestrian. Everybody in
    it counts as fully visible.

    Args:
        path: A CSV file of a drawn site, a MOT text file, or a folder of those.
        fps: Frames a second, which MOT text does not say.

    Raises:
        AppError: It cannot be read, or is not what it should be; names the line.
        StreamError: The same, of a CSV file.
    """

    def of_line(camera_id: str, line: _MotLine) -> TruthBox | None:
        is_left_out = line.rest[:1] == (0.0,) or (len(line.rest) == 3 and line.rest[1] != 1)
        if is_left_out:
            return None
        at = line.frame_index / fps
        return TruthBox(camera_id, line.frame_index, at, line.number, line.xyxy, 1.0)

    return _load(path, of_line, read_truth)


def same_cameras(boxes: list[BoxRow], truth: list[TruthBox]) -> tuple[list[BoxRow], list[TruthBox]]:
    """Boxes and truth with the same names of cameras: an unnamed one takes the other side's name.

    Raises:
        AppError: The boxes have a camera that the truth lacks, or an unnamed one could be several.
    """
    found, true = ({each.camera_id for each in side} for side in (boxes, truth))
    if found == {UNNAMED} and UNNAMED not in true:
        boxes = [replace(box, camera_id=_only(true, "boxes", "truth")) for box in boxes]
    elif true == {UNNAMED} and UNNAMED not in found and found:
        truth = [replace(box, camera_id=_only(found, "truth", "boxes")) for box in truth]
    elif unknown := found - true:
        raise AppError(
            f"the boxes have camera {', '.join(sorted(unknown))}, which the truth lacks; it has "
            f"{', '.join(sorted(true)) or 'none'}: name cameras alike, or leave these boxes out"
        )
    return boxes, truth


def _only(names: Collection[str], unnamed: str, named: str) -> str:
    if len(names) != 1:
        raise AppError(
            f"the {unnamed} are of one camera without a name, the {named} of "
            f"{', '.join(sorted(names)) or 'none'}: give a folder with a CAMERA.txt for each"
        )
    return next(iter(names))


def _load(
    path: Path,
    of_line: Callable[[str, _MotLine], B | None],
    of_csv: Callable[[Path], list[B]],
) -> list[B]:
    if path.is_dir():
        files = sorted(path.glob("*.txt"))
        if not files:
            raise AppError(f"{path} has no CAMERA.txt: expected a MOT text file for every camera")
        return [box for file in files for box in _mot_boxes(file, file.stem, of_line)]
    if not path.is_file():
        raise AppError(f"{path}: no such file; give CSV, MOT text, or a folder of MOT text")
    match path.suffix.lower():
        case ".csv":
            return of_csv(path)
        case ".txt":
            return _mot_boxes(path, UNNAMED, of_line)
        case other:
            raise AppError(f"{path}: files of kind {other or 'none'} are not read; .csv or .txt")


def _mot_boxes(file: Path, camera_id: str, of_line: Callable[[str, _MotLine], B | None]) -> list[B]:
    boxes = (of_line(camera_id, line) for line in _mot_lines(file))
    return [box for box in boxes if box is not None]


def _mot_lines(file: Path) -> Iterator[_MotLine]:
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            frame, name, left, top, width, height, *rest = map(float, line.split(","))
            index, person = int(frame) - 1, int(name)
        except (ValueError, OverflowError) as error:
            raise _not_mot(file, number, line) from error
        if index < 0 or (index + 1, person) != (frame, name) or not width > 0 or not height > 0:
            raise _not_mot(file, number, line)
        yield _MotLine(index, person, (left, top, left + width, top + height), tuple(rest))


def _not_mot(file: Path, number: int, line: str) -> AppError:
    return AppError(
        f"{file}, line {number}: {line[:80]!r} is no line of MOT text; expected "
        "frame,id,x,y,width,height,… with frames from 1 and whole ids"
    )


def _csv_boxes(file: Path) -> list[BoxRow]:
    rows = csv.DictReader(_text(file).splitlines())
    missing = [name for name in _BOX_COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise AppError(
            f"{file}: has no column {', '.join(missing)}; expected {','.join(_BOX_COLUMNS)}, "
            "as `crosscam export boxes` writes them"
        )
    boxes = []
    for row in rows:
        try:
            boxes.append(_box(row))
        except (TypeError, ValueError) as error:
            raise AppError(f"{file}, line {rows.line_num}: {error}") from error
    return boxes


def _box(row: dict[str, str]) -> BoxRow:
    camera_id, tracklet_id, identity_id = (row[name] for name in _TEXTS)
    if not camera_id or not identity_id:
        raise ValueError("camera_id and identity_id must not be empty")
    x1, y1, x2, y2 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    return BoxRow(
        camera_id, int(row["frame_index"]), float(row["timestamp"]), x1, y1, x2, y2,
        float(row["score"]), tracklet_id, identity_id,
    )  # fmt: skip


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AppError(f"{file} cannot be read as text: {error}") from error
