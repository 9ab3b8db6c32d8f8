"""The pinhole camera of a drawn site: where a point of the ground plan lands in the image.

Every camera has plan coordinates of its own, in metres: it stands above the origin, x runs to its
right, y away from it, z up. "Depth" is the distance along the optical axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
"""(3,) float32: x, y, z in metres."""

Points = npt.NDArray[np.float32]
"""(N, 3) float32."""

Plane = npt.NDArray[np.float32]
"""(H, W) float32, one value a pixel."""

Values = npt.NDArray[np.float32]
"""(N,) float32, one value for each of some pixels."""

Window = tuple[slice, slice]
"""Rows and columns of a part of the image."""


def vector(x: float, y: float, z: float) -> Vector:
    """(3,) float32 of three numbers."""
    return np.array((x, y, z), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class View:
    """A camera that looks along y, tilted down; square pixels, no distortion, no roll.

    Attributes:
        width_px: Width of the image.
        height_px: Height of the image.
        focal_px: Focal length in pixels.
        height_m: Height of the lens above the floor.
        tilt_rad: Angle of the optical axis below the horizon.
    """

    width_px: int
    height_px: int
    focal_px: float
    height_m: float
    tilt_rad: float

    @property
    def axes(self) -> tuple[Vector, Vector, Vector]:
        """Unit vectors of the image's right, the image's up and the optical axis."""
        sine, cosine = math.sin(self.tilt_rad), math.cos(self.tilt_rad)
        return vector(1, 0, 0), vector(0, sine, cosine), vector(0, cosine, -sine)

    @property
    def eye(self) -> Vector:
        """Where the lens is."""
        return vector(0, 0, self.height_m)

    def project(self, points: Points) -> Points:
        """(N, 3) column, row and depth (m) of (N, 3) points; depth is at least 5 cm."""
        right, up, ahead = self.axes
        relative = points - self.eye
        depth = np.maximum(relative @ ahead, np.float32(0.05))
        columns = self.width_px / 2 + self.focal_px * (relative @ right) / depth
        rows = self.height_px / 2 - self.focal_px * (relative @ up) / depth
        return np.stack((columns, rows, depth), axis=1).astype(np.float32)

    def rays(self, scale: int) -> npt.NDArray[np.float32]:
        """(scale H, scale W, 3) direction of every pixel's ray, scaled to depth 1."""
        right, up, ahead = self.axes
        columns = (np.arange(self.width_px * scale, dtype=np.float32) + 0.5) / scale - 0.5
        rows = (np.arange(self.height_px * scale, dtype=np.float32) + 0.5) / scale - 0.5
        across = ((columns - self.width_px / 2) / self.focal_px).astype(np.float32)
        upward = ((self.height_px / 2 - rows) / self.focal_px).astype(np.float32)
        rays: npt.NDArray[np.float32] = (
            ahead + across[None, :, None] * right + upward[:, None, None] * up
        )
        return rays

    def ground_x(self, column_fraction: float, y_m: float) -> float:
        """X of the floor point in a column (0: left edge, 1: right edge), y_m ahead."""
        depth = y_m * math.cos(self.tilt_rad) + self.height_m * math.sin(self.tilt_rad)
        return (column_fraction - 0.5) * self.width_px / self.focal_px * depth
