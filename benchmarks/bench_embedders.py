"""Crops a second of every embedder, paired with torch fp32 in one run.

    python benchmarks/bench_embedders.py [--weights FILE] [--ir FILE.xml] [--int8-crops FOLDER]

Weights of random numbers are drawn where none are given: the time is the same. Each round runs
every embedder once (A B C A B C), so that a busy machine slows all of them. One JSON line each:
median and p95 of the time per crop, and the ratio to torch fp32, as the median over rounds.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch

from benchmarks.random_rga import settle
from config.schema import EmbedderSettings
from reid.checkpoint import describe, save_safetensors
from reid.drawn_crops import drawn_crops
from reid.embed_files import find_images, read_image
from reid.embedder import Embedder, build_embedder
from reid.errors import ReidError
from reid.export import export_model
from reid.model import RGAResNet50

REPOSITORY = Path(__file__).resolve().parents[1]
BASELINE = "torch fp32"


def main() -> None:
    """Measure and print."""
    options = _options()
    crops = drawn_crops(options.batch, (200, 90))
    with ExitStack() as stack:
        embedders = {
            name: stack.enter_context(closing(embedder)) for name, embedder in _embedders(options)
        }
        seconds: dict[str, list[float]] = {name: [] for name in embedders}
        for round_number in range(options.rounds + 1):
            for name, embedder in embedders.items():
                started_at = time.perf_counter()
                embedder.embed(crops)
                if round_number:  # the first warms up
                    seconds[name].append((time.perf_counter() - started_at) / len(crops))
    machine = _machine()
    for name, found in seconds.items():
        ratios = [base / own for base, own in zip(seconds[BASELINE], found, strict=True)]
        row = {
            "benchmark": "embedders",
            "embedder": name,
            "batch": options.batch,
            "median_ms_per_crop": round(1000 * statistics.median(found), 3),
            "p95_ms_per_crop": round(1000 * float(np.quantile(found, 0.95)), 3),
            "times_torch_fp32": round(statistics.median(ratios), 3),
        }
        print(json.dumps(row | machine), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weights", type=Path, help="RGA weights; left out: random ones")
    parser.add_argument("--ir", type=Path, help="an OpenVINO model of others, as a peer")
    parser.add_argument("--int8-crops", type=Path, help="folder of crops: adds an int8 export")
    parser.add_argument("--onnx", action="store_true", help="adds ONNX Runtime")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _embedders(options: argparse.Namespace) -> Iterator[tuple[str, Embedder]]:
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    with _weights(options.weights) as weights:
        folder = weights.parent
        yield BASELINE, _built(weights, device="cpu", precision="fp32")
        yield "torch auto", _built(weights)
        ir = export_model(weights, folder / "fp32.xml").file
        yield "openvino fp32", _built(ir, precision="fp32")
        if "BF16" in capabilities:
            yield "openvino bf16", _built(ir, precision="bf16")
        if options.int8_crops:
            crops = [read_image(file.path) for file in find_images([options.int8_crops])[:64]]
            try:
                int8 = export_model(
                    weights, folder / "int8.xml", precision="int8", check_crops=crops
                ).file
            except ReidError as error:
                print(json.dumps({"embedder": "openvino int8", "refused": str(error)}))
            else:
                yield "openvino int8", _built(int8)
        if options.onnx:
            yield "onnx fp32", _built(export_model(weights, folder / "fp32.onnx").file)
    if options.ir:
        yield options.ir.stem, _built(options.ir)
    yield "histogram", build_embedder(EmbedderSettings(kind="histogram"))


def _built(weights: Path, **settings: Any) -> Embedder:
    return build_embedder(EmbedderSettings(weights=str(weights), **settings))


@contextmanager
def _weights(given: Path | None) -> Iterator[Path]:
    """A copy of the weights in a folder for exports, or random weights with open gates."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / (given.name if given else "random.safetensors")
        if given:
            path.symlink_to(given.resolve())
        else:
            torch.manual_seed(0)
            model = RGAResNet50(open_gates=True)
            settle(model, model.size)
            save_safetensors(path, model, describe(model))
        yield path


def _machine() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "commit": commit,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "cpu": openvino.Core().get_property("CPU", "FULL_DEVICE_NAME"),
        "torch": torch.__version__,
        "openvino": openvino.__version__.split("-")[0],
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
