"""Training steps: images a second, paired against the published formula and a plain ResNet-50.

    python -m benchmarks.bench_training [--size 128x64] [--persons 16] [--repeats 5] [--threads N]
    [--device cpu|cuda] [--precision bf16|fp32|fp16]

A step is everything an iteration does: making the batch from cached images (drawn ones),
augmentation, forward, both losses, backward and Adam. Forms: `rga` (as trained), `literal` (the
published formula), `plain` (ResNet-50 without attention). They run in turn (A B A B) and ratios are
taken round by round, so that a busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import torch

from benchmarks.measurement import emit
from reid.model import Backbone, RGAResNet50
from training.batch_source import BatchSource
from training.identity_sampler import Share
from training.memory import keep_freed_memory
from training.processes import Processes
from training.recipe import Recipe
from training.step import Learner
from training.training_set import TrainingSet

FORMS = ("plain", "rga", "literal")
NUM_PERSONS = 64
RATE = 1e-5


def drawn_set(size: tuple[int, int], num_images: int) -> TrainingSet:
    """Noise of 64 persons: what images show costs no time."""
    labels = np.repeat(np.arange(NUM_PERSONS), num_images)
    images = np.random.default_rng(0).integers(0, 256, (len(labels), *size, 3), np.uint8)
    return TrainingSet(images, labels, None, "noise")


def learner(form: str, recipe: Recipe, processes: Processes) -> Learner:
    """With random weights."""
    torch.manual_seed(0)
    size = recipe.model.size
    model = RGAResNet50(size=size, num_classes=NUM_PERSONS, literal=form == "literal")
    if form == "plain":
        model.backbone = Backbone(size, variant=None)
    model.to(processes.device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Learner(model.train(), recipe, processes)


def timed(one: Learner, source: BatchSource, number: int) -> float:
    """Seconds of an iteration; its figures are read back, so the device has finished."""
    start = time.perf_counter()
    one.step(source.batch(number), RATE)
    return time.perf_counter() - start


def measure(recipe: Recipe, repeats: int, warmup: int) -> None:
    """Print images a second of every form, and the paired ratios of their times."""
    device = torch.device("cuda" if recipe.device == "cuda" else "cpu")
    processes = Processes(Share(), device)
    source = BatchSource(drawn_set(recipe.model.size, recipe.batch.images), recipe, processes)
    learners = {form: learner(form, recipe, processes) for form in FORMS}
    times: dict[str, list[float]] = {form: [] for form in FORMS}
    for number in range(warmup + repeats):
        for form, one in learners.items():
            took_s = timed(one, source, number)
            if number >= warmup:
                times[form].append(took_s)
    batch = recipe.batch.persons * recipe.batch.images
    setting = {
        "size": "x".join(map(str, recipe.model.size)),
        "batch": batch,
        "precision": recipe.precision,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
    }
    for form, values in times.items():
        emit(f"training.{form}", [batch / value for value in values], "images/s", **setting)
    for of, over in (("literal", "rga"), ("rga", "plain")):
        pairs = zip(times[of], times[over], strict=True)
        emit(f"training.ratio.{of}_over_{over}", [a / b for a, b in pairs], "x", **setting)


def main() -> None:
    """Measure as the options say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="128x64")
    parser.add_argument("--persons", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="bf16")
    options = parser.parse_args()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.device == "cpu":
        keep_freed_memory()
    recipe = Recipe.model_validate(
        {
            "data": ["folder:none"],
            "model": {"size": [int(side) for side in options.size.split("x")]},
            "batch": {"persons": options.persons},
            "precision": options.precision,
            "device": options.device,
        }
    )
    measure(recipe, options.repeats, options.warmup)


if __name__ == "__main__":
    main()
