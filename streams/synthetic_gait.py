"""A walking cycle: joint angles of hips, knees, ankles, shoulders and elbows over one stride.

The leg's curves are the usual ones of gait analysis (level walking at a natural pace, for instance
D. A. Winter, Biomechanics and Motor Control of Human Movement), rounded by hand to a few points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_STRIDE = np.array((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0))
"""Fraction of the stride since the heel of this leg touched the floor; it leaves it at 0.6."""
_HIP_DEG = np.array((27.0, 24.0, 15.0, 5.0, -5.0, -12.0, -8.0, 8.0, 22.0, 29.0, 27.0))
_KNEE_DEG = np.array((4.0, 16.0, 15.0, 8.0, 5.0, 10.0, 36.0, 60.0, 50.0, 15.0, 4.0))
_FOOT_DEG = np.array((18.0, 0.0, 0.0, 0.0, -4.0, -22.0, -58.0, -52.0, -18.0, 10.0, 18.0))
"""Pitch of the foot's sole, toes up is positive."""


@dataclass(frozen=True, slots=True)
class Leg:
    """Angles of one leg in radians: thigh forward of vertical, knee flexion, sole's pitch."""

    hip: float
    knee: float
    foot: float


@dataclass(frozen=True, slots=True)
class Arm:
    """Angles of one arm in radians: upper arm forward of vertical, elbow flexion."""

    shoulder: float
    elbow: float


@dataclass(frozen=True, slots=True)
class Gait:
    """All angles of a moment; `sway`, -1 to 1, is how far the body turns with the legs."""

    left_leg: Leg
    right_leg: Leg
    left_arm: Arm
    right_arm: Arm
    sway: float


def gait(stride: float, effort: float, arm_swing: float) -> Gait:
    """Joint angles at a moment of the stride.

    Args:
        stride: Strides walked so far; only the fraction counts. The left heel touches at 0, the
            right one at 0.5.
        effort: 1 walking, 0 standing still, between: setting off.
        arm_swing: How far the arms swing, relative to the average.

    Example:
        >>> gait(0.0, 0.0, 1.0).left_leg == gait(0.3, 0.0, 1.0).left_leg
        True
    """
    swing = arm_swing * effort
    return Gait(
        left_leg=_leg(stride, effort),
        right_leg=_leg(stride + 0.5, effort),
        left_arm=_arm(stride, swing),
        right_arm=_arm(stride + 0.5, swing),
        sway=effort * math.cos(2 * math.pi * stride),
    )


def stride_length_m(height_m: float, cadence: float) -> float:
    """Length of a stride (two steps) at a natural pace: about 0.83 of the body's height."""
    return 0.83 * height_m / cadence


def _leg(stride: float, effort: float) -> Leg:
    def angle(curve: np.ndarray[tuple[int], np.dtype[np.float64]], standing: float) -> float:
        walking = float(np.interp(stride % 1.0, _STRIDE, curve))
        return math.radians(standing + effort * (walking - standing))

    return Leg(angle(_HIP_DEG, 1.0), angle(_KNEE_DEG, 3.0), angle(_FOOT_DEG, 0.0))


def _arm(stride: float, swing: float) -> Arm:
    # The arm goes back while the leg of its side goes forward.
    forward = -math.cos(2 * math.pi * stride)
    return Arm(
        shoulder=math.radians(3.0 + 21.0 * swing * forward),
        elbow=math.radians(12.0 + swing * (9.0 + 11.0 * forward)),
    )
