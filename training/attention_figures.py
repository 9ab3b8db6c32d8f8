"""RGA attention maps laid over crops, stage by stage, for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from reid.embedder import Crop
from training.images import read_image
from training.pictures import HEIGHT_PX, WIDTH_PX, image_tag, picture

NUM_CROPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class AttentionFigures:
    """The spatial gates of a model for some crops.

    Attributes:
        crops: N crops.
        gates: Of each stage (N, h, w) in (0, 1); no stages where the model has no such attention.
    """

    crops: tuple[Crop, ...]
    gates: tuple[npt.NDArray[np.float32], ...]


def attention_figures(weights: Path, images: Sequence[Path]) -> AttentionFigures:
    """The gates of an RGA weights file for some of the images, evenly spread.

    Raises:
        CheckpointError: The file holds no such weights.
        DataError: An image cannot be read.
    """
    from reid.attention_maps import spatial_gates  # noqa: PLC0415 (they load torch)
    from reid.checkpoint import load_model  # noqa: PLC0415

    model, info = load_model(weights)
    step = max(1, len(images) // NUM_CROPS)
    crops = [read_image(path) for path in images[::step][:NUM_CROPS]]
    return AttentionFigures(tuple(crops), tuple(spatial_gates(model, crops, info.preprocessing)))


def attention_html(figures: AttentionFigures, *, is_blurred: bool) -> str:
    """A row a crop: the crop, then each stage's map over it, from its least gate to its greatest.

    The gates' range is written below, as a map whose gates are all alike says nothing.
    """
    if not figures.gates:
        return "<p>This model has no spatial attention.</p>"
    rows = []
    for number, crop in enumerate(figures.crops):
        plain = picture(crop, is_blurred=is_blurred)
        cards = [f'<figure class="card">{image_tag(plain)}<figcaption>crop</figcaption></figure>']
        cards += [
            _stage_card(stage, plain, gates[number]) for stage, gates in enumerate(figures.gates, 1)
        ]
        rows.append(f'<div class="list">{"".join(cards)}</div>')
    return f'<div class="lists">{"".join(rows)}</div>'


def overlay(image: Crop, gate: npt.NDArray[np.float32]) -> Crop:
    """A map over a picture: least values dark blue, greatest yellow (viridis), half and half."""
    spread = float(gate.max() - gate.min())
    levels = (gate - gate.min()) / spread if spread > 0 else np.zeros_like(gate)
    grown = cv2.resize(levels, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap((255 * grown).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.asarray(cv2.addWeighted(image, 0.45, colours, 0.55, 0), np.uint8)


def _stage_card(stage: int, image: Crop, gate: npt.NDArray[np.float32]) -> str:
    caption = f"stage {stage}<br>{gate.min():.2f} to {gate.max():.2f}"
    return (
        f'<figure class="card">{image_tag(overlay(image, gate))}'
        f"<figcaption>{caption}</figcaption></figure>"
    )
