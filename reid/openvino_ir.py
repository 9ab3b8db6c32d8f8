"""Embeddings by any OpenVINO re-identification model that takes BGR pixels in 0-255.

Such are the person-reidentification-retail models of the Open Model Zoo; conversions of other
models qualify if their preparation was put inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from reid.embedder import Crop, Embeddings
from reid.openvino_model import OpenvinoModel, PixelScale, RunPrecision
from reid.unit_rows import unit_rows

_CHUNK_BYTES = 1 << 20


class OpenvinoIrEmbedder:
    """See `Embedder`. Every crop is computed by itself, so a feature does not depend on its batch.

    Args:
        weights: The .xml; one input (N, 3, H, W) of a fixed size, one output (N, D).
        precision: "auto": bf16 where the CPU has it and it agrees with fp32 on drawn crops, else
            fp32.

    Raises:
        CheckpointError: The file is damaged, or no model that turns images into features.
        BackendError: This machine cannot run it, or not in this precision.
    """

    def __init__(
        self, weights: Path, *, precision: RunPrecision | Literal["auto"] = "auto"
    ) -> None:
        self._model = OpenvinoModel(weights, PixelScale(is_rgb=False), precision=precision)
        self._space = f"{weights.stem}:{_file_hash(weights.with_suffix('.bin'))[:12]}"

    @property
    def name(self) -> str:
        """See `Embedder`."""
        return f"openvino {self._model.file.stem} {self._model.precision} on CPU"

    @property
    def space(self) -> str:
        """See `Embedder`; the file's name and the hash of its .bin."""
        return self._space

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


def _file_hash(file: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
