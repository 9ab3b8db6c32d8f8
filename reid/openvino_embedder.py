"""Embeddings by an RGA model that was exported to OpenVINO, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from reid.embedder import Crop, Embeddings
from reid.errors import BackendError
from reid.exported_info import ExportedInfo, Precision
from reid.model_info import FeatureName, ModelInfo
from reid.openvino_model import OpenvinoModel, PixelScale, RunPrecision, read_ir, stored_strings
from reid.unit_rows import unit_rows


class OpenvinoEmbedder:
    """See `Embedder`. Every crop is computed by itself, so a feature does not depend on its batch.

    Args:
        weights: The .xml made by `crosscam export model`.
        precision: "auto": int8 for an int8 file, else bf16 where the CPU has it and it agrees with
            fp32, else fp32.
        feature: Which feature of the model; None: the one that its weights name.

    Raises:
        CheckpointError: The file is damaged, or no export of ours.
        BackendError: This machine cannot run it in this precision.
    """

    def __init__(
        self,
        weights: Path,
        *,
        precision: Precision | Literal["auto"] = "auto",
        feature: FeatureName | None = None,
    ) -> None:
        exported = ExportedInfo.from_strings(stored_strings(read_ir(weights)), weights)
        self._info = exported.info if feature is None else exported.info.with_feature(feature)
        self._model = OpenvinoModel(
            weights,
            _pixel_scale(self._info),
            output=self._info.feature,
            precision=_run_precision(precision, exported.precision, weights),
        )
        is_int8 = exported.precision == "int8"
        self._precision = "int8" if is_int8 else self._model.precision

    @property
    def name(self) -> str:
        """See `Embedder`."""
        height, width = self._info.size
        return f"openvino rga-{self._info.variant} {height}x{width} {self._precision} on CPU"

    @property
    def space(self) -> str:
        """See `Embedder`; that of the weights that the model was exported from."""
        return self._info.space

    @property
    def dim(self) -> int:
        """See `Embedder`."""
        return self._model.dim

    def embed(self, crops: Sequence[Crop]) -> Embeddings:
        """See `Embedder`."""
        return unit_rows(self.embed_raw(crops), self.name)

    def embed_raw(self, crops: Sequence[Crop]) -> npt.NDArray[np.float32]:
        """(N, D) features as the network gives them, not normalised; errors as for `embed`."""
        return self._model.run(crops)

    def close(self) -> None:
        """See `Embedder`."""
        self._model.close()


def _pixel_scale(info: ModelInfo) -> PixelScale:
    pixels = info.preprocessing
    return PixelScale(
        is_rgb=True,
        mean=tuple(255 * value for value in pixels.mean),
        std=tuple(255 * value for value in pixels.std),
    )


def _run_precision(
    wanted: Precision | Literal["auto"], stored: Precision, file: Path
) -> RunPrecision | Literal["auto"]:
    """What the CPU is asked to compute in; int8 is a property of the file."""
    if (wanted == "int8") != (stored == "int8") and (wanted != "auto"):
        raise BackendError(
            f"weights {file}: exported as {stored}, asked for {wanted}; set embedder.precision to "
            f"auto, or run `crosscam export model` with --precision {wanted}"
        )
    if wanted == "int8" or stored == "int8":
        return "fp32"
    return wanted
