"""The seam of detection: what every backend promises, and the factory that builds one."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, assert_never

from config.schema import CameraSettings, DetectorSettings
from detector.detections import Detections
from detector.errors import BackendError, WeightsError
from detector.selection import Selection
from detector.weights import WeightsStore, weights_store
from streams.frame import Frame

logger = logging.getLogger(__name__)

Kind = Literal["yolo", "openvino", "onnx", "hog", "motion", "replay"]

WEIGHT_FREE: Kind = "motion"
"""What `auto` takes where there are no weights; measured against hog in decision record 0002."""
_EXPECTED = {
    "yolo": ".pt file",
    "openvino": ".xml file or the folder of one",
    "onnx": ".onnx file",
    "replay": "MOT text file or a folder with a CAMERA.txt for every camera",
}
_LIBRARIES = {"yolo": "ultralytics", "openvino": "openvino", "onnx": "onnxruntime"}


class Detector(Protocol):
    """Finds people in frames. One thread uses an instance; a worker has one for all its cameras."""

    @property
    def name(self) -> str:
        """Backend and weights for logs and `doctor`, e.g. ``openvino yolo11n int8 on CPU``."""
        ...

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """People in each frame, in the order of `frames`, which may differ in size and camera.

        The frames are one batch. Only people are returned, of at least the least score and height,
        best score first; N = 0 is normal, and so is an empty sequence.

        Raises:
            DetectorError: The backend failed on these frames.
        """
        ...

    def close(self) -> None:
        """Free the backend; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """What is taken, and why.

    Attributes:
        kind: The backend.
        reason: Why, in words for a person.
        weights: Where its weights are; None if it has none.
    """

    kind: Kind
    reason: str
    weights: Path | None = None


def choose_detector(
    settings: DetectorSettings, store: WeightsStore | None = None
) -> DetectorChoice:
    """The backend that the settings mean on this machine; named weights are found or downloaded.

    `auto` takes the backend that fits the named weights; without any, known weights that lie in the
    cache or in ``$CROSSCAM_WEIGHTS`` and whose library is installed; else the one that needs no
    weights.

    Args:
        settings: Which detector is wanted.
        store: Where weights are looked for; by default the places of this machine.

    Raises:
        WeightsError: The weights are nowhere, or their kind cannot be told.
        BackendError: The library that the backend needs is not installed.
    """
    places = store or weights_store()
    if settings.kind == "auto":
        return _automatic(settings, places)
    kind: Kind = settings.kind
    if kind in ("hog", "motion"):
        return DetectorChoice(kind, "configured; it needs no weights")
    _require_library(kind)
    if settings.weights is None:
        found = [path for path in places.find_any() if _kind_of(path) == kind]
        if not found:
            raise WeightsError(
                f"detector.weights is needed for detector.kind {kind}: the path of a "
                f"{_EXPECTED[kind]}, or a known name: {', '.join(places.known)}"
            )
        return DetectorChoice(kind, f"configured; the weights {found[0].name} were found", found[0])
    if kind == "replay":
        return DetectorChoice(kind, "configured", Path(settings.weights))
    return DetectorChoice(kind, "configured", places.find(settings.weights))


def build_detector(
    settings: DetectorSettings,
    cameras: Sequence[CameraSettings],
    store: WeightsStore | None = None,
) -> Detector:
    """The detector of a worker: the chosen backend, restricted to the regions of its cameras.

    Args:
        settings: Which detector is wanted.
        cameras: The worker's cameras.
        store: Where weights are looked for; by default the places of this machine.

    Raises:
        WeightsError: Weights are missing, unreadable or of another kind.
        BackendError: The library that the backend needs is absent or does not work.
    """
    choice = choose_detector(settings, store)
    detector = _backend(choice, settings, [camera.id for camera in cameras])
    is_fallback = settings.kind == "auto" and choice.weights is None
    level = logging.WARNING if is_fallback else logging.INFO
    logger.log(level, "people are found by %s: %s", detector.name, choice.reason)
    return _restricted(detector, cameras)


def _backend(choice: DetectorChoice, settings: DetectorSettings, camera_ids: list[str]) -> Detector:
    selection = Selection(settings.min_score, settings.nms_iou, settings.min_height_px)
    kind, weights, size_px = choice.kind, choice.weights or Path(), settings.input_size_px
    match kind:
        case "yolo":
            from detector.yolo import YoloDetector  # noqa: PLC0415

            return YoloDetector(weights, selection, input_size_px=size_px, device=settings.device)
        case "openvino":
            from detector.openvino import OpenvinoDetector  # noqa: PLC0415

            if settings.device.startswith("cuda"):
                raise BackendError(
                    f"detector.device is {settings.device!r}, which openvino does not have: "
                    "set detector.device to auto or cpu, or detector.kind to yolo or onnx"
                )
            num_requests = _num_requests(len(camera_ids))
            return OpenvinoDetector(
                weights, selection, input_size_px=size_px, num_requests=num_requests
            )
        case "onnx":
            from detector.onnx import OnnxDetector  # noqa: PLC0415

            return OnnxDetector(weights, selection, input_size_px=size_px, device=settings.device)
        case "hog":
            from detector.hog import HogDetector  # noqa: PLC0415

            return HogDetector(selection)
        case "motion":
            from detector.motion import MotionDetector  # noqa: PLC0415

            return MotionDetector(selection)
        case "replay":
            from detector.replay import ReplayDetector  # noqa: PLC0415

            return ReplayDetector(weights, camera_ids, selection)
        case _:
            assert_never(kind)


def _restricted(detector: Detector, cameras: Sequence[CameraSettings]) -> Detector:
    from detector.region import Region, RegionDetector  # noqa: PLC0415 - it imports this module

    regions = {
        camera.id: Region(tuple(map(tuple, camera.include)), tuple(map(tuple, camera.exclude)))
        for camera in cameras
        if camera.include or camera.exclude
    }
    return RegionDetector(detector, regions) if regions else detector


def _automatic(settings: DetectorSettings, places: WeightsStore) -> DetectorChoice:
    if settings.weights is not None:
        path = places.find(settings.weights)
        kind = _kind_of(path)
        if kind is None:
            raise WeightsError(
                f"detector.weights {path}: detector.kind auto cannot tell what this is; expected "
                f"{', '.join(f'a {what} ({kind})' for kind, what in _EXPECTED.items())}"
            )
        _require_library(kind)
        return DetectorChoice(kind, f"auto: {path.name} are weights for {kind}", path)
    for path in places.find_any():
        kind = _kind_of(path)
        if kind is not None and _has_library(kind):
            return DetectorChoice(kind, f"auto: the known weights {path} were found", path)
    return DetectorChoice(
        WEIGHT_FREE,
        "auto: no weights are configured and none were found in "
        f"{places.cache} or $CROSSCAM_WEIGHTS, so people are found by motion alone, which needs "
        "static cameras and finds fewer of them; set detector.weights for a real detector",
    )


def _kind_of(path: Path) -> Kind | None:
    """The backend for a file or folder of weights; None if it cannot be told."""
    if path.is_dir():
        if any(path.glob("*.xml")):
            return "openvino"
        return "replay" if any(path.glob("*.txt")) else None
    kinds: dict[str, Kind] = {".pt": "yolo", ".xml": "openvino", ".onnx": "onnx", ".txt": "replay"}
    return kinds.get(path.suffix.lower())


def _has_library(kind: Kind) -> bool:
    return kind not in _LIBRARIES or importlib.util.find_spec(_LIBRARIES[kind]) is not None


def _require_library(kind: Kind) -> None:
    if not _has_library(kind):
        raise BackendError(
            f"detector kind {kind} needs the library {_LIBRARIES[kind]}, which is not installed: "
            f"pip install 'crosscam[{kind}]', or set detector.kind: {WEIGHT_FREE}"
        )


def _num_requests(num_cameras: int) -> int:
    """Frames at a time: one per two cores, so that each is done soon; at most one a camera."""
    can_tell = hasattr(os, "sched_getaffinity")  # not on macOS
    num_cores = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return max(1, min(num_cameras, num_cores // 2))
