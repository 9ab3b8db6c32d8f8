"""The seam of embedding: what every backend promises, and the factory that builds one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

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

        The same weights in another backend or precision keep their space: they agree to a cosine of 0.99 or more.
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
