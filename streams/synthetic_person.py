"""A drawn person: the body's parts in space, from its look, its gait and its place on the floor.

Lengths are fractions of the body's height (7.5 heads tall), so that every build is in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streams.synthetic_gait import Arm, Gait, Leg, gait, stride_length_m
from streams.synthetic_look import Look
from streams.synthetic_paint import Colour, Paint
from streams.synthetic_part import Part
from streams.synthetic_shape import Figure
from streams.synthetic_view import Plane, Vector, vector

_HIP_HEIGHT, _SHOULDER_HEIGHT = 0.515, 0.815
_HIP_SIDE, _SHOULDER_SIDE = 0.05, 0.108
_THIGH, _SHIN, _ANKLE_HEIGHT, _FOOT = 0.24, 0.235, 0.04, 0.115
_UPPER_ARM, _FOREARM, _HAND = 0.172, 0.145, 0.06


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a person is and how they move there.

    Attributes:
        x_m: Place on the floor.
        y_m: Place on the floor.
        heading_rad: Where they face, counter-clockwise from x.
        walked_m: Way walked so far, which sets the legs.
        effort: 1 walking, 0 standing.
    """

    x_m: float
    y_m: float
    heading_rad: float
    walked_m: float
    effort: float


def pose_person(look: Look, stance: Stance, folds: Plane) -> Figure:
    """The person's body in that stance, with at least one foot on the floor."""
    stride = stance.walked_m / stride_length_m(look.height_m, look.cadence)
    body = _Body(look, stance, gait(stride, stance.effort, look.arm_swing))
    return Figure(tuple(body.parts()), stance.heading_rad, folds)


class _Body:
    """Builds the parts of one person at one moment."""

    def __init__(self, look: Look, stance: Stance, angles: Gait) -> None:
        self._look = look
        self._gait = angles
        self._height_m = look.height_m
        cosine, sine = math.cos(stance.heading_rad), math.sin(stance.heading_rad)
        self._front, self._left = vector(cosine, sine, 0), vector(-sine, cosine, 0)
        self._floor = vector(stance.x_m, stance.y_m, 0)
        self._hip_height = max(_reach(angles.left_leg), _reach(angles.right_leg), 0.9 * _HIP_HEIGHT)

    def parts(self) -> Iterator[Part]:
        """All parts of the body and what is worn and carried."""
        for side in (1, -1):
            yield from self._leg(side, self._gait.left_leg if side > 0 else self._gait.right_leg)
            yield from self._arm(side, self._gait.left_arm if side > 0 else self._gait.right_arm)
        yield from self._trunk()
        yield from self._head()
        yield from self._load()

    def _point(self, front: float, left: float, up: float) -> Vector:
        """A point given in fractions of the height from the floor below the hips."""
        point: Vector = self._floor + np.float32(self._height_m) * (
            front * self._front + left * self._left + vector(0, 0, up)
        )
        return point

    def _part(
        self, ends: tuple[Vector, Vector], radii: tuple[float, ...], paint: Paint,
        flatness: float = 1.0,
    ) -> Part:  # fmt: skip
        """A part with half-widths given in fractions of the height; depth = width x flatness."""
        widths = tuple(radius * self._height_m * self._look.girth for radius in radii)
        return Part(*ends, widths, tuple(width * flatness for width in widths), paint)

    def _above(self, up: float) -> float:
        """A height of the standing body, as it is now that the hips bob up and down."""
        return up + self._hip_height - _HIP_HEIGHT

    def _leg(self, side: int, leg: Leg) -> Iterator[Part]:
        look = self._look
        turn = 0.012 * self._gait.sway * side
        hip = (turn, side * _HIP_SIDE, self._hip_height)
        knee = _swung(hip, _THIGH, leg.hip)
        knee = (knee[0], side * _HIP_SIDE * 0.86, knee[2])
        ankle = _swung(knee, _SHIN, leg.hip - leg.knee)
        ankle = (ankle[0], side * _HIP_SIDE * 0.74, ankle[2])
        sole = leg.foot
        heel = (
            ankle[0] - 0.022 * math.cos(sole),
            ankle[1],
            ankle[2] - 0.02 - 0.022 * math.sin(sole),
        )
        toe = (heel[0] + _FOOT * math.cos(sole), ankle[1] + side * 0.012,
               heel[2] + _FOOT * math.sin(sole) - 0.003)  # fmt: skip
        is_bare = look.garment in ("skirt", "shorts")
        # What is under a coat's or a skirt's cloth has its colour: thighs may come through it.
        cloth = look.lower
        thigh_cloth = look.upper if look.garment == "coat" else cloth
        shin = Paint(_shade(look.skin, 0.9), folds=0.04) if is_bare else cloth
        calf = (0.030, 0.031, 0.023, 0.018) if is_bare else (0.036, 0.034, 0.031, 0.030)
        thigh = (0.049, 0.05, 0.045, 0.037)
        yield self._part((self._point(*hip), self._point(*knee)), thigh, thigh_cloth)
        yield self._part((self._point(*knee), self._point(*ankle)), calf, shin)
        shoe = Paint(look.shoes, folds=0.05)
        yield self._part(
            (self._point(*heel), self._point(*toe)), (0.025, 0.026, 0.024, 0.019), shoe
        )

    def _arm(self, side: int, arm: Arm) -> Iterator[Part]:
        look = self._look
        turn = -0.018 * self._gait.sway * side
        shoulder = (0.012 + turn, side * _SHOULDER_SIDE, self._above(_SHOULDER_HEIGHT - 0.012))
        elbow = _swung(shoulder, _UPPER_ARM, arm.shoulder)
        elbow = (elbow[0], side * (_SHOULDER_SIDE + 0.022), elbow[2])
        wrist = _swung(elbow, _FOREARM, arm.shoulder + arm.elbow)
        wrist = (wrist[0], side * (_SHOULDER_SIDE + 0.016), wrist[2])
        hand = _swung(wrist, _HAND, arm.shoulder + arm.elbow)
        skin = Paint(look.skin, folds=0.03)
        sleeve = (
            look.upper if look.upper.pattern not in ("open", "print") else Paint(look.upper.base)
        )
        lower = sleeve if look.has_sleeves else skin
        thickness = 0.004 if look.has_sleeves else 0.0
        upper_arm = (self._point(*shoulder), self._point(*elbow))
        forearm = (self._point(*elbow), self._point(*wrist))
        yield self._part(upper_arm, (0.034, 0.031, 0.028, 0.026), sleeve)
        yield self._part(
            forearm, tuple(width + thickness for width in (0.025, 0.023, 0.019, 0.016)), lower
        )
        yield self._part((self._point(*wrist), self._point(*hand)), (0.015, 0.02, 0.014), skin, 0.8)

    def _trunk(self) -> Iterator[Part]:
        look = self._look
        hips = (0.0, 0.0, self._above(_HIP_HEIGHT + 0.005))
        waist = (0.004, 0.0, self._above(0.575))
        chest = (0.016, 0.0, self._above(0.79))
        below = look.upper if look.garment == "coat" else look.lower
        yield self._part(
            (self._point(*hips), self._point(*waist)), (0.086, 0.088, 0.082), below, 0.62
        )
        yield self._part(
            (self._point(-0.002, 0, self._above(0.555)), self._point(*chest)),
            (0.088, 0.083, 0.084, 0.093, 0.098, 0.082), look.upper, 0.7,
        )  # fmt: skip
        left = self._point(0.014, _SHOULDER_SIDE * 0.86, self._above(_SHOULDER_HEIGHT - 0.008))
        right = self._point(0.014, -_SHOULDER_SIDE * 0.86, self._above(_SHOULDER_HEIGHT - 0.008))
        top = look.upper if look.upper.pattern == "open" else Paint(look.upper.base)
        yield self._part((left, right), (0.032, 0.037, 0.041, 0.037, 0.032), top)
        yield from self._garment()

    def _garment(self) -> Iterator[Part]:
        """A skirt or the lower half of a coat, as wide from back to front as the legs reach."""
        look = self._look
        if look.garment not in ("skirt", "coat"):
            return
        hem_height, cloth = (0.29, look.lower) if look.garment == "skirt" else (0.28, look.upper)
        legs = (self._gait.left_leg, self._gait.right_leg)
        drop = _HIP_HEIGHT - hem_height
        reach = max(abs(math.sin(leg.hip)) * drop for leg in legs) + 0.05
        scale = self._height_m * look.girth
        widths = tuple(scale * value for value in (0.083, 0.09, 0.097, 0.104))
        depths = tuple(
            scale * (0.062 + (max(reach, 0.07) - 0.062) * step) for step in (0, 0.45, 0.75, 1)
        )
        top = self._point(0.002, 0, self._above(0.59))
        hem = self._point(0.002, 0, self._above(hem_height))
        yield Part(top, hem, widths, depths, cloth, is_cut=True)

    def _head(self) -> Iterator[Part]:
        look = self._look
        skin = Paint(_shade(look.skin, 0.86), folds=0.02)
        neck = self._point(0.008, 0, self._above(0.815))
        throat = self._point(0.02, 0, self._above(0.87))
        yield self._part((neck, throat), (0.042, 0.03, 0.028, 0.028), skin)
        jaw = self._point(0.034, 0, self._above(0.902))
        skull = self._point(0.018, 0, self._above(0.947))
        hair = look.hair_colour if look.hair != "bald" else _shade(look.skin, 0.95)
        face = Paint(look.skin, hair, "head", folds=0.03)
        widths = tuple(r * self._height_m for r in (0.036, 0.043, 0.046, 0.047))
        depths = tuple(r * self._height_m for r in (0.036, 0.047, 0.054, 0.056))
        yield Part(jaw, skull, widths, depths, face)
        yield from self._hair()

    def _hair(self) -> Iterator[Part]:
        look = self._look
        cloth = Paint(look.hair_colour, folds=0.1)
        if look.has_hat:
            low, high = (
                self._point(0.016, 0, self._above(0.962)),
                self._point(0.014, 0, self._above(0.97)),
            )
            yield self._part((low, high), (0.051, 0.049, 0.045), Paint(look.load_colour), 1.15)
            brim = self._point(0.085, 0, self._above(0.951))
            yield self._part((low, brim), (0.024, 0.024, 0.018), Paint(look.load_colour), 1.0)
        if look.hair == "long":
            crown, tips = (
                self._point(0.004, 0, self._above(0.94)),
                self._point(-0.028, 0, self._above(0.82)),
            )
            yield self._part((crown, tips), (0.046, 0.054, 0.056, 0.045), cloth, 0.75)
        elif look.hair == "bun":
            bun = self._point(-0.04, 0, self._above(0.965))
            yield self._part((bun, bun), (0.025, 0.025), cloth)

    def _load(self) -> Iterator[Part]:
        look = self._look
        paint = Paint(look.load_colour, folds=0.12)
        if look.load == "backpack":
            low, high = (
                self._point(-0.075, 0, self._above(0.6)),
                self._point(-0.062, 0, self._above(0.765)),
            )
            yield self._part((low, high), (0.07, 0.078, 0.074, 0.062), paint, 0.62)
            for side in (1, -1):
                top = self._point(0.03, side * 0.062, self._above(0.832))
                under = self._point(0.072, side * 0.07, self._above(0.69))
                yield self._part((top, under), (0.013, 0.012), paint)
        elif look.load == "shoulder_bag":
            low, high = (
                self._point(0.0, 0.125, self._above(0.5)),
                self._point(0.0, 0.12, self._above(0.56)),
            )
            yield self._part((low, high), (0.035, 0.035, 0.03), paint, 1.9)
            shoulder = self._point(0.02, 0.07, self._above(0.835))
            yield self._part((shoulder, high), (0.008, 0.008), paint)
        elif look.load == "tote":
            low, high = (
                self._point(0.01, -0.15, self._above(0.33)),
                self._point(0.01, -0.145, self._above(0.44)),
            )
            yield self._part((low, high), (0.028, 0.03, 0.024), paint, 2.6)


def _reach(leg: Leg) -> float:
    """Height of the hips at which this leg's foot just touches the floor."""
    knee = _THIGH * math.cos(leg.hip) + _SHIN * math.cos(leg.hip - leg.knee)
    heel = 0.022 * math.sin(leg.foot)
    toe = heel - _FOOT * math.sin(leg.foot) + 0.003
    return knee + 0.02 + max(heel, toe) + 0.023


def _swung(
    joint: tuple[float, float, float], length: float, angle_rad: float
) -> tuple[float, float, float]:
    """The other end of a bone that hangs from a joint, swung forward by an angle."""
    front, left, up = joint
    return front + length * math.sin(angle_rad), left, up - length * math.cos(angle_rad)


def _shade(colour: Colour, factor: float) -> Colour:
    blue, green, red = (int(value * factor) for value in colour)
    return blue, green, red
