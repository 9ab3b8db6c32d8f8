"""How the people of a drawn site look: build, clothes, hair and what they carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from streams.synthetic_paint import Colour, Paint

Hair = Literal["short", "long", "bun", "bald"]
Load = Literal["nothing", "backpack", "shoulder_bag", "tote"]
Garment = Literal["trousers", "shorts", "skirt", "coat"]

_SKINS: tuple[Colour, ...] = (
    (150, 180, 225), (120, 155, 205), (90, 125, 180),
    (58, 82, 128), (135, 170, 215), (75, 105, 158),
)  # fmt: skip
_HAIRS: tuple[Colour, ...] = (
    (28, 30, 36), (38, 52, 82), (62, 98, 140), (95, 150, 190), (120, 125, 130), (30, 40, 60),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """One person's appearance; it does not change between cameras.

    Attributes:
        height_m: Body height.
        girth: Width of the body relative to the average.
        skin: Colour of face and hands.
        hair: Its style.
        hair_colour: Its colour; of a hat if there is one.
        has_hat: A cap covers the hair.
        upper: Cloth of trunk and arms.
        has_sleeves: Sleeves reach the wrist; else the forearms are bare.
        garment: What is worn below, or over all of it.
        lower: Cloth of the legs (for a coat: of the trousers below it).
        shoes: Their colour.
        load: What is carried.
        load_colour: Its colour.
        cadence: Steps relative to the average walker of this height and speed.
        arm_swing: How far the arms swing, relative to the average.
    """

    height_m: float
    girth: float
    skin: Colour
    hair: Hair
    hair_colour: Colour
    has_hat: bool
    upper: Paint
    has_sleeves: bool
    garment: Garment
    lower: Paint
    shoes: Colour
    load: Load
    load_colour: Colour
    cadence: float = 1.0
    arm_swing: float = 1.0


def looks(num_people: int, rng: np.random.Generator) -> list[Look]:
    """Looks of that many people; the first eight are composed, further ones are drawn at random.

    Among the first eight, two pairs wear much the same colours in another pattern or garment
    (0 and 5: navy over denim; 2 and 6: light top, black below), so that colour alone does not tell
    everybody apart.
    """
    composed = _composed()
    return [
        composed[number] if number < len(composed) else _random_look(rng)
        for number in range(num_people)
    ]


_NAVY, _DENIM, _BLACK, _WHITE = (88, 48, 30), (120, 78, 52), (34, 32, 32), (222, 226, 228)
_RED, _GREEN, _MUSTARD, _KHAKI = (44, 40, 176), (70, 120, 48), (48, 165, 214), (110, 150, 172)
_TEAL, _PLUM, _GREY, _ORANGE = (150, 138, 34), (98, 42, 92), (128, 126, 124), (30, 110, 232)


def _composed() -> tuple[Look, ...]:
    return (
        Look(1.81, 1.04, _SKINS[0], "short", _HAIRS[1], False, Paint(_NAVY), True,
             "trousers", Paint(_DENIM, folds=0.15), _WHITE, "nothing", _BLACK),
        Look(1.66, 0.95, _SKINS[1], "long", _HAIRS[0], False, Paint(_RED), True,
             "skirt", Paint(_BLACK), (40, 44, 60), "shoulder_bag", (60, 96, 140), 1.05, 0.8),
        Look(1.75, 1.0, _SKINS[2], "short", _HAIRS[0], False,
             Paint(_WHITE, (150, 120, 96), "bands", 0.09), True,
             "trousers", Paint(_BLACK), (50, 60, 92), "backpack", _TEAL, 0.97, 1.1),
        Look(1.86, 1.1, _SKINS[3], "bald", _HAIRS[0], False, Paint(_MUSTARD), True,
             "trousers", Paint(_GREY), (30, 34, 44), "nothing", _BLACK, 0.95),
        Look(1.62, 0.93, _SKINS[4], "bun", _HAIRS[2], False, Paint(_GREEN), True,
             "coat", Paint(_KHAKI), (58, 74, 110), "tote", (188, 206, 216), 1.06, 0.7),
        Look(1.78, 1.0, _SKINS[1], "short", _HAIRS[5], True,
             Paint(_NAVY, (196, 198, 200), "bands", 0.12), True,
             "trousers", Paint(_DENIM, folds=0.15), _BLACK, "nothing", _BLACK, 1.02, 1.2),
        Look(1.7, 0.97, _SKINS[5], "long", _HAIRS[5], False,
             Paint(_WHITE, _PLUM, "print"), False,
             "trousers", Paint(_BLACK), _WHITE, "shoulder_bag", _PLUM, 1.03, 0.9),
        Look(1.73, 1.06, _SKINS[0], "short", _HAIRS[4], False,
             Paint(_TEAL, _WHITE, "open"), True,
             "trousers", Paint(_KHAKI), (52, 70, 104), "backpack", _ORANGE, 0.98),
    )  # fmt: skip


def _random_look(rng: np.random.Generator) -> Look:
    cloths = (_NAVY, _DENIM, _BLACK, _WHITE, _RED, _GREEN, _MUSTARD, _KHAKI, _TEAL, _PLUM, _GREY,
              _ORANGE)  # fmt: skip
    upper, second, lower, load = (cloths[i] for i in rng.choice(len(cloths), 4, replace=False))
    pattern = rng.choice(
        np.array(["plain", "plain", "bands", "stripes", "checks", "open", "print"])
    )
    garment = rng.choice(np.array(["trousers", "trousers", "trousers", "skirt", "coat", "shorts"]))
    return Look(
        height_m=float(np.clip(rng.normal(1.73, 0.08), 1.55, 1.95)),
        girth=float(np.clip(rng.normal(1.0, 0.05), 0.9, 1.15)),
        skin=_SKINS[rng.integers(len(_SKINS))],
        hair=rng.choice(np.array(["short", "short", "long", "bun", "bald"])).item(),
        hair_colour=_HAIRS[rng.integers(len(_HAIRS))],
        has_hat=bool(rng.random() < 0.15),
        upper=Paint(_varied(upper, rng), second, pattern.item(), float(rng.uniform(0.06, 0.14))),
        has_sleeves=bool(rng.random() < 0.7),
        garment=garment.item(),
        lower=Paint(_varied(lower, rng)),
        shoes=_varied((60, 64, 80), rng),
        load=rng.choice(
            np.array(["nothing", "nothing", "backpack", "shoulder_bag", "tote"])
        ).item(),
        load_colour=load,
        cadence=float(rng.uniform(0.94, 1.07)),
        arm_swing=float(rng.uniform(0.7, 1.2)),
    )


def _varied(colour: Colour, rng: np.random.Generator) -> Colour:
    blue, green, red = (int(np.clip(value + rng.integers(-22, 23), 12, 235)) for value in colour)
    return blue, green, red
