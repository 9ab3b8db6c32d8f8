"""People by an ONNX model of the YOLO family, on onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from detector.detections import Detections
from detector.errors import BackendError, DetectorError, WeightsError
from detector.letterbox import Letterbox, by_input_size, input_size_for, letterboxed
from detector.selection import Selection
from detector.yolo_head import names_from_text, yolo_head
from streams.frame import Frame

_DEFAULT_SIDE_PX = 640
_ELEMENT_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OnnxDetector:
    """People by an ONNX model that takes (B, 3, H, W) RGB in [0, 1] and has a YOLO head.

    Args:
        weights: The .onnx file. A fixed or a dynamic batch, height and width are all taken.
        selection: Which of the found people count.
        input_size_px: Longer side of the input where that is dynamic; None: 640.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        WeightsError: The model cannot be read or finds no people.
        BackendError: onnxruntime has no such device here.
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
        self._session: Any = _session(weights, device)
        self._device = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _ELEMENT_TYPES:
            raise WeightsError(
                f"weights {weights}: expected one float input (B, 3, H, W), found "
                f"{[(i.name, i.type, i.shape) for i in inputs]}; take an ONNX person detector"
            )
        self._input_name, self._output_name = inputs[0].name, outputs[0].name
        self._dtype = _ELEMENT_TYPES[inputs[0].type]
        batch, _, height, width = _lengths(inputs[0].shape)
        self._max_batch = batch if batch > 0 else None
        self._fixed_size = (width, height) if width > 0 and height > 0 else None
        self._longer_side_px = input_size_px or _DEFAULT_SIDE_PX
        names = self._session.get_modelmeta().custom_metadata_map.get("names", "")
        self._head = yolo_head(_lengths(outputs[0].shape), names_from_text(names), str(weights))

    @property
    def name(self) -> str:
        """Backend and weights."""
        return f"onnx {self._weights.stem} on {self._device}"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """See `Detector`."""
        if self._session is None:
            raise DetectorError(f"{self.name}: the detector is closed")
        found: dict[int, Detections] = {}
        for size, positions in by_input_size(frames, self._input_size).items():
            step = self._max_batch or len(positions)
            for start in range(0, len(positions), step):
                chunk = positions[start : start + step]
                outputs = self._outputs([frames[i] for i in chunk], size)
                for position, output in zip(chunk, outputs, strict=False):
                    found[position] = self._people(frames[position], size, output)
        return [found[position] for position in range(len(frames))]

    def close(self) -> None:
        """See `Detector`."""
        self._session = None

    def _input_size(self, frame_size: tuple[int, int]) -> tuple[int, int]:
        return self._fixed_size or input_size_for(frame_size, self._longer_side_px)

    def _outputs(self, frames: list[Frame], size: tuple[int, int]) -> npt.NDArray[Any]:
        """(B, …) outputs; a fixed batch that is not full is filled up with zeros."""
        batch = letterboxed([frame.image for frame in frames], size).astype(self._dtype, copy=False)
        if self._max_batch is not None and len(batch) < self._max_batch:
            missing = (self._max_batch - len(batch), *batch.shape[1:])
            batch = np.concatenate([batch, np.zeros(missing, dtype=self._dtype)])
        try:
            outputs: npt.NDArray[Any] = self._session.run(
                [self._output_name], {self._input_name: batch}
            )[0]
        except Exception as error:
            cameras = sorted({frame.camera_id for frame in frames})
            raise DetectorError(f"{self.name} failed on frames of {cameras}: {error}") from error
        return outputs

    def _people(self, frame: Frame, size: tuple[int, int], output: npt.NDArray[Any]) -> Detections:
        boxes, scores = self._head.people(output, self._selection.min_score)
        return self._selection.people(frame, Letterbox(frame.size, size).to_frame(boxes), scores)


def _session(weights: Path, device: str) -> Any:
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device.startswith("cuda") and not has_cuda:
        raise BackendError(
            f"detector.device is {device!r}, but this onnxruntime has no CUDA: "
            "install onnxruntime-gpu, or set detector.device: cpu"
        )
    providers: list[Any] = ["CPUExecutionProvider"]
    if has_cuda and device != "cpu":
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": _device_number(device)}))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only; they are raised as well
    try:
        return onnxruntime.InferenceSession(str(weights), options, providers=providers)
    except Exception as error:
        raise WeightsError(
            f"weights {weights}: onnxruntime cannot read the model, it is damaged or no ONNX file: "
            f"{error}; copy or export it again"
        ) from error


def _device_number(device: str) -> int:
    return int(device.partition(":")[2] or 0)


def _lengths(shape: Sequence[Any]) -> tuple[int, ...]:
    """Lengths, -1 where the model leaves them open (None or a name)."""
    return tuple(length if isinstance(length, int) else -1 for length in shape)
