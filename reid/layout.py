"""Which RGA-ResNet50 a set of parameters belongs to, read from their names and shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reid.model_info import SIZE_STEP, Variant

Shapes = Mapping[str, tuple[int, ...]]
"""Parameter names, as published, and their shapes."""

LAST_ATTENTION = "backbone.rga_att4"
USUAL_ASPECT = 2.0
"""Height over width of person images, where the weights leave it open."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the shapes tell.

    Attributes:
        variant: Which attentions there are.
        num_positions: N of the last stage's map, (H / 16) * (W / 16). The shapes depend on the
            product only: 256x128 and 128x256 have the same.
        num_classes: Rows of the classifier; None: there is none.
    """

    variant: Variant
    num_positions: int
    num_classes: int | None

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the input with this many positions that is nearest to twice as high as wide.

        Of two that are equally near the higher one is taken.

        >>> Layout("sc", 128, None).size, Layout("sc", 192, None).size, Layout("sc", 32, None).size
        ((256, 128), (384, 128), (128, 64))
        """
        rows = [row for row in range(1, self.num_positions + 1) if self.num_positions % row == 0]

        def unusual(row: int) -> tuple[float, int]:
            aspect = row * row / self.num_positions
            return (round(abs(math.log(aspect / USUAL_ASPECT)), 6), -row)

        height = min(rows, key=unusual)
        return height * SIZE_STEP, self.num_positions // height * SIZE_STEP


def infer_layout(shapes: Shapes) -> Layout:
    """The layout of published or own weights.

    Raises:
        ValueError: They are no RGA-ResNet50; the text says what they seem to be.
    """
    spatial = shapes.get(f"{LAST_ATTENTION}.gg_spatial.0.weight")
    channel = shapes.get(f"{LAST_ATTENTION}.gx_channel.0.weight")
    if spatial is not None and len(spatial) == 4:
        variant: Variant = "s" if channel is None else "sc"
        num_positions = spatial[1] // 2
    elif channel is not None and len(channel) == 4:
        variant, num_positions = "c", channel[1]
    else:
        raise ValueError(_what_else(shapes))
    if num_positions < 1:
        raise ValueError(f"the relations of {LAST_ATTENTION} have no positions")
    classifier = shapes.get("cls.weight")
    return Layout(variant, num_positions, classifier[0] if classifier else None)


def _what_else(shapes: Shapes) -> str:
    if "conv1.weight" in shapes and any(name.startswith("layer4.") for name in shapes):
        return (
            "these are weights of a plain ResNet, without attention: "
            "they can start a training, but cannot embed"
        )
    names = ", ".join(sorted(shapes)[:3]) or "nothing"
    return f"found no {LAST_ATTENTION}.* among {len(shapes)} parameters ({names}, ...)"
