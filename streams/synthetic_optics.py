"""What a drawn camera makes of the light: vignette, colour cast, contrast and sensor noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streams.frame import Image
from streams.synthetic_view import Window

_NOISE_MARGIN_PX = 61
"""The noise is drawn once, larger than the image by this, and shifted from frame to frame."""


@dataclass(frozen=True, slots=True)
class Optics:
    """How the camera renders what it sees.

    Attributes:
        gains: Blue, green and red factors: the colour cast.
        contrast: 1 is neutral.
        brightness: Added at the end, in grey levels.
        noise: Deviation of the sensor's noise in grey levels.
        vignette: Loss of light in the corners, as a fraction.
    """

    gains: tuple[float, float, float]
    contrast: float
    brightness: float
    noise: float
    vignette: float


class Camera:
    """Turns lit pictures into what the camera delivers: vignette, cast, contrast and noise.

    Args:
        optics: How it renders.
        empty: (H, W, 3) float32, the lit picture that most frames mostly show.
        rng: For the noise.
    """

    def __init__(
        self, optics: Optics, empty: npt.NDArray[np.float32], rng: np.random.Generator
    ) -> None:
        self._rng = rng
        height, width = empty.shape[:2]
        self._vignette = _vignette(width, height, optics.vignette)
        self._table = _tone_table(optics)
        shape = (height + _NOISE_MARGIN_PX, width + _NOISE_MARGIN_PX)
        self._noise = _sensor_noise(shape, optics.noise, rng)
        self._empty = self._toned(empty, (slice(0, height), slice(0, width)))

    def expose(self, picture: npt.NDArray[np.float32], changed: Sequence[Window]) -> Image:
        """(H, W, 3) uint8 of a lit picture (H, W, 3) float32; the noise differs every time.

        `changed` are the windows in which the picture differs from the empty one; some may be
        of no size.
        """
        height, width = picture.shape[:2]
        toned = self._empty.copy()
        for window in changed:
            if picture[window].size:
                toned[window] = self._toned(picture[window], window)
        top, left = self._rng.integers(0, _NOISE_MARGIN_PX, 2)
        noise = self._noise[top : top + height, left : left + width]
        return np.asarray(cv2.add(toned, noise, dtype=cv2.CV_8U), np.uint8)

    def _toned(self, picture: npt.NDArray[np.float32], window: Window) -> Image:
        plain = np.clip(picture * self._vignette[window], 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(plain, self._table), np.uint8)


def _vignette(width: int, height: int, loss: float) -> npt.NDArray[np.float32]:
    columns = np.linspace(-1, 1, width, dtype=np.float32)
    rows = np.linspace(-1, 1, height, dtype=np.float32)
    square = (columns[None, :] ** 2 + rows[:, None] ** 2) / 2
    return np.repeat((1 - np.float32(loss) * square)[..., None], 3, axis=2)


def _tone_table(optics: Optics) -> npt.NDArray[np.uint8]:
    """(1, 256, 3) what becomes of every grey level of blue, green and red."""
    levels = np.arange(256, dtype=np.float32)[:, None] * np.array(optics.gains, np.float32)
    toned = (levels - 118) * optics.contrast + 118 + optics.brightness
    # A soft shoulder instead of a hard cut at white.
    toned = np.where(toned > 215, 215 + 40 * np.tanh((toned - 215) / 40), toned)
    table: npt.NDArray[np.uint8] = np.clip(toned, 0, 255).astype(np.uint8)[None]
    return table


def _sensor_noise(
    shape: tuple[int, int], deviation: float, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """(H, W, 3) noise in grey levels, mostly the same in all three colours."""
    grey = rng.standard_normal((*shape, 1)).astype(np.float32)
    colour = rng.standard_normal((*shape, 3)).astype(np.float32)
    noise: npt.NDArray[np.int8] = np.rint(deviation * (0.85 * grey + 0.5 * colour)).astype(np.int8)
    return noise
