"""RGA-ResNet50 in torch, on a GPU or on CPU cores, as coarsely as agrees with float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reid.checkpoint import load_model
from reid.embedder import Crop, Embeddings
from reid.errors import BackendError, ReidError
from reid.fuse import FusedRGAResNet50
from reid.model import FEATURE_DIM, RGAResNet50
from reid.model_info import FeatureName, ModelInfo
from reid.precision import Precision, agreeing_network, candidate_precisions
from reid.preprocess import Preprocessing, stack_crops
from reid.unit_rows import unit_rows

MAX_BATCH_CPU = 8
"""Larger batches fall out of the caches: torch computes 32 crops slower than 4 times 8."""

MAX_BATCH_CUDA = 64


class TorchEmbedder:
    """An `Embedder` that computes an RGA-ResNet50 with torch.

    Args:
        model: The model; left as it is.
        info: Its description.
        device: "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:N".
        precision: "fp32", "bf16", "fp16", or "auto": what the device computes fastest. A precision
            that does not agree with float32 on this model (cosine under 0.999) is not used, with
            a warning.
        feature: Which feature; None: the one that the description names.

    Raises:
        BackendError: The device is not there or cannot hold the model, or torch has no such
            precision.
    """

    def __init__(
        self,
        model: RGAResNet50,
        info: ModelInfo,
        *,
        device: str = "auto",
        precision: str = "auto",
        feature: FeatureName | None = None,
    ) -> None:
        self._device = _find_device(device)
        self._info = info if feature is None else info.with_feature(feature)
        self._max_batch = MAX_BATCH_CUDA if self._device.type == "cuda" else MAX_BATCH_CPU
        candidates = candidate_precisions(self._device, precision)
        try:
            network, self._precision = agreeing_network(model, self._device, candidates)
        except RuntimeError as error:
            raise BackendError(
                f"{info.model} does not run on {self._device}: {str(error).splitlines()[0]}"
            ) from error
        self._network: FusedRGAResNet50 | None = network

    @property
    def name(self) -> str:
        """Backend, model, precision and device."""
        height, width = self._info.size
        model = f"{self._info.model} {self._info.variant} {height}x{width}"
        return f"torch {model} {self._precision} on {self._device}"

    @property
    def space(self) -> str:
        """Model, feature and weights hash."""
        return self._info.space

    @property
    def dim(self) -> int:
        """2048."""
        return FEATURE_DIM

    @property
    def precision(self) -> Precision:
        """The precision that is used."""
        return self._precision

    def embed(self, crops: Sequence[Crop]) -> Embeddings:
        """One unit row per crop, in order; (0, 2048) for none.

        Raises:
            ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
            ReidError: The device failed, a feature is zero or not finite, or it is closed.
        """
        return unit_rows(self.embed_raw(crops), self.name)

    def embed_raw(self, crops: Sequence[Crop]) -> npt.NDArray[np.float32]:
        """(N, 2048) float32 features as the network gives them, not normalised.

        Raises:
            ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
            ReidError: The device failed, or the embedder is closed.
        """
        network = self._network
        if network is None:
            raise ReidError(f"{self.name}: it is closed")
        images = stack_crops(crops, self._info.size)
        features = np.empty((len(images), FEATURE_DIM), np.float32)
        for start in range(0, len(images), self._max_batch):
            batch = slice(start, start + self._max_batch)
            features[batch] = self._compute(network, images[batch])
        return features

    def close(self) -> None:
        """Free the network; may be called twice."""
        self._network = None

    def _compute(
        self, network: FusedRGAResNet50, images: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.float32]:
        pixels = torch.from_numpy(images)
        if self._device.type == "cuda":
            pixels = pixels.pin_memory()
        try:
            with torch.inference_mode():
                batch = normalise(
                    pixels.to(self._device, non_blocking=True), self._info.preprocessing
                )
                both = network(batch)
                feature: Tensor = getattr(both, self._info.feature)
                return np.asarray(feature.float().cpu().numpy(), np.float32)
        except RuntimeError as error:
            raise ReidError(
                f"{self.name}: failed on {len(images)} crops: {str(error).splitlines()[0]}"
            ) from error


def open_torch_embedder(
    path: Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    feature: FeatureName | None = None,
    num_threads: int | None = None,
) -> TorchEmbedder:
    """The embedder of a weights file.

    Args:
        path: Published or own weights (see `reid.checkpoint.load_model`).
        device: See `TorchEmbedder`.
        precision: See `TorchEmbedder`.
        feature: See `TorchEmbedder`.
        num_threads: CPU threads of torch, for this whole process; None: leave them as they are.

    Raises:
        CheckpointError: The weights cannot be used.
        BackendError: The device is not there, or the precision is none of torch's.
    """
    if num_threads is not None:
        torch.set_num_threads(num_threads)
    model, info = load_model(path)
    return TorchEmbedder(model, info, device=device, precision=precision, feature=feature)


def normalise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """(N, 3, H, W) float32 from (N, H, W, 3) uint8 BGR, where the images are.

    The same numbers as `reid.preprocess.normalise`; a GPU gets a quarter of the bytes this way.
    """
    mean = torch.tensor(preprocessing.mean, device=images.device)
    std = torch.tensor(preprocessing.std, device=images.device)
    return images.flip(3).float().div_(255).sub_(mean).div_(std).permute(0, 3, 1, 2)


def _find_device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BackendError(f"device {name!r}: expected auto, cpu, cuda or cuda:N") from error
    if device.type not in {"cpu", "cuda"}:
        raise BackendError(f"device {name!r}: expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BackendError(
            f"device {name!r}: torch {torch.__version__} sees {torch.cuda.device_count()} GPUs: "
            "take cpu or auto, or install a CUDA build of torch and the GPU's driver"
        )
    return device
