"""Export of RGA weights to OpenVINO and ONNX, checked against torch before the file appears.

The graph takes normalised float images of any batch size and gives both features. What is exported
is the exact low-rank form of the attention.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from reid.checkpoint import load_model
from reid.drawn_crops import drawn_crops
from reid.embedder import Crop, RawEmbedder
from reid.errors import BackendError, CheckpointError, ExportError
from reid.exported_info import INPUT_NAME, OUTPUT_NAMES, SECTION, ExportedInfo, Precision
from reid.model import Features, RGAResNet50
from reid.model_info import FeatureName, ModelInfo
from reid.preprocess import preprocess
from reid.unit_rows import least_cosine

logger = logging.getLogger(__name__)

MIN_COSINE: dict[Precision, float] = {"fp32": 0.999, "fp16": 0.999, "bf16": 0.999, "int8": 0.99}
"""Least cosine similarity to torch fp32, of each feature of each crop."""

_MAX_CALIBRATION = 300
_MAX_CHECKED = 64
_NUM_DRAWN = 32
_BATCH = 8

Images = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported.

    Attributes:
        file: The model's file; OpenVINO has a .bin beside it.
        info: Its description.
        precision: What it was exported as.
        cosine: Least cosine similarity to torch fp32 over the checked crops and both features.
        num_crops: Crops that were checked.
    """

    file: Path
    info: ModelInfo
    precision: Precision
    cosine: float
    num_crops: int


def export_model(
    weights: Path, out: Path, *, precision: Precision = "fp32", check_crops: Sequence[Crop] = ()
) -> ExportReport:
    """Write a model for another runtime, if it agrees with torch.

    Args:
        weights: RGA weights, of our own or the published layout.
        out: Where to; .xml for OpenVINO (with a .bin beside it), .onnx for ONNX. Replaced if it is
            there.
        precision: fp32; fp16 halves the weights; int8 is quantised after training; bf16 (OpenVINO)
            has the weights of fp32, and is checked in bf16 if this CPU has it.
        check_crops: Crops to check with, real ones if possible; none: drawn ones. For int8 every
            other one calibrates, and the rest are checked.

    Raises:
        CheckpointError: The weights cannot be used.
        BackendError: A library is missing.
        ExportError: The exported model does not agree with torch (nothing is written then), or it
            cannot be written.
    """
    kind = _kind(out, precision)
    model, info = load_model(weights)
    exported = ExportedInfo(info, precision)
    crops = list(check_crops) or drawn_crops(_NUM_DRAWN, info.size)
    calibration, checked = _split(crops, precision)
    if not check_crops:
        logger.warning(
            "%s: checked%s on drawn crops only; give real ones for a check that counts",
            out.name,
            " and calibrated" if precision == "int8" else "",
        )
    with _folder_beside(out) as folder:
        partial = folder / out.name
        images = preprocess(calibration, info.size, info.preprocessing)
        if kind == "openvino":
            _write_openvino(model, exported, partial, images)
        else:
            _write_onnx(model, exported, partial, images)
        cosine = _check(partial, kind, model, exported, checked)
        for file in sorted(folder.iterdir()):  # .bin before .xml
            file.replace(out.with_name(file.name))
    return ExportReport(out, info, precision, cosine, len(checked))


def _kind(out: Path, precision: Precision) -> Literal["openvino", "onnx"]:
    if out.suffix == ".xml":
        return "openvino"
    if out.suffix != ".onnx":
        raise ExportError(f"{out}: unknown format; name it .xml for OpenVINO or .onnx for ONNX")
    if precision == "bf16":
        raise ExportError(f"{out}: ONNX Runtime has no bf16 on CPUs; take fp32, fp16 or int8")
    return "onnx"


def _split(crops: list[Crop], precision: Precision) -> tuple[list[Crop], list[Crop]]:
    """Crops that calibrate (int8 only), and crops that are checked; a single one does both."""
    if precision != "int8":
        return [], crops[:_MAX_CHECKED]
    return crops[::2][:_MAX_CALIBRATION], (crops[1::2] or crops)[:_MAX_CHECKED]


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    """A folder for files that are not finished, on the disk of `out`; gone in the end."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.{os.getpid()}.", dir=out.parent))
    except OSError as error:
        raise ExportError(f"{out}: cannot be written: {error.strerror or error}") from error
    try:
        yield folder
    except OSError as error:
        raise ExportError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_openvino(
    model: RGAResNet50, exported: ExportedInfo, file: Path, calibration: Images
) -> None:
    try:
        import openvino  # noqa: PLC0415
    except ImportError as error:
        raise BackendError(_missing(error, "openvino")) from error
    height, width = exported.info.size
    example = torch.zeros(2, 3, height, width)
    with _quiet("openvino"), torch.no_grad():
        traced = torch.jit.trace(model, example, check_trace=False)  # type: ignore[no-untyped-call]
        graph = openvino.convert_model(traced, example_input=example)
    graph.reshape([-1, 3, height, width])
    if exported.precision == "int8":
        graph = _quantised_openvino(graph, calibration)
    graph.input(0).set_names({INPUT_NAME})
    for port, name in zip(graph.outputs, OUTPUT_NAMES, strict=True):
        port.set_names({name})
    for key, value in exported.to_strings().items():
        graph.set_rt_info(value, [SECTION, key])
    openvino.save_model(graph, file, compress_to_fp16=exported.precision == "fp16")


def _write_onnx(
    model: RGAResNet50, exported: ExportedInfo, file: Path, calibration: Images
) -> None:
    try:
        import onnx  # noqa: PLC0415
        import onnxscript  # noqa: F401, PLC0415 (torch needs it, and says so late)
    except ImportError as error:
        raise BackendError(_missing(error, "onnx")) from error
    height, width = exported.info.size
    with _quiet("onnxscript"):
        program = torch.onnx.export(
            model,
            (torch.zeros(2, 3, height, width),),
            dynamo=True,
            input_names=[INPUT_NAME],
            output_names=list(OUTPUT_NAMES),
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    if program is None:
        raise ExportError(f"{file.name}: torch gave no ONNX model")
    graph = program.model_proto
    if exported.precision == "int8":
        graph = _quantised_onnx(graph, calibration, file)
    elif exported.precision == "fp16":
        graph = _halved(graph)
    for key, value in exported.to_strings().items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = f"{SECTION}_{key}", value
    onnx.save(graph, file)


def _halved(graph: Any) -> Any:
    """An ONNX model with fp16 weights and arithmetic; inputs and outputs stay float32."""
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415

    with _quiet("onnxruntime"):
        return convert_float_to_float16(graph, keep_io_types=True)


def _quantised_openvino(graph: Any, calibration: Images) -> Any:
    """An int8 model by quantisation after training, calibrated on (N, 3, H, W) images."""
    try:
        import nncf  # noqa: PLC0415
    except ImportError as error:
        raise BackendError(_missing(error, "openvino")) from error
    nncf.set_log_level(logging.ERROR)
    with redirect_stdout(sys.stderr):  # where progress belongs
        return nncf.quantize(
            graph,
            nncf.Dataset(list(calibration[:, None])),
            preset=nncf.QuantizationPreset.MIXED,
            # Sums of shortcuts and products of attention stay float: nearly as quick, less error.
            ignored_scope=nncf.IgnoredScope(types=["Add", "MatMul"], validate=False),
            subset_size=len(calibration),
        )


def _quantised_onnx(graph: Any, calibration: Images, file: Path) -> Any:
    """The same for ONNX, by ONNX Runtime; `file` is written on the way."""
    import onnx  # noqa: PLC0415
    from onnxruntime import quantization  # noqa: PLC0415

    class Calibration(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Gives one image at a time, then None."""

        def __init__(self) -> None:
            self._images = iter(calibration[:, None])

        def get_next(self) -> dict[str, Images] | None:
            image = next(self._images, None)
            return None if image is None else {INPUT_NAME: image}

    with _quiet("root"):
        quantization.quantize_static(
            graph,
            file,
            Calibration(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            reduce_range=True,  # 8 bits overflow on CPUs without VNNI
        )
    return onnx.load(file)


def _check(
    file: Path,
    kind: Literal["openvino", "onnx"],
    model: RGAResNet50,
    exported: ExportedInfo,
    crops: Sequence[Crop],
) -> float:
    """The least cosine of both features to torch.

    Raises:
        ExportError: It is too low.
    """
    expected = _torch_features(model, exported.info, crops)
    found: dict[FeatureName, float] = {}
    for name in get_args(FeatureName):
        with closing(_opened(file, kind, name, exported.precision)) as embedder:
            features = embedder.embed_raw(crops)
        found[name] = least_cosine(features, getattr(expected, name).numpy())
    name, cosine = min(found.items(), key=lambda item: item[1])
    wanted = MIN_COSINE[exported.precision]
    if not cosine >= wanted:
        raise ExportError(
            f"{file.name}: {name} agrees with torch to a cosine of {cosine:.5f} only, wanted "
            f"{wanted}, over {len(crops)} crops; nothing was written. "
            + (
                "Give more crops like those that it will see, or take fp32"
                if exported.precision == "int8"
                else "Take precision fp32, and report this if that is what was exported"
            )
        )
    return cosine


def _torch_features(model: RGAResNet50, info: ModelInfo, crops: Sequence[Crop]) -> Features:
    images = torch.from_numpy(preprocess(crops, info.size, info.preprocessing))
    with torch.inference_mode():
        parts = [model(batch) for batch in torch.split(images, _BATCH)]
    return Features(
        torch.cat([part.before_bn for part in parts]), torch.cat([part.after_bn for part in parts])
    )


def _opened(
    file: Path, kind: Literal["openvino", "onnx"], name: FeatureName, precision: Precision
) -> RawEmbedder:
    """The embedder that will run the exported file, on the CPU."""
    try:
        if kind == "onnx":
            from reid.onnx_embedder import OnnxEmbedder  # noqa: PLC0415

            return OnnxEmbedder(file, feature=name, device="cpu")
        from reid.openvino_embedder import OpenvinoEmbedder  # noqa: PLC0415

        if precision == "bf16":
            try:
                return OpenvinoEmbedder(file, feature=name, precision="bf16")
            except BackendError as error:
                logger.warning("%s: checked in fp32: %s", file.name, error)
        run_precision: Precision = "int8" if precision == "int8" else "fp32"
        return OpenvinoEmbedder(file, feature=name, precision=run_precision)
    except ImportError as error:
        raise BackendError(_missing(error, kind)) from error
    except CheckpointError as error:
        raise ExportError(f"{file.name}: the exported model does not open: {error}") from error


@contextmanager
def _quiet(library: str) -> Iterator[None]:
    """Hold back what a converter says about itself: deprecations, and what it does not optimise."""
    logger_of_library = logging.getLogger(library)
    level = logger_of_library.level
    logger_of_library.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger_of_library.setLevel(level)


def _missing(error: ImportError, extra: str) -> str:
    return f"export needs a library that is missing ({error}); pip install 'crosscam[{extra}]'"
