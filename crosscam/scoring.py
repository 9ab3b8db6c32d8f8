"""How well the identities fit the truth, over all cameras at once (TrackEval does the counting)."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from crosscam.errors import AppError
from detector.boxes import iou_matrix
from query.exports import BoxRow
from streams.synthetic import TruthBox

_HIDDEN = 0.3
_IGNORED_IOU = 0.5

FrameKey = tuple[str, int]
T = TypeVar("T", TruthBox, BoxRow)


@dataclass(frozen=True, slots=True)
class Score:
    """Agreement of identities with true people; every frame of every camera counts.

    Global means that a person is one identity in all cameras: a switch between cameras costs as
    much as one inside a camera. Figures in [0, 1].

    Attributes:
        idf1: Global IDF1 (Ristani et al. 2016), boxes match from an IoU of 0.5.
        idp: Identification precision.
        idr: Identification recall.
        hota: HOTA (Luiten et al. 2021), mean over localisation thresholds.
        det_a: Its detection accuracy.
        ass_a: Its association accuracy.
        num_people: True people in view.
        num_identities: Identities.
    """

    idf1: float
    idp: float
    idr: float
    hota: float
    det_a: float
    ass_a: float
    num_people: int
    num_identities: int


def score(truth: Iterable[TruthBox], boxes: Iterable[BoxRow]) -> Score:
    """Score exported boxes against the truth.

    People of whom less than 0.3 is visible are not asked for; boxes on them (IoU 0.5) do not count.

    Args:
        truth: True boxes of every frame.
        boxes: Boxes of every frame (`box_rows(every_frame=True)`).

    Raises:
        AppError: The package `trackeval` is not installed.
    """
    identity_metric, hota_metric = _metrics()
    data = _sequence(_by_frame(truth), _by_frame(boxes))
    identity = identity_metric.eval_sequence(data)
    hota = hota_metric.eval_sequence(data)
    return Score(
        idf1=float(identity["IDF1"]),
        idp=float(identity["IDP"]),
        idr=float(identity["IDR"]),
        hota=float(np.mean(hota["HOTA"])),
        det_a=float(np.mean(hota["DetA"])),
        ass_a=float(np.mean(hota["AssA"])),
        num_people=int(data["num_gt_ids"]),
        num_identities=int(data["num_tracker_ids"]),
    )


def _metrics() -> tuple[Any, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from trackeval.metrics import HOTA, Identity  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise AppError("scoring needs TrackEval: pip install 'crosscam[score]'") from error
    return Identity({"THRESHOLD": 0.5, "PRINT_CONFIG": False}), HOTA()


def _by_frame(boxes: Iterable[T]) -> dict[FrameKey, list[T]]:
    frames: dict[FrameKey, list[T]] = defaultdict(list)
    for box in boxes:
        frames[box.camera_id, box.frame_index].append(box)
    return frames


def _sequence(
    truth: dict[FrameKey, list[TruthBox]], boxes: dict[FrameKey, list[BoxRow]]
) -> dict[str, Any]:
    """Both sides in the form that TrackEval takes: one long sequence over all cameras."""
    people: dict[object, int] = {}
    identities: dict[object, int] = {}
    true_ids, found_ids, similarities = [], [], []
    for key in sorted(truth.keys() | boxes.keys()):
        visible, found = _asked_for(truth.get(key, []), boxes.get(key, []))
        true_ids.append(_numbers([box.person_id for box in visible], people))
        found_ids.append(_numbers([box.identity_id for box in found], identities))
        similarities.append(iou_matrix(_xyxy(visible), _xyxy(found)).astype(float))
    return {
        "num_timesteps": len(true_ids),
        "num_gt_ids": len(people),
        "num_tracker_ids": len(identities),
        "num_gt_dets": sum(map(len, true_ids)),
        "num_tracker_dets": sum(map(len, found_ids)),
        "gt_ids": true_ids,
        "tracker_ids": found_ids,
        "similarity_scores": similarities,
    }


def _asked_for(truth: list[TruthBox], found: list[BoxRow]) -> tuple[list[TruthBox], list[BoxRow]]:
    """Leave hidden people out, and the boxes that fit them better than anybody visible."""
    visible = [box for box in truth if box.visibility >= _HIDDEN]
    hidden = [box for box in truth if box.visibility < _HIDDEN]
    if not hidden or not found:
        return visible, found
    on_hidden = iou_matrix(_xyxy(found), _xyxy(hidden)).max(axis=1)
    on_visible = iou_matrix(_xyxy(found), _xyxy(visible)).max(axis=1, initial=0.0)
    is_ignored = (on_hidden >= _IGNORED_IOU) & (on_hidden > on_visible)
    return visible, [box for box, ignored in zip(found, is_ignored, strict=True) if not ignored]


def _numbers(names: Sequence[object], known: dict[object, int]) -> npt.NDArray[np.int64]:
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def _xyxy(boxes: Sequence[TruthBox | BoxRow]) -> npt.NDArray[np.float32]:
    corners = [
        box.box if isinstance(box, TruthBox) else (box.x1, box.y1, box.x2, box.y2) for box in boxes
    ]
    return np.array(corners, dtype=np.float32).reshape(-1, 4)
