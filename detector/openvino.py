"""People by an OpenVINO model: the YOLO family and SSD models like person-detection-retail-0013.

Frames of one batch run as concurrent requests of batch 1: exports of batch 1 are the common kind,
and on a CPU a larger batch is no faster. A YOLO model is given an input of the frame's own shape
where the export allows it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import openvino
import yaml

from detector.detections import Boxes, Detections, Scores
from detector.errors import BackendError, DetectorError, WeightsError
from detector.letterbox import Letterbox, input_size_for
from detector.openvino_resize import resized
from detector.selection import Selection
from detector.yolo_head import YoloHead, names_from_text, yolo_head
from streams.frame import Frame, Image

logger = logging.getLogger(__name__)

Size = tuple[int, int]
"""(width, height) in pixels."""

_MAX_ENGINES = 4
"""Input shapes that are compiled at most, as each costs memory; further frames are padded."""
_SSD_PERSON_LABEL = 1
_DEFAULT_SIDE_PX = 640


class OpenvinoDetector:
    """People by an OpenVINO model; which family it is of follows from the shape of its output.

    Args:
        weights: The .xml file, or the folder that holds one.
        selection: Which of the found people count.
        input_size_px: Longer side of a YOLO input; None: what the model was made for. SSD models
            have one size.
        num_requests: Frames that are worked on at the same time.

    Raises:
        WeightsError: The model cannot be read or finds no people.
        BackendError: This machine cannot run it.
    """

    def __init__(
        self,
        weights: Path,
        selection: Selection,
        *,
        input_size_px: int | None = None,
        num_requests: int = 1,
    ) -> None:
        self._file = model_file(weights)
        self._selection = selection
        self._num_requests = num_requests
        self._core = openvino.Core()
        self._model = _read_model(self._core, self._file)
        self._size = _fixed_size(self._model)
        self._head: YoloHead | None = None
        if not _is_ssd(self._model):
            shape = tuple(_lengths(self._model.output(0).get_partial_shape()))
            self._head = yolo_head(shape, _class_names(self._file, self._model), str(self._file))
        elif self._size is None:
            raise WeightsError(f"weights {self._file}: an SSD model needs a fixed input size")
        self._longer_side_px = input_size_px or max(self._size or (_DEFAULT_SIDE_PX, 0))
        self._own_size = self._size or (self._longer_side_px, self._longer_side_px)
        self._engines: dict[Size, _Engine] = {}
        self._is_resizable = self._head is not None
        self._is_closed = False
        if self._size is not None:
            self._engine(self._size)  # so that a model that does not run is refused at once

    @property
    def name(self) -> str:
        """Backend and weights."""
        return f"openvino {self._file.stem} on CPU"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """See `Detector`."""
        if self._is_closed:
            raise DetectorError(f"{self.name}: the detector is closed")
        running: deque[tuple[Frame, _Engine, int]] = deque()
        results: list[Detections] = []
        try:
            for frame in frames:
                if len(running) == self._num_requests:
                    results.append(self._finish(*running.popleft()))
                engine = self._engine_for(frame)
                running.append((frame, engine, engine.start(frame.image)))
            while running:
                results.append(self._finish(*running.popleft()))
        except RuntimeError as error:
            raise DetectorError(f"{self.name} failed: {_last_line(error)}") from error
        finally:
            for _, engine, slot in running:  # after an error: their input must not be painted over
                engine.wait(slot)
        return results

    def close(self) -> None:
        """See `Detector`."""
        self._is_closed = True
        self._engines.clear()

    def _finish(self, frame: Frame, engine: _Engine, slot: int) -> Detections:
        output = engine.wait(slot)
        if self._head is None:
            boxes, scores = _ssd_people(output, frame.size, self._selection.min_score)
        else:
            boxes, scores = self._head.people(output[0], self._selection.min_score)
            boxes = Letterbox(frame.size, engine.size).to_frame(boxes)
        return self._selection.people(frame, boxes, scores)

    def _engine_for(self, frame: Frame) -> _Engine:
        if not self._is_resizable:
            return self._engine(self._own_size)
        wanted = input_size_for(frame.size, self._longer_side_px)
        if wanted not in self._engines and len(self._engines) >= _MAX_ENGINES:
            return self._engine(self._own_size)
        try:
            return self._engine(wanted)
        except WeightsError:
            self._is_resizable = False
            text = "the model %s takes %dx%d input only; frames of another shape are padded"
            logger.warning(text, self._file.name, *self._own_size)
            return self._engine(self._own_size)

    def _engine(self, size: Size) -> _Engine:
        if size not in self._engines:
            model = self._model.clone() if size == self._size else resized(self._model, size)
            if model is None:
                raise WeightsError(f"weights {self._file}: the model does not take {size} input")
            compiled = _compiled(self._core, model, self._file, self._num_requests)
            is_letterboxed = self._head is not None
            self._engines[size] = _Engine(compiled, size, self._num_requests, is_letterboxed)
        return self._engines[size]


class _Engine:
    """A model compiled for one input size, with its requests and their input images."""

    def __init__(self, compiled: Any, size: Size, num_requests: int, is_letterboxed: bool) -> None:
        self.size = size
        self._is_letterboxed = is_letterboxed
        self._canvases: list[Image] = []
        self._requests: list[Any] = []
        for _ in range(num_requests):
            canvas = np.zeros((1, size[1], size[0], 3), dtype=np.uint8)
            request = compiled.create_infer_request()
            request.set_input_tensor(openvino.Tensor(canvas, shared_memory=True))
            self._canvases.append(canvas[0])
            self._requests.append(request)
        self._next = 0

    def start(self, image: Image) -> int:
        """Begin with an image; gives the slot to wait for. At most `num_requests` are under way."""
        slot, self._next = self._next, (self._next + 1) % len(self._requests)
        frame_size = (image.shape[1], image.shape[0])
        if self._is_letterboxed:
            Letterbox(frame_size, self.size).paint(image, self._canvases[slot])
        else:
            cv2.resize(image, self.size, dst=self._canvases[slot])
        self._requests[slot].start_async()
        return slot

    def wait(self, slot: int) -> npt.NDArray[Any]:
        """The first output; valid until the slot is used again."""
        self._requests[slot].wait()
        output: npt.NDArray[Any] = self._requests[slot].get_output_tensor(0).data
        return output


def model_file(weights: Path) -> Path:
    """The .xml file of a model that is given as that file or as its folder.

    Raises:
        WeightsError: There is no such file, more than one, or its .bin is missing.
    """
    file = weights
    if weights.is_dir():
        files = sorted(weights.glob("*.xml"))
        if len(files) != 1:
            raise WeightsError(
                f"weights {weights}: expected one .xml in the folder, found {len(files)}; "
                "name the file"
            )
        file = files[0]
    if file.suffix != ".xml" or not file.is_file():
        raise WeightsError(f"weights {file}: expected an OpenVINO .xml file or the folder of one")
    if not file.with_suffix(".bin").is_file():
        raise WeightsError(
            f"weights {file}: {file.stem}.bin is missing; it belongs beside the .xml"
        )
    return file


def _read_model(core: Any, file: Path) -> Any:
    try:
        model = core.read_model(file)
    except RuntimeError as error:
        raise WeightsError(
            f"weights {file}: OpenVINO cannot read the model, it is damaged or no IR: "
            f"{_last_line(error)}; copy or export it again"
        ) from error
    if len(model.inputs) != 1 or len(model.input(0).get_partial_shape()) != 4:
        raise WeightsError(
            f"weights {file}: expected one image input (1, 3, H, W), found "
            f"{len(model.inputs)} inputs; take a person detector"
        )
    return model


def _compiled(core: Any, model: Any, file: Path, num_requests: int) -> Any:
    """The model with its preparation inside: it takes (1, H, W, 3) uint8 BGR."""
    is_ssd = _is_ssd(model)
    steps = openvino.preprocess.PrePostProcessor(model)
    image = steps.input(0)
    image.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    image.tensor().set_color_format(openvino.preprocess.ColorFormat.BGR)
    image.model().set_layout(openvino.Layout("NCHW"))
    image.preprocess().convert_element_type(openvino.Type.f32)
    if not is_ssd:
        image.preprocess().convert_color(openvino.preprocess.ColorFormat.RGB).scale(255.0)
    try:
        options = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": str(num_requests)}
        return core.compile_model(steps.build(), "CPU", options)
    except RuntimeError as error:
        text = f"openvino cannot run {file} on this machine: {_last_line(error)}"
        raise BackendError(text) from error


def _is_ssd(model: Any) -> bool:
    lengths = _lengths(model.output(0).get_partial_shape())
    return len(lengths) == 4 and lengths[:2] == [1, 1] and lengths[3] == 7


def _lengths(shape: Any) -> list[int]:
    """Lengths of a partial shape, -1 where dynamic; [] where even the rank is."""
    if shape.rank.is_dynamic:
        return []
    return [length.get_length() if length.is_static else -1 for length in shape]


def _fixed_size(model: Any) -> Size | None:
    height, width = _lengths(model.input(0).get_partial_shape())[2:]
    return (width, height) if width > 0 and height > 0 else None


def _class_names(file: Path, model: Any) -> dict[int, str]:
    metadata = file.with_name("metadata.yaml")
    if metadata.is_file():
        try:
            names = yaml.safe_load(metadata.read_text(encoding="utf-8"))["names"]
        except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError):
            return {}
        return names_from_text(str(names))
    if model.has_rt_info(["model_info", "labels"]):
        labels = str(model.get_rt_info(["model_info", "labels"]).astype(str)).split()
        return dict(enumerate(labels))
    return {}


def _ssd_people(
    output: npt.NDArray[Any], frame_size: Size, min_score: float
) -> tuple[Boxes, Scores]:
    """Candidates of an SSD output (1, 1, N, 7): image, label, score, x1, y1, x2, y2 (fractions)."""
    rows = output.reshape(-1, 7)
    ends = np.flatnonzero(rows[:, 0] < 0)  # image -1 ends the list
    rows = rows[: ends[0]] if len(ends) else rows
    rows = rows[(rows[:, 1] == _SSD_PERSON_LABEL) & (rows[:, 2] >= min_score)].astype(np.float32)
    width, height = frame_size
    return rows[:, 3:] * np.array([width, height, width, height], dtype=np.float32), rows[:, 2]


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
