"""The seam of embedding: what every backend promises, and the factory that builds one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, assert_never

import numpy as np
import numpy.typing as npt

from reid.errors import BackendError, CheckpointError, ReidError
from reid.shipped import shipped_weights

if TYPE_CHECKING:
    from config.schema import EmbedderSettings

logger = logging.getLogger(__name__)

EmbedderKind = Literal["torch", "openvino", "onnx", "openvino_ir", "histogram"]

_KIND_BY_SUFFIX: dict[str, EmbedderKind] = {
    ".safetensors": "torch",
    ".pth": "torch",
    ".pt": "torch",
    ".tar": "torch",
    ".onnx": "onnx",
    ".xml": "openvino",
}

Crop = npt.NDArray[np.uint8]
"""(h, w, 3) uint8 BGR, any size from 1 x 1 up."""

Embeddings = npt.NDArray[np.float32]
"""(N, D) float32, rows of unit length."""


class Embedder(Protocol):
    """Turns crops of people into unit feature vectors. One thread uses an instance."""

    @property
    def name(self) -> str:
        """Backend, model, precision and device for logs and `doctor`."""
        ...

    @property
    def space(self) -> str:
        """Model name and weights hash. Embeddings of two spaces are never compared.

        The same weights in another backend or precision keep their space: they agree to a cosine of
            0.99 or more.
        """
        ...

    @property
    def dim(self) -> int:
        """D, the length of a feature."""
        ...

    def embed(self, crops: Sequence[Crop]) -> Embeddings:
        """One unit row per crop, in order; (0, D) for none.

        Raises:
            ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
            ReidError: The backend failed.
        """
        ...

    def close(self) -> None:
        """Free the backend; may be called twice."""
        ...


class RawEmbedder(Embedder, Protocol):
    """An embedder of a network, which also gives features as the network does."""

    def embed_raw(self, crops: Sequence[Crop]) -> npt.NDArray[np.float32]:
        """(N, D) features that are not normalised; order and errors as for `embed`."""
        ...


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """Which backend is taken, and why.

    Attributes:
        kind: The backend.
        reason: For people, in logs and `doctor`.
    """

    kind: EmbedderKind
    reason: str


def choose_embedder(settings: EmbedderSettings) -> EmbedderChoice:
    """The backend for some settings; `auto` goes by the weights file, never by chance.

    Raises:
        CheckpointError: `auto`, and the weights are missing or of an unknown kind.
    """
    if settings.kind != "auto":
        return EmbedderChoice(settings.kind, "embedder.kind says so")
    if settings.weights is None:
        return _choice_without_weights()
    weights = _existing(settings.weights)
    kind = _KIND_BY_SUFFIX.get(weights.suffix.lower())
    if kind is None:
        raise CheckpointError(
            f"embedder.weights {weights}: unknown kind of file; "
            f"expected {', '.join(_KIND_BY_SUFFIX)}, or set embedder.kind"
        )
    if kind != "openvino":
        return EmbedderChoice(kind, f"{weights.name} is a file for it")
    from reid.exported_info import is_exported_ir  # noqa: PLC0415 (it reaches this module)

    if is_exported_ir(weights):
        return EmbedderChoice("openvino", f"{weights.name} is an RGA model exported to OpenVINO")
    return EmbedderChoice("openvino_ir", f"{weights.name} is an OpenVINO model that is not ours")


def build_embedder(settings: EmbedderSettings) -> Embedder:
    """The embedder for some settings; which and why is logged.

    Raises:
        CheckpointError: The weights are missing, damaged or of another model.
        BackendError: The backend's library, device or precision is not to be had here.
        ReidError: The settings contradict each other.
    """
    choice = choose_embedder(settings)
    logger.info("embedder %s: %s", choice.kind, choice.reason)
    if choice.kind == "histogram":
        from reid.histogram import open_histogram_embedder  # noqa: PLC0415

        return open_histogram_embedder()
    return build_network_embedder(settings)


def build_network_embedder(settings: EmbedderSettings) -> RawEmbedder:
    """The embedder for settings that name weights.

    Raises:
        CheckpointError: The weights are missing, damaged or of another model.
        BackendError: The backend's library, device or precision is not to be had here.
        ReidError: The settings name no weights, or a backend without any.
    """
    kind = choose_embedder(settings).kind
    weights = weights_for(kind, settings)
    try:
        match kind:
            case "torch":
                return _torch(weights, settings)
            case "onnx":
                return _onnx(weights, settings)
            case "openvino":
                return _openvino(weights, settings)
            case "openvino_ir":
                return _openvino_ir(weights, settings)
            case "histogram":
                raise ReidError(
                    "embedder.kind histogram: it has no weights; set embedder.kind: auto"
                )
            case _:
                assert_never(kind)
    except ImportError as error:
        raise BackendError(
            f"embedder.kind {kind}: a library is missing ({error}); "
            "pip install 'crosscam[openvino,onnx]', or take weights of another kind"
        ) from error


def _choice_without_weights() -> EmbedderChoice:
    weights = shipped_weights()
    if weights is None:
        return EmbedderChoice(
            "histogram",
            "no embedder.weights are set, and this installation has none of its own: "
            "colours only, which links people poorly",
        )
    return EmbedderChoice("torch", f"no embedder.weights are set: {weights.name}, which we ship")


def weights_for(kind: EmbedderKind, settings: EmbedderSettings) -> Path:
    """The weights file of a network: the one that the settings name, or the one that we ship.

    Raises:
        CheckpointError: The settings name a file that is not there.
        ReidError: They name none, and we ship none for this backend.
    """
    if settings.weights is not None:
        return _existing(settings.weights)
    weights = shipped_weights() if kind == "torch" else None
    if weights is None:
        raise ReidError(f"embedder.weights: not set, but embedder.kind {kind} needs them")
    return weights


def _torch(weights: Path, settings: EmbedderSettings) -> RawEmbedder:
    from reid.torch_embedder import open_torch_embedder  # noqa: PLC0415

    if settings.precision == "int8":
        raise BackendError(
            "embedder.precision int8: torch runs fp32, bf16 and fp16; make an int8 file by "
            f"`crosscam export model {weights} --precision int8` and set embedder.weights to it"
        )
    return open_torch_embedder(
        weights,
        device=settings.device,
        precision=settings.precision,
        feature=settings.feature,
    )


def _onnx(weights: Path, settings: EmbedderSettings) -> RawEmbedder:
    from reid.onnx_embedder import OnnxEmbedder  # noqa: PLC0415

    return OnnxEmbedder(
        weights,
        device=settings.device,
        precision=settings.precision,
        feature=settings.feature,
    )


def _openvino(weights: Path, settings: EmbedderSettings) -> RawEmbedder:
    from reid.openvino_embedder import OpenvinoEmbedder  # noqa: PLC0415

    _check_cpu(settings)
    return OpenvinoEmbedder(weights, precision=settings.precision, feature=settings.feature)


def _openvino_ir(weights: Path, settings: EmbedderSettings) -> RawEmbedder:
    from reid.openvino_ir import OpenvinoIrEmbedder  # noqa: PLC0415

    _check_cpu(settings)
    if settings.precision == "int8":
        raise BackendError(
            f"embedder.precision int8: {weights.name} computes as it was made; set it to auto"
        )
    return OpenvinoIrEmbedder(weights, precision=settings.precision)


def _check_cpu(settings: EmbedderSettings) -> None:
    if settings.device not in ("auto", "cpu"):
        raise BackendError(
            f"embedder.device {settings.device}: OpenVINO models run on the CPU; "
            "set embedder.device to cpu, or take torch weights"
        )


def _existing(weights: str) -> Path:
    path = Path(weights)
    if not path.is_file():
        raise CheckpointError(
            f"embedder.weights {path}: no such file; "
            "set it to a .safetensors, .pth, .xml or .onnx file"
        )
    return path
