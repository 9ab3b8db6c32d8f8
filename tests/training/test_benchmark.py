from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.drawn_crops import drawn_crops
from reid.embedder import Crop
from reid.histogram import HistogramEmbedder
from training.benchmark import Contestant, paired_speeds, run_benchmark, timing_crops
from training.errors import DataError
from training.evaluate import EvaluationOptions
from training.samples import ReidData, Samples, no_samples


@pytest.fixture
def data(tmp_path: Path) -> ReidData:
    """Three people, an image of each in two cameras."""
    for number, crop in enumerate(drawn_crops(3, (32, 16))):
        for camera in range(2):
            cv2.imwrite(str(tmp_path / f"{number}_{camera}.png"), crop)
    people = np.arange(3)
    query, gallery = (
        Samples(tuple(tmp_path / f"{n}_{camera}.png" for n in people), people, np.full(3, camera))
        for camera in range(2)
    )
    return ReidData("three", no_samples(), query, gallery)


def test_each_embedder_gets_a_row_in_order(data: ReidData) -> None:
    contestants = [Contestant("one", HistogramEmbedder()), Contestant("two", HistogramEmbedder())]

    rows = run_benchmark(contestants, data, EvaluationOptions())

    assert [row.name for row in rows] == ["one", "two"]
    assert [row.scored.evaluation.figures.rank1 for row in rows] == [1, 1]
    assert all(row.images_per_s > 0 for row in rows)
    found = rows[0].to_json()
    assert (found["name"], found["map_step"], found["dim"]) == ("one", 1, HistogramEmbedder().dim)


def test_flip_marks_the_space(data: ReidData) -> None:
    (row,) = run_benchmark(
        [Contestant("one", HistogramEmbedder())], data, EvaluationOptions(), flip=True
    )

    assert row.scored.evaluation.space.endswith("+flip")


def test_rounds_are_paired_and_the_first_does_not_count() -> None:
    calls: list[str] = []
    now = 0.0

    def embed(name: str, seconds: Sequence[float]) -> Callable[[Sequence[Crop]], None]:
        times = iter(seconds)

        def run(_: Sequence[Crop]) -> None:
            nonlocal now
            calls.append(name)
            now += next(times)

        return run

    crops = drawn_crops(4, (8, 4))
    speeds = paired_speeds(
        [embed("a", [9, 1, 2, 4]), embed("b", [9, 1, 1, 8])], crops, 3, clock=lambda: now
    )

    assert calls == ["a", "b"] * 4
    assert speeds == [2, 4]


def test_timed_crops_are_spread_over_the_gallery(data: ReidData) -> None:
    assert len(timing_crops(data)) == 3
    assert len(timing_crops(data, 2)) == 2


def test_empty_gallery_is_named(data: ReidData) -> None:
    empty = ReidData("three", data.train, data.query, no_samples())

    with pytest.raises(DataError, match="three: the gallery is empty"):
        run_benchmark([Contestant("one", HistogramEmbedder())], empty, EvaluationOptions())
