"""How tall people are in one camera's picture, by where they stand."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

_SLOPES = (0.0, 2.0)
"""Pixels of height a person gains per pixel further down; people never grow towards the horizon."""


class PersonHeights:
    """The height of people by the row of their feet, learned from people who were seen whole.

    On level ground, seen by a level camera, the height in the picture is linear in the row of the
    feet: h = a + b y (D. Hoiem et al.: Putting Objects in Perspective, CVPR 2006). The fit is
    robust: least squares, repeated without the samples that are far from the line.

    Args:
        max_samples: Newest samples that are kept.
        min_samples: Fewer than these give no answer.
    """

    def __init__(self, max_samples: int = 300, min_samples: int = 15) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=max_samples)
        self._min_samples = min_samples
        self._num_added = 0
        self._line: tuple[float, float] | None = None

    def add(self, foot_y: float, height: float) -> None:
        """Learn from one person; row of the feet and height in pixels."""
        self._samples.append((foot_y, height))
        self._num_added += 1
        if len(self._samples) >= self._min_samples and self._num_added % 5 == 0:
            self._line = _robust_line(np.array(self._samples))

    def at(self, foot_y: float) -> float | None:
        """Height in pixels of a person who stands at this row; None while too few were seen."""
        if self._line is None:
            return None
        return max(self._line[0] + self._line[1] * foot_y, 4.0)


def _robust_line(samples: npt.NDArray[np.float64]) -> tuple[float, float]:
    """(a, b) of h = a + b y."""
    kept = samples
    a, b = 0.0, 0.0
    for _ in range(3):
        y, height = kept[:, 0], kept[:, 1]
        spread = y.std()
        if spread > 3:
            covariance = ((y - y.mean()) * (height - height.mean())).mean()
            b = float(np.clip(covariance / spread**2, *_SLOPES))
        a = float(np.median(height - b * y))
        distance = np.abs(samples[:, 1] - a - b * samples[:, 0])
        kept = samples[distance <= np.quantile(distance, 0.7)]
    return a, b
