"""People by any model that ultralytics can load (AGPL-3.0, optional), used as a plain torch module.

Importing ultralytics changes its process: thread counts, environment, logging, print options,
`torch.save`. It also unpickles what it loads, may install packages and reports usage. Here it is
imported in one function, which puts everything back; weights are checked before they are unpickled;
pre- and post-processing are ours, so that torchvision, whose wheel for CUDA breaks beside a CPU
torch, is never imported.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image as PillowImage
from torch import nn

from detector.detections import Detections
from detector.errors import BackendError, DetectorError, WeightsError
from detector.letterbox import Letterbox, by_input_size, input_size_for, letterboxed
from detector.selection import Selection
from detector.yolo_head import yolo_head
from streams.frame import Frame

_DEFAULT_SIDE_PX = 640
_MAX_BATCH = 8
"""Larger batches are no faster on a GPU at this input size, and slower on a CPU."""
_SAFE_PREFIXES = ("ultralytics.nn.", "torch.nn.modules.", "numpy.dtypes.")
_SAFE_NAMES = frozenset(
    {
        "builtins.set",
        "builtins.dict",
        "builtins.list",
        "builtins.slice",
        "collections.OrderedDict",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "pathlib.Path",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "pathlib._local.PosixPath",
        "torch.Size",
        "ultralytics.utils.IterableSimpleNamespace",
        "ultralytics.utils.loss.v8DetectionLoss",
    }
)


class YoloDetector:
    """People by an ultralytics detection model (YOLOv8 and later), on the CPU or on CUDA.

    Args:
        weights: The .pt file.
        selection: Which of the found people count.
        input_size_px: Longer side of the input; None: 640.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        WeightsError: The file is missing, no checkpoint, holds foreign code, or finds no people.
        BackendError: ultralytics is absent or does not work here, or there is no such device.
    """

    def __init__(
        self,
        weights: Path,
        selection: Selection,
        *,
        input_size_px: int | None = None,
        device: str = "auto",
    ) -> None:
        self._weights = weights
        self._selection = selection
        self._device = torch_device(device)
        self._longer_side_px = input_size_px or _DEFAULT_SIDE_PX
        network = _network(weights).to(self._device).to(memory_format=torch.channels_last)
        names = {int(index): str(name) for index, name in dict(network.names).items()}
        self._coarsest_stride = max(int(max(network.stride)), 32)
        side = self._coarsest_stride
        self._network: nn.Module | None = network
        output = _first_output(network, torch.zeros(1, 3, side, side, device=self._device))
        # The number of anchors depends on the input; the head needs only the number of rows.
        shape = (
            (*output.shape[:2], -1) if output.ndim == 3 and output.shape[2] != 6 else output.shape
        )
        self._head = yolo_head(tuple(shape), names, str(weights))

    @property
    def name(self) -> str:
        """Backend and weights."""
        return f"yolo {self._weights.stem} on {self._device}"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """See `Detector`."""
        if self._network is None:
            raise DetectorError(f"{self.name}: the detector is closed")
        found: dict[int, Detections] = {}
        for size, positions in by_input_size(frames, self._input_size).items():
            for start in range(0, len(positions), _MAX_BATCH):
                chunk = positions[start : start + _MAX_BATCH]
                people = self._people(self._network, [frames[i] for i in chunk], size)
                found.update(zip(chunk, people, strict=True))
        return [found[position] for position in range(len(frames))]

    def close(self) -> None:
        """See `Detector`."""
        self._network = None

    def _input_size(self, frame_size: tuple[int, int]) -> tuple[int, int]:
        return input_size_for(frame_size, self._longer_side_px, self._coarsest_stride)

    def _people(
        self, network: nn.Module, frames: list[Frame], size: tuple[int, int]
    ) -> list[Detections]:
        batch = torch.from_numpy(letterboxed([frame.image for frame in frames], size))
        try:
            outputs = _first_output(network, batch.to(self._device)).float().cpu().numpy()
        except RuntimeError as error:
            cameras = sorted({frame.camera_id for frame in frames})
            raise DetectorError(f"{self.name} failed on frames of {cameras}: {error}") from error
        people = []
        for frame, output in zip(frames, outputs, strict=True):
            boxes, scores = self._head.people(output, self._selection.min_score)
            boxes = Letterbox(frame.size, size).to_frame(boxes)
            people.append(self._selection.people(frame, boxes, scores))
        return people


@torch.inference_mode()
def _first_output(network: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    outputs = network(batch.contiguous(memory_format=torch.channels_last))
    first: torch.Tensor = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
    return first


def torch_device(device: str) -> torch.device:
    """The device of a setting: ``auto`` takes CUDA where there is one.

    Raises:
        BackendError: There is no such device on this machine.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise BackendError(
            f"detector.device {device!r} is unknown: auto, cpu, cuda or cuda:N"
        ) from error
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise BackendError(
            f"detector.device is {device!r}, but torch finds "
            f"{torch.cuda.device_count()} CUDA devices: set detector.device: cpu"
        )
    return chosen


def _network(weights: Path) -> Any:
    """The model of a checkpoint, in float32, for inference."""
    check_pickle(weights)
    with unchanged_process():
        try:
            from ultralytics import YOLO  # noqa: PLC0415 - changes the process, see the module
        except (ImportError, RuntimeError, OSError) as error:
            raise BackendError(
                f"detector kind yolo needs ultralytics, which cannot be imported ({error}): "
                "pip install 'crosscam[yolo]'"
            ) from error
        try:
            network = YOLO(str(weights)).model
            network = network.float().eval().fuse(verbose=False)
        except Exception as error:
            raise WeightsError(
                f"weights {weights}: ultralytics cannot load them "
                f"({type(error).__name__}: {_first_line(error)}); take a detection checkpoint of "
                "YOLOv8 or later, e.g. yolo11n.pt"
            ) from error
    return network.requires_grad_(False)


def check_pickle(weights: Path) -> None:
    """Refuse a checkpoint whose pickle names anything but parts of a network; runs nothing.

    Raises:
        WeightsError: It is no torch checkpoint, or it holds foreign code.
    """
    if not weights.is_file() or not zipfile.is_zipfile(weights):
        raise WeightsError(
            f"weights {weights}: no torch checkpoint (a zip archive), it is damaged or of "
            "another kind; copy or download it again"
        )
    try:
        _check_archive(weights)
        names = torch.serialization.get_unsafe_globals_in_checkpoint(str(weights))
    except Exception as error:
        raise WeightsError(
            f"weights {weights}: the checkpoint cannot be read ({_first_line(error)}); "
            "copy or download it again"
        ) from error
    foreign = sorted(
        name for name in names if name not in _SAFE_NAMES and not name.startswith(_SAFE_PREFIXES)
    )
    if foreign:
        raise WeightsError(
            f"weights {weights}: the file would run foreign code when loaded "
            f"({', '.join(foreign)}); it was not loaded; take weights from a source that you trust"
        )


def _check_archive(weights: Path) -> None:
    """Compare the checksums of a zip archive, which torch does not do."""
    with zipfile.ZipFile(weights) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"wrong checksum of {damaged}")


_PATCHED_CV2 = ("imread", "imwrite", "imshow")


@contextmanager
def unchanged_process() -> Iterator[None]:
    """Let ultralytics load, without network, installs or reports, and undo what it changes."""
    environment = dict(os.environ)
    num_threads, num_cv2_threads = torch.get_num_threads(), cv2.getNumThreads()
    safe_globals = torch.serialization.get_safe_globals()
    torch_save, torch_load = torch.save, torch.load
    cv2_functions = {name: getattr(cv2, name) for name in _PATCHED_CV2}
    image_open = PillowImage.open
    library_logger = logging.getLogger("ultralytics")
    handlers, propagates = list(library_logger.handlers), library_logger.propagate
    with (
        tempfile.TemporaryDirectory(prefix="crosscam-yolo-") as folder,
        warnings.catch_warnings(),
        np.printoptions(),
    ):
        warnings.simplefilter("ignore")
        os.environ.update(
            ULTRALYTICS_SAFE_LOAD="1",
            YOLO_AUTOINSTALL="False",
            YOLO_CONFIG_DIR=folder,
            YOLO_OFFLINE="true",
            YOLO_VERBOSE="False",
        )
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(environment)
            torch.set_num_threads(num_threads)
            cv2.setNumThreads(num_cv2_threads)
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(safe_globals)
            torch.save, torch.load = torch_save, torch_load
            for name, function in cv2_functions.items():
                setattr(cv2, name, function)
            PillowImage.open = image_open
            torch.set_printoptions(profile="default")  # type: ignore[no-untyped-call]
            library_logger.handlers[:], library_logger.propagate = handlers, propagates


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]
