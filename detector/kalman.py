"""The motion of one box: a Kalman filter whose step is the time that really passed.

Centre and size move independently, each with a velocity that fades: people stop and turn, and a
box that grew because somebody stepped out from behind a shelf does not go on growing. All noise is
relative to the height of the box, so that near and far people are treated alike, and per second, so
that dropped frames and a detector stride change nothing but the uncertainty.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.detections import Boxes

Columns = npt.NDArray[np.float64]
"""(4,) float64: centre x, centre y, width, height, in pixels."""

_MEASURED_STD = np.array([0.04, 0.04, 0.05, 0.06])
"""Standard deviation of a detected box, in heights; the height varies most."""
_SPEED_STD = np.array([0.8, 0.4, 0.2, 0.3])
"""Of the unknown first velocity, in heights per second: a walking person covers about one."""
_ACCELERATION_STD = np.array([0.8, 0.5, 0.3, 0.4])
"""Root of the density of white acceleration noise, in heights per second to the power 1.5."""
_FADE_S = np.array([2.0, 2.0, 0.4, 0.4])
"""A velocity that no detection renews falls to 1/e in this time."""
_MIN_SIDE_PX = 1.0


class BoxFilter:
    """Position and velocity of a box, estimated from detections.

    Each of centre x, centre y, width and height is a filter of two states, value and velocity:

        value' = value + velocity * f * (1 - exp(-dt / f))
        velocity' = velocity * exp(-dt / f)

    an Ornstein-Uhlenbeck velocity, here with the process noise of plain white acceleration,
    q^2 * [[dt^3 / 3, dt^2 / 2], [dt^2 / 2, dt]] (Bar-Shalom, Li, Kirubarajan: Estimation with
    Applications to Tracking and Navigation, 2001, section 6.2.2), which is at least as large.

    Args:
        box: (4,) float32 xyxy pixels, finite, x2 > x1 and y2 > y1.
    """

    def __init__(self, box: Boxes) -> None:
        self._value = _columns(box)
        self._velocity = np.zeros(4)
        height = self._value[3]
        self._value_variance = (_MEASURED_STD * height) ** 2
        self._velocity_variance = (_SPEED_STD * height) ** 2
        self._covariance = np.zeros(4)

    @property
    def box(self) -> Boxes:
        """(4,) float32 xyxy pixels, the estimate of the present moment; may leave the image."""
        half = np.maximum(self._value[2:], _MIN_SIDE_PX) / 2
        return np.concatenate([self._value[:2] - half, self._value[:2] + half]).astype(np.float32)

    @property
    def velocity(self) -> Columns:
        """Of centre x, centre y, width and height, in pixels per second."""
        return self._velocity.copy()

    def predict(self, dt_s: float) -> None:
        """Move the estimate `dt_s` >= 0 seconds ahead."""
        fade = np.exp(-dt_s / _FADE_S)
        acting_s = _FADE_S * (1 - fade)
        noise = (_ACCELERATION_STD * max(self._value[3], _MIN_SIDE_PX)) ** 2
        self._value = self._value + self._velocity * acting_s
        self._velocity = self._velocity * fade
        self._value_variance = (
            self._value_variance
            + 2 * acting_s * self._covariance
            + acting_s**2 * self._velocity_variance
            + noise * dt_s**3 / 3
        )
        self._covariance = (
            fade * (self._covariance + acting_s * self._velocity_variance) + noise * dt_s**2 / 2
        )
        self._velocity_variance = fade**2 * self._velocity_variance + noise * dt_s

    def update(self, box: Boxes) -> None:
        """Correct the estimate by a detected (4,) xyxy box of the present moment."""
        measured = _columns(box)
        total = self._value_variance + (_MEASURED_STD * measured[3]) ** 2
        value_gain, velocity_gain = self._value_variance / total, self._covariance / total
        surprise = measured - self._value
        self._value = self._value + value_gain * surprise
        self._velocity = self._velocity + velocity_gain * surprise
        self._velocity_variance = self._velocity_variance - velocity_gain * self._covariance
        self._covariance = (1 - value_gain) * self._covariance
        self._value_variance = (1 - value_gain) * self._value_variance

    def scale(self, x: float, y: float) -> None:
        """Carry the estimate over to an image that is `x` times as wide and `y` times as high."""
        factors = np.array([x, y, x, y])
        self._value = self._value * factors
        self._velocity = self._velocity * factors
        self._value_variance = self._value_variance * factors**2
        self._covariance = self._covariance * factors**2
        self._velocity_variance = self._velocity_variance * factors**2


def _columns(box: Boxes) -> Columns:
    corners = np.asarray(box, dtype=np.float64)
    sides = np.maximum(corners[2:] - corners[:2], _MIN_SIDE_PX)
    return np.concatenate([(corners[:2] + corners[2:]) / 2, sides])
