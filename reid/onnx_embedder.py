"""Embeddings by an RGA model that was exported to ONNX, with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime

from reid.embedder import Crop, Embeddings
from reid.errors import BackendError, CheckpointError, ReidError
from reid.exported_info import INPUT_NAME, SECTION, ExportedInfo, Precision
from reid.model_info import FeatureName
from reid.preprocess import check_crops, preprocess
from reid.unit_rows import unit_rows

_CHUNK = 8
"""Crops a run: larger batches are no faster on a CPU and need more memory."""
_KEY_PREFIX = f"{SECTION}_"
_ERRORS_ONLY = 3


class OnnxEmbedder:
    """See `Embedder`.

    Args:
        weights: The .onnx made by `crosscam export model`.
        device: "cpu", "cuda", "cuda:N", or "auto": CUDA where this ONNX Runtime has it.
        precision: That of the file, or "auto": ONNX models compute in what they were exported as.
        feature: Which feature of the model; None: the one that its weights name.

    Raises:
        CheckpointError: The file is damaged, or no export of ours.
        BackendError: The device or precision is not to be had.
    """

    def __init__(
        self,
        weights: Path,
        *,
        device: str = "auto",
        precision: Precision | Literal["auto"] = "auto",
        feature: FeatureName | None = None,
    ) -> None:
        self._file = weights
        self._session: Any = _open_session(weights, _providers(device))
        exported = ExportedInfo.from_strings(_stored_strings(self._session), weights)
        if precision not in ("auto", exported.precision):
            raise BackendError(
                f"weights {weights}: exported as {exported.precision}, asked for {precision}; "
                "set embedder.precision to auto, or run `crosscam export model` with "
                f"--precision {precision}"
            )
        self._precision = exported.precision
        self._info = exported.info if feature is None else exported.info.with_feature(feature)
        self._device = "CUDA" if "CUDA" in self._session.get_providers()[0] else "CPU"
        shapes = {output.name: output.shape for output in self._session.get_outputs()}
        if self._info.feature not in shapes:
            raise CheckpointError(
                f"weights {weights}: has no output {self._info.feature}; export the model again"
            )
        self._dim = int(shapes[self._info.feature][-1])

    @property
    def name(self) -> str:
        """See `Embedder`."""
        height, width = self._info.size
        return f"onnx rga-{self._info.variant} {height}x{width} {self._precision} on {self._device}"

    @property
    def space(self) -> str:
        """See `Embedder`; that of the weights that the model was exported from."""
        return self._info.space

    @property
    def dim(self) -> int:
        """See `Embedder`."""
        return self._dim

    def embed(self, crops: Sequence[Crop]) -> Embeddings:
        """See `Embedder`."""
        return unit_rows(self.embed_raw(crops), self.name)

    def embed_raw(self, crops: Sequence[Crop]) -> npt.NDArray[np.float32]:
        """(N, D) features as the network gives them, not normalised; errors as for `embed`."""
        check_crops(crops)
        if self._session is None:
            raise ReidError(f"onnx {self._file.stem}: the embedder is closed")
        features = np.empty((len(crops), self._dim), np.float32)
        for start in range(0, len(crops), _CHUNK):
            chunk = crops[start : start + _CHUNK]
            images = preprocess(chunk, self._info.size, self._info.preprocessing)
            features[start : start + len(chunk)] = self._run(np.ascontiguousarray(images))
        return features

    def close(self) -> None:
        """See `Embedder`."""
        self._session = None

    def _run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        try:
            (features,) = self._session.run([self._info.feature], {INPUT_NAME: images})
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            text = f"{self.name} failed on {len(images)} crops: {error}"
            raise ReidError(text) from error
        return np.asarray(features, np.float32)


def _open_session(file: Path, providers: list[Any]) -> Any:
    if not file.is_file():
        raise CheckpointError(f"weights {file}: no such file; expected an .onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        raise CheckpointError(
            f"weights {file}: ONNX Runtime cannot read the model, it is damaged or no ONNX: "
            f"{error}; copy or export it again"
        ) from error


def _providers(device: str) -> list[Any]:
    """What ONNX Runtime is to compute with, best first."""
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    cpu = "CPUExecutionProvider"
    if device == "cpu" or (device == "auto" and not has_cuda):
        return [cpu]
    if not has_cuda:
        raise BackendError(
            f"embedder.device {device}: this ONNX Runtime has no CUDA; install onnxruntime-gpu, "
            "or set embedder.device to cpu"
        )
    _, _, index = device.partition(":")
    return [("CUDAExecutionProvider", {"device_id": index or "0"}), cpu]


def _stored_strings(session: Any) -> Mapping[str, str]:
    held = session.get_modelmeta().custom_metadata_map
    return {
        key.removeprefix(_KEY_PREFIX): value
        for key, value in held.items()
        if key.startswith(_KEY_PREFIX)
    }
