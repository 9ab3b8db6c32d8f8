"""The YOLO head: what the output of a network of the YOLO family says about people.

Two layouts are known, and told apart by the shape of the output:

- anchors, (B, 4 + C + M, A): per anchor cx, cy, w, h in input pixels, C class scores in [0, 1],
  then M further numbers (masks, key points) that are not looked at; YOLOv8, YOLO11, YOLO12;
- end to end, (B, K, 6): x1, y1, x2, y2, score, class; already suppressed; YOLOv10, YOLO26.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detector.detections import Boxes, Scores
from detector.errors import WeightsError

PERSON_NAMES = frozenset({"person", "people", "pedestrian", "human"})
"""Class names that mean a person, lower case."""
_MAX_END_TO_END = 1000


@dataclass(frozen=True, slots=True)
class YoloHead:
    """How to read one network's output.

    Attributes:
        layout: How the output is laid out.
        num_classes: C.
        person_class: Index of the class that means a person.
    """

    layout: Literal["anchors", "end_to_end"]
    num_classes: int
    person_class: int

    def people(self, output: npt.NDArray[Any], min_score: float) -> tuple[Boxes, Scores]:
        """Candidates for people in one image, not yet suppressed.

        An anchor counts if no other class scores higher in it.

        Args:
            output: (4 + C + M, A) or (K, 6), see the module.
            min_score: Least score.

        Returns:
            (N, 4) float32 xyxy in input pixels and (N,) float32 scores, in no order.
        """
        if self.layout == "end_to_end":
            is_person = (output[:, 5].round() == self.person_class) & (output[:, 4] >= min_score)
            rows = output[is_person].astype(np.float32)
            return rows[:, :4], rows[:, 4]
        candidates = np.flatnonzero(output[4 + self.person_class] >= min_score)
        columns = output[:, candidates].astype(np.float32)  # (4 + C + M, N)
        classes = columns[4 : 4 + self.num_classes]
        scores = classes[self.person_class]
        is_person = scores >= classes.max(axis=0, initial=0)
        centre, size = columns[:2, is_person], columns[2:4, is_person]
        boxes = np.concatenate([centre - size / 2, centre + size / 2]).T
        return np.ascontiguousarray(boxes), scores[is_person]


def yolo_head(shape: tuple[int, ...], names: Mapping[int, str], weights: str) -> YoloHead:
    """How to read an output of `shape`.

    Args:
        shape: Of the first output, (B, …); a negative number stands for any.
        names: Class index → name; where empty, the COCO order is taken (person is 0).
        weights: The file, for the error text.

    Raises:
        WeightsError: The shape is none of the YOLO family, or no class means a person.
    """
    if len(shape) != 3:
        raise _not_yolo(shape, weights)
    person_class = _person_class(names, weights)
    rows, columns = shape[1], shape[2]
    if columns == 6 and rows <= _MAX_END_TO_END:
        return YoloHead("end_to_end", max(len(names), 1), person_class)
    num_classes = len(names) or rows - 4
    if num_classes < 1 or (rows > 0 and rows < 4 + num_classes) or 0 < columns < rows:
        raise _not_yolo(shape, weights)
    return YoloHead("anchors", num_classes, person_class)


def names_from_text(text: str) -> dict[int, str]:
    """Class names from the dict that exporters write into a model's metadata; {} if it is none.

    >>> names_from_text("{0: 'person', 1: 'bicycle'}")
    {0: 'person', 1: 'bicycle'}
    """
    try:
        names = ast.literal_eval(text)
        return {int(index): str(name) for index, name in dict(names).items()}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {}


def _person_class(names: Mapping[int, str], weights: str) -> int:
    if not names:
        return 0
    for index, name in sorted(names.items()):
        if name.strip().lower() in PERSON_NAMES:
            return index
    some = ", ".join(list(names.values())[:8])
    raise WeightsError(
        f"weights {weights}: none of the {len(names)} classes means a person ({some}, …); "
        "take a detector that was trained on people, e.g. any COCO model"
    )


def _not_yolo(shape: tuple[int, ...], weights: str) -> WeightsError:
    return WeightsError(
        f"weights {weights}: the output has the shape {list(shape)}, which is no detector of "
        "the YOLO family (batch, 4 + classes, anchors) or (batch, boxes, 6); "
        "take a detection model, not a classifier or an embedder"
    )
