"""Embeddings by colour histograms of horizontal stripes: no weights, and weaker than a network.

A person is upright, so the height of a colour says what wears it. Light differs between cameras, so
the crop is balanced to a grey mean (Buchsbaum, "A spatial processor model for object colour
perception", 1980), lightness is replaced by its rank within the crop, which no brightness or gamma
changes, and counts are spread over neighbouring bins. Pixels near the vertical edges, mostly
ground, count less.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from reid.embedder import Crop, Embeddings
from reid.errors import ReidError
from reid.preprocess import check_crops, resize

logger = logging.getLogger(__name__)

_HEIGHT, _WIDTH = 128, 64
_STRIPES = 8
_LIGHTNESS_BINS = 12
_CHROMA_BINS = 8
_CHROMA_RANGE = 15.0
"""Chroma a* and b* (CIELAB) are counted in [-15, 15]; what lies beyond goes to the last bin."""
_CENTRE_SIGMA = 0.35
"""Weight of a column: a Gaussian of its distance to the middle, 1 at the edge."""
_POWER = 0.25
"""Counts are raised to this, so that large plain areas do not drown the rest."""

Floats = npt.NDArray[np.float32]


class HistogramEmbedder:
    """See `Embedder`. Every crop is computed by itself."""

    def __init__(self) -> None:
        self._is_closed = False
        columns = np.linspace(-1, 1, _WIDTH)
        weights = np.exp(-0.5 * (columns / _CENTRE_SIGMA) ** 2)
        self._weights = np.tile(weights, (_HEIGHT, 1)).astype(np.float32)  # (H, W)
        rows = np.arange(_HEIGHT) * _STRIPES // _HEIGHT
        self._stripes = np.tile(rows[:, None], (1, _WIDTH))  # (H, W)

    @property
    def name(self) -> str:
        """See `Embedder`."""
        return "histogram of colours on CPU (weak: no weights)"

    @property
    def space(self) -> str:
        """See `Embedder`."""
        return f"histogram-v1:{_STRIPES}x{_LIGHTNESS_BINS}+{_STRIPES}x{_CHROMA_BINS}x{_CHROMA_BINS}"

    @property
    def dim(self) -> int:
        """See `Embedder`."""
        return _STRIPES * (_LIGHTNESS_BINS + _CHROMA_BINS**2)

    def embed(self, crops: Sequence[Crop]) -> Embeddings:
        """See `Embedder`."""
        check_crops(crops)
        if self._is_closed:
            raise ReidError("histogram: the embedder is closed")
        rows = np.empty((len(crops), self.dim), np.float32)
        for row, crop in zip(rows, crops, strict=True):
            row[...] = self._embed_one(crop)
        return rows

    def close(self) -> None:
        """See `Embedder`."""
        self._is_closed = True

    def _embed_one(self, crop: Crop) -> Floats:
        lab = _balanced_lab(resize(crop, (_HEIGHT, _WIDTH)))
        lightness = _ranks(lab[..., 0])
        chroma = 0.5 + lab[..., 1:] / (2 * _CHROMA_RANGE)
        parts = (
            self._count([(lightness, _LIGHTNESS_BINS)]),
            self._count([(chroma[..., 0], _CHROMA_BINS), (chroma[..., 1], _CHROMA_BINS)]),
        )
        powers = [part**_POWER for part in parts]
        row = np.concatenate([part / np.linalg.norm(part) for part in powers])
        return np.asarray(row / np.linalg.norm(row), np.float32)

    def _count(self, axes: Sequence[tuple[Floats, int]]) -> npt.NDArray[np.float64]:
        """Weighted counts of all stripes; each pixel is shared by the bins around its values.

        Args:
            axes: (H, W) values in [0, 1] (others go to the outer bins) and their number of bins.
        """
        bins, shares, num_bins = self._stripes, self._weights, _STRIPES
        corners = [(bins, shares)]
        for values, num in axes:
            scaled = np.clip(values, 0, 1) * (num - 1)
            low = np.minimum(scaled.astype(np.intp), num - 2)
            high_share = scaled - low
            corners = [
                (bins * num + low + step, shares * share)
                for bins, shares in corners
                for step, share in ((0, 1 - high_share), (1, high_share))
            ]
            num_bins *= num
        counts = np.zeros(num_bins)
        for bins, shares in corners:
            counts += np.bincount(bins.ravel(), shares.ravel(), num_bins)
        return counts


def open_histogram_embedder() -> HistogramEmbedder:
    """The embedder, and a warning that says what it is worth."""
    logger.warning(
        "embedding by colour histogram: no weights are set, so people are told apart by the "
        "colours of their clothes only; set embedder.weights for anything that matters"
    )
    return HistogramEmbedder()


def _balanced_lab(crop: Crop) -> Floats:
    """(H, W, 3) float32 CIELAB of a crop whose channels have been given the same mean."""
    pixels = crop.astype(np.float32) / 255
    means = np.maximum(pixels.mean((0, 1)), 1 / 255)
    balanced = np.clip(pixels * (means.mean() / means), 0, 1).astype(np.float32)
    return np.asarray(cv2.cvtColor(balanced, cv2.COLOR_BGR2LAB), np.float32)


def _ranks(lightness: Floats) -> Floats:
    """Each value's rank in [0, 1]; equal values share the middle of their ranks."""
    levels = np.rint(lightness * 2.55).astype(np.intp)
    counts = np.bincount(levels.ravel(), minlength=256)
    middles = (np.cumsum(counts) - counts / 2) / lightness.size
    return np.asarray(middles[levels], np.float32)
