"""An RGA-SC model with random weights, exported to OpenVINO: what RGA costs, before it is trained.

python -m benchmarks.random_rga FOLDER    # writes FOLDER/rga.xml
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from reid.checkpoint import describe, save_safetensors
from reid.export import export_model
from reid.model import RGAResNet50


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(write_random_rga(parser.parse_args().folder))


def write_random_rga(folder: Path) -> Path:
    """The .xml of an exported model; the same weights every time."""
    torch.manual_seed(0)
    model = RGAResNet50(open_gates=True).eval()
    weights = folder / "rga.safetensors"
    save_safetensors(weights, model, describe(model))
    out = folder / "rga.xml"
    export_model(weights, out)
    return out


if __name__ == "__main__":
    main()
