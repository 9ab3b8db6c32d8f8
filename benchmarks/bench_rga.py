"""RGA-ResNet50: exact low-rank attention against the published formula and a plain ResNet-50.

    python -m benchmarks.bench_rga [--batch 8] [--repeats 15] [--device cpu|cuda] [--dtype fp32]
    [--memory-batch 32] [--threads N] [--no-memory]

Forms: `plain` (ResNet-50, last stride 1, no attention), `low_rank`, `literal`; each as trained
(`module`) and as it is computed in production (`fused`: BatchNorm folded, channels-last). All
run in turn (A B A B), and ratios are taken round by round, so that a busy machine slows all alike.
Memory is what a fresh process adds at its peak during one forward of a large batch; on a CPU the
whole peak, with torch and the weights, is printed too.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.measurement import emit
from benchmarks.random_rga import settle
from reid.fuse import prepare_backbone, prepare_for_inference
from reid.model import Backbone, RGAResNet50

SIZE = (256, 128)
FORMS = ("plain", "low_rank", "literal")
FINISHES = ("module", "fused")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

RATIOS = (
    ("literal", "low_rank", "fused"),
    ("low_rank", "plain", "fused"),
    ("literal", "low_rank", "module"),
    ("low_rank", "plain", "module"),
)
"""(of, over, finish): the targets of the README are the first two."""


def build(form: str, finish: str, device: str, dtype: torch.dtype) -> nn.Module:
    """A network with random weights and settled statistics that maps (N, 3, 256, 128) images."""
    torch.manual_seed(0)
    if form == "plain":
        trunk = Backbone(SIZE, variant=None)
        settle(trunk, SIZE)
        if finish == "fused":
            return prepare_backbone(trunk, device=device, dtype=dtype)
        return trunk.to(device, dtype)
    model = RGAResNet50(size=SIZE)
    settle(model, SIZE)
    model.use_literal_form(literal=form == "literal")
    if finish == "fused":
        return prepare_for_inference(model, device=device, dtype=dtype)
    return model.to(device, dtype)


def timed(network: Callable[[Tensor], object], images: Tensor) -> float:
    """Milliseconds of one forward."""
    _synchronise(images)
    start = time.perf_counter()
    with torch.inference_mode():
        network(images)
    _synchronise(images)
    return (time.perf_counter() - start) * 1e3


def measure_time(options: argparse.Namespace) -> None:
    """Print the time of every form and the paired ratios."""
    dtype = DTYPES[options.dtype]
    images = torch.randn(options.batch, 3, *SIZE, device=options.device, dtype=dtype)
    networks = {
        (form, finish): build(form, finish, options.device, dtype)
        for finish in FINISHES
        for form in FORMS
    }
    times: dict[tuple[str, str], list[float]] = {key: [] for key in networks}
    for number in range(options.warmup + options.repeats):
        for key, network in networks.items():
            value = timed(network, images)
            if number >= options.warmup:
                times[key].append(value)
    setting = _setting(options, options.batch)
    for (form, finish), values in times.items():
        emit(f"rga.forward.{form}.{finish}", values, "ms", **setting)
    for of, over, finish in RATIOS:
        pairs = zip(times[of, finish], times[over, finish], strict=True)
        ratios = [first / second for first, second in pairs]
        emit(f"rga.ratio.{of}_over_{over}.{finish}", ratios, "x", **setting)


def measure_memory(options: argparse.Namespace) -> None:
    """Print the peak of a forward of each fused form, in a process of its own, and their ratio."""
    peaks: dict[str, list[list[float]]] = {}
    for form in FORMS:
        command = [sys.executable, "-m", "benchmarks.bench_rga", "--child", form]
        for name in ("device", "dtype", "memory_batch", "threads"):
            value = getattr(options, name)
            if value is not None:
                command += [f"--{name.replace('_', '-')}", str(value)]
        runs = [
            subprocess.run(command, capture_output=True, text=True, check=True).stdout
            for _ in range(options.memory_repeats)
        ]
        peaks[form] = [[float(word) for word in run.split()] for run in runs]
    setting = _setting(options, options.memory_batch)
    for index, name in enumerate(("added", "peak")):
        values = {form: [run[index] for run in runs] for form, runs in peaks.items()}
        for form in FORMS:
            emit(f"rga.memory.{name}.{form}.fused", values[form], "MB", **setting)
        share = statistics.median(values["low_rank"]) / statistics.median(values["literal"])
        emit(f"rga.memory.{name}.low_rank_over_literal.fused", [share], "x", **setting)


def print_memory_of_one(options: argparse.Namespace) -> None:
    """As the child process: what one forward adds at the peak, and the peak itself, in MB."""
    dtype = DTYPES[options.dtype]
    network = build(options.child, "fused", options.device, dtype)
    images = torch.randn(options.memory_batch, 3, *SIZE, device=options.device, dtype=dtype)
    timed(network, images[:1])
    gc.collect()
    if options.device == "cpu":
        before = _reset_peak()
        timed(network, images)
        peak = _status_mb("VmHWM")
        print(peak - before, peak)
        return
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated() / 1e6
    timed(network, images)
    peak = torch.cuda.max_memory_allocated() / 1e6
    print(peak - before, peak)


def _reset_peak() -> float:
    """Give freed memory back, and set the peak to what is held now, in MB; Linux with glibc."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status_mb("VmRSS")


def _status_mb(field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {field}")
    return int(found[1]) / 1e3


def _synchronise(images: Tensor) -> None:
    if images.is_cuda:
        torch.cuda.synchronize()


def _setting(options: argparse.Namespace, batch: int) -> dict[str, object]:
    is_cuda = options.device != "cpu"
    return {
        "batch": batch,
        "dtype": options.dtype,
        "device": torch.cuda.get_device_name() if is_cuda else "cpu",
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measure as the options say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=tuple(DTYPES))
    parser.add_argument("--memory-batch", type=int)
    parser.add_argument("--memory-repeats", type=int, default=2)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--child", choices=FORMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    is_cuda = options.device == "cuda"
    options.batch = options.batch or (64 if is_cuda else 8)
    options.memory_batch = options.memory_batch or (64 if is_cuda else 32)
    options.dtype = options.dtype or ("bf16" if is_cuda else "fp32")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.child is not None:
        print_memory_of_one(options)
        return
    measure_time(options)
    if not options.no_memory:
        measure_memory(options)


if __name__ == "__main__":
    main()
