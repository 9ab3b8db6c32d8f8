"""Both features of an RGA model, before and after its last batch normalisation, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reid.embedder import Crop, RawEmbedder
from training.distances import Features
from training.embedding import FeatureSource

Channels = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class LastNorm:
    """The last BatchNorm of a model in evaluation: after = before * scale + shift.

    Attributes:
        scale: (D,) float32.
        shift: (D,) float32.
        spaces: The model's spaces before and after it.
    """

    scale: Channels
    shift: Channels
    spaces: tuple[str, str]

    def apply(self, before: Features) -> Features:
        """(N, D) features after it."""
        return np.asarray(before * self.scale + self.shift, np.float32)


def read_last_norm(weights: Path) -> LastNorm:
    """The last BatchNorm of a weights file.

    Raises:
        CheckpointError: The file cannot be used.
    """
    from reid.checkpoint import load_model  # noqa: PLC0415 (it loads torch)

    model, info = load_model(weights)
    norm = model.feat_bn
    mean, variance, gain, bias = (
        np.asarray(values.detach().numpy(), np.float64)
        for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        if values is not None
    )
    scale = gain / np.sqrt(variance + norm.eps)
    return LastNorm(
        scale.astype(np.float32),
        (bias - mean * scale).astype(np.float32),
        (info.with_feature("before_bn").space, info.with_feature("after_bn").space),
    )


def both_features(embedder: RawEmbedder, norm: LastNorm) -> FeatureSource:
    """Both features of a model, computed from the first.

    Args:
        embedder: Gives `before_bn` features.
        norm: Of the same model.
    """

    def embed(crops: Sequence[Crop]) -> tuple[Features, ...]:
        before = embedder.embed_raw(crops)
        return before, norm.apply(before)

    return FeatureSource(("before_bn", "after_bn"), norm.spaces, embed)
