"""Several embedders on one data set in one run: how well they find people, and how fast."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reid.embedder import Crop, Embedder
from training.embedding import OnProgress, embed_data, flipped, source_of
from training.errors import DataError
from training.evaluate import EvaluationOptions, Scored, score
from training.images import read_image
from training.samples import ReidData

NUM_ROUNDS = 5
NUM_CROPS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Contestant:
    """An embedder in a benchmark, with the name that the table gives it."""

    name: str
    embedder: Embedder


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkRow:
    """What was found of one embedder.

    Attributes:
        name: As in `Contestant`.
        backend: The embedder's own name: backend, model, precision, device.
        scored: Its evaluation.
        images_per_s: Median over the rounds.
    """

    name: str
    backend: str
    scored: Scored
    images_per_s: float

    def to_json(self) -> dict[str, Any]:
        """The evaluation's object with name, backend and speed."""
        return {
            "name": self.name,
            "backend": self.backend,
            "images_per_s": round(self.images_per_s, 2),
            **self.scored.evaluation.to_json(),
        }


def run_benchmark(
    contestants: Sequence[Contestant],
    data: ReidData,
    options: EvaluationOptions,
    *,
    flip: bool = False,
    on_progress: Callable[[str], OnProgress] | None = None,
) -> list[BenchmarkRow]:
    """A row for each contestant, in their order.

    Args:
        contestants: The embedders; they stay open.
        data: The data set.
        options: Of the evaluations.
        flip: Embed each image and its mirror image.
        on_progress: Gives, for a contestant's name, what is told how far it is.

    Raises:
        DataError: The data cannot be evaluated.
        ReidError: An embedder failed.
    """
    speeds = paired_speeds([each.embedder.embed for each in contestants], timing_crops(data))
    rows = []
    for each, images_per_s in zip(contestants, speeds, strict=True):
        source = source_of(each.embedder)
        progress = None if on_progress is None else on_progress(each.name)
        features = embed_data(data, flipped(source) if flip else source, progress)["only"]
        scored = score(features, options)
        rows.append(BenchmarkRow(each.name, each.embedder.name, scored, images_per_s))
    return rows


def timing_crops(data: ReidData, num: int = NUM_CROPS) -> list[Crop]:
    """Some images of the gallery, evenly spread.

    Raises:
        DataError: The gallery is empty, or an image cannot be read.
    """
    paths = data.gallery.paths
    if not paths:
        raise DataError(f"{data.name}: the gallery is empty, so nothing can be evaluated")
    step = max(1, len(paths) // num)
    return [read_image(path) for path in paths[::step][:num]]


def paired_speeds(
    embeds: Sequence[Callable[[Sequence[Crop]], object]],
    crops: Sequence[Crop],
    num_rounds: int = NUM_ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Images a second of each, as the median of rounds in which each runs once (A B A B).

    So a machine that is busy for a while slows all of them. A round before the first warms up.

    Args:
        embeds: What is timed.
        crops: Embedded in each round, 1 or more.
        num_rounds: That count, 1 or more.
        clock: Gives seconds.
    """
    seconds: list[list[float]] = [[] for _ in embeds]
    for round_number in range(num_rounds + 1):
        for embed, found in zip(embeds, seconds, strict=True):
            started_at = clock()
            embed(crops)
            if round_number:
                found.append(clock() - started_at)
    return [len(crops) / max(statistics.median(found), 1e-9) for found in seconds]
