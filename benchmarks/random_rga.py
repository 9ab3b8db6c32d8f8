"""An RGA-SC model with random weights, exported to OpenVINO: what RGA costs, before it is trained.

python -m benchmarks.random_rga FOLDER    # writes FOLDER/rga.xml
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

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
    model = RGAResNet50(open_gates=True)
    settle(model, model.size)
    weights = folder / "rga.safetensors"
    save_safetensors(weights, model, describe(model))
    out = folder / "rga.xml"
    export_model(weights, out)
    return out


def settle(network: nn.Module, size: tuple[int, int]) -> None:
    """Take BatchNorm statistics from noise, and leave the network in evaluation mode.

    Fresh statistics let relations grow to thousands, so that closed gates fill the maps with
    denormal numbers, which processors compute many times slower: no trained network does that.
    """
    norms = [
        part for part in network.modules() if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d))
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = None  # the plain mean over all batches
    network.train()
    with torch.no_grad():
        for _ in range(2):
            network(torch.randn(8, 3, *size))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


if __name__ == "__main__":
    main()
