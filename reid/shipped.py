"""The weights that come with crosscam: what embeds where a site names none.

`reid/weights/README.md` is their model card: data, terms, recipe, figures and limits.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "weights"

NAME = "rga_sc_128x64.safetensors"


def shipped_weights() -> Path | None:
    """The file; None where this installation was made without it."""
    file = FOLDER / NAME
    return file if file.is_file() else None
