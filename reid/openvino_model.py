"""An OpenVINO model that takes crops: reading, compiling and running one.

Images run as concurrent requests of batch 1, as many as OpenVINO finds best for this CPU. On CPUs
that is as fast as larger batches, models of a fixed batch need no surgery, and a feature does not
depend on its neighbours in the batch.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import openvino

from reid.drawn_crops import drawn_crops
from reid.embedder import Crop
from reid.errors import BackendError, CheckpointError, ReidError
from reid.exported_info import SECTION
from reid.preprocess import stack_crops
from reid.unit_rows import least_cosine

logger = logging.getLogger(__name__)

RunPrecision = Literal["fp32", "bf16", "fp16"]
"""What a CPU computes in; an int8 model does so where it was not quantised."""

_TYPES: dict[RunPrecision, str] = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
_MIN_COSINE = 0.999


@dataclass(frozen=True, slots=True)
class PixelScale:
    """How (H, W, 3) uint8 BGR pixels become inputs: channels perhaps swapped, minus mean, over std.

    Attributes:
        is_rgb: Whether the model wants RGB.
        mean: Per channel as the model wants them, in 0-255.
        std: The same, above 0.
    """

    is_rgb: bool
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)


class OpenvinoModel:
    """A model of the CPU, compiled; one thread uses it.

    Args:
        file: The .xml; its .bin lies beside it.
        scale: How pixels become inputs.
        output: Name of the output that is the feature; None: the only one.
        precision: "auto": bf16 where the CPU has it and it agrees with fp32 on drawn crops, else
            fp32.

    Raises:
        CheckpointError: The file is no model that turns images into features.
        BackendError: This machine cannot run it, or not in this precision.
    """

    def __init__(
        self,
        file: Path,
        scale: PixelScale,
        *,
        output: str | None = None,
        precision: RunPrecision | Literal["auto"] = "auto",
    ) -> None:
        self.file = file
        core = openvino.Core()
        model = read_ir(file)
        self.size = _image_size(model, file)
        self._output, self.dim = _feature_output(model, file, output)
        prepared = _with_pixels(model, scale)
        capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision = _supported(precision, capabilities, file)
        self._queue = self._compile(core, prepared, self.precision)
        if precision == "auto" and self.precision != "fp32":
            self._check_against_fp32(core, prepared)

    def run(self, crops: Sequence[Crop]) -> npt.NDArray[np.float32]:
        """(N, D) features as the model gives them, in order; (0, D) for none.

        Raises:
            ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
            ReidError: The model is closed, or OpenVINO failed.
        """
        if self._queue is None:
            raise ReidError(f"openvino {self.file.stem}: the model is closed")
        images = stack_crops(crops, self.size)
        self._features = np.empty((len(crops), self.dim), np.float32)
        try:
            for row, image in enumerate(images):
                self._queue.start_async(image[None], row)
            self._queue.wait_all()
        except RuntimeError as error:
            text = f"openvino {self.file.stem} failed on {len(crops)} crops: {last_line(error)}"
            raise ReidError(text) from error
        return self._features

    def close(self) -> None:
        """Free the model; may be called twice."""
        self._queue = None

    def _compile(self, core: Any, model: Any, precision: RunPrecision) -> Any:
        options = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": _TYPES[precision]}
        try:
            queue = openvino.AsyncInferQueue(core.compile_model(model, "CPU", options))
        except RuntimeError as error:
            text = f"openvino cannot run {self.file} on this machine: {last_line(error)}"
            raise BackendError(text) from error
        queue.set_callback(self._keep)
        return queue

    def _keep(self, request: Any, row: int) -> None:
        self._features[row] = request.get_output_tensor(self._output).data.reshape(-1)

    def _check_against_fp32(self, core: Any, prepared: Any) -> None:
        """Go back to fp32 if the quicker precision does not agree with it."""
        crops = drawn_crops(8, self.size)
        quick, quick_queue = self.run(crops), self._queue
        self._queue = self._compile(core, prepared, "fp32")
        cosine = least_cosine(quick, self.run(crops))
        if cosine >= _MIN_COSINE:
            self._queue = quick_queue
            return
        logger.warning(
            "openvino %s: %s agrees with fp32 to a cosine of %.4f only; running in fp32",
            self.file.stem,
            self.precision,
            cosine,
        )
        self.precision = "fp32"


def read_ir(file: Path) -> Any:
    """The `openvino.Model` of an .xml file.

    Raises:
        CheckpointError: The file or its .bin is missing or damaged.
    """
    if not file.is_file():
        raise CheckpointError(f"weights {file}: no such file; expected an OpenVINO .xml")
    if not file.with_suffix(".bin").is_file():
        raise CheckpointError(
            f"weights {file}: {file.stem}.bin is missing; it belongs beside the .xml"
        )
    try:
        return openvino.Core().read_model(file)
    except RuntimeError as error:
        raise CheckpointError(
            f"weights {file}: OpenVINO cannot read the model, it is damaged or no IR: "
            f"{last_line(error)}; copy or export it again"
        ) from error


def stored_strings(model: Any) -> Mapping[str, str]:
    """Our strings in the ``rt_info`` of a model; {} where it has none."""
    names = ("model", "precision")
    held = [name for name in names if model.has_rt_info([SECTION, name])]
    return {name: str(model.get_rt_info([SECTION, name]).astype(str)) for name in held}


def last_line(error: Exception) -> str:
    """The line of an OpenVINO error that says what happened; the others name its sources."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


def _image_size(model: Any, file: Path) -> tuple[int, int]:
    """(H, W) of the model's only input."""
    shapes = [_lengths(port.get_partial_shape()) for port in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3 or min(shapes[0][2:]) < 1:
        found = ", ".join(str(port.get_partial_shape()) for port in model.inputs)
        raise CheckpointError(
            f"weights {file}: expected one image input (N, 3, H, W) of a fixed size, "
            f"found {found}; take a re-identification model"
        )
    height, width = shapes[0][2:]
    return height, width


def _feature_output(model: Any, file: Path, name: str | None) -> tuple[int, int]:
    """Index and length of the output that is the feature."""
    indexes = [
        index for index, port in enumerate(model.outputs) if name is None or name in port.names
    ]
    lengths = _lengths(model.output(indexes[0]).get_partial_shape()) if len(indexes) == 1 else []
    dims = [length for length in lengths[1:] if length != 1]
    if len(dims) != 1 or dims[0] < 2:
        found = ", ".join(f"{port.names} {port.get_partial_shape()}" for port in model.outputs)
        wanted = "one output (N, D)" if name is None else f"an output {name!r} (N, D)"
        raise CheckpointError(
            f"weights {file}: expected {wanted}, found {found}; take a re-identification model"
        )
    return indexes[0], dims[0]


def _with_pixels(model: Any, scale: PixelScale) -> Any:
    """The model with its preparation inside: it takes (1, H, W, 3) uint8 BGR."""
    steps = openvino.preprocess.PrePostProcessor(model)
    image = steps.input(0)
    image.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    image.tensor().set_color_format(openvino.preprocess.ColorFormat.BGR)
    image.model().set_layout(openvino.Layout("NCHW"))
    image.preprocess().convert_element_type(openvino.Type.f32)
    if scale.is_rgb:
        image.preprocess().convert_color(openvino.preprocess.ColorFormat.RGB)
    if any(scale.mean):
        image.preprocess().mean(list(scale.mean))
    if set(scale.std) != {1.0}:
        image.preprocess().scale(list(scale.std))
    prepared = steps.build()
    prepared.reshape([1, *_lengths(prepared.input(0).get_partial_shape())[1:]])
    return prepared


def _supported(
    precision: RunPrecision | Literal["auto"], capabilities: Sequence[str], file: Path
) -> RunPrecision:
    has_bf16, has_fp16 = "BF16" in capabilities, "FP16" in capabilities
    if precision == "auto":
        return "bf16" if has_bf16 else "fp32"
    if (precision == "bf16" and not has_bf16) or (precision == "fp16" and not has_fp16):
        raise BackendError(
            f"openvino cannot run {file} in {precision}: this CPU has {', '.join(capabilities)}; "
            "set embedder.precision to auto or fp32"
        )
    return precision


def _lengths(shape: Any) -> list[int]:
    """Lengths of a partial shape, -1 where dynamic; [] where even the rank is."""
    if shape.rank.is_dynamic:
        return []
    return [length.get_length() if length.is_static else -1 for length in shape]
