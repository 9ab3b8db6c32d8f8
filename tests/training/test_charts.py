from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from training.charts import Axis, Series, histogram_chart, line_chart


def points(html: str, tag: str) -> list[list[tuple[float, float]]]:
    """The corners of each shape of a chart, which must be well-formed XML."""
    root = ET.fromstring(html)  # noqa: S314 (our own text)
    return [[_point(pair) for pair in shape.attrib["points"].split()] for shape in root.iter(tag)]


def _point(pair: str) -> tuple[float, float]:
    x, y = pair.split(",")
    return float(x), float(y)


def test_line_runs_from_corner_to_corner() -> None:
    series = Series("one", np.array([1.0, 50.0]), np.array([0.0, 1.0]))

    html = line_chart([series], Axis("rank", 1, 50), Axis("share", 0, 1, is_percent=True))

    assert points(html, "polyline") == [[(52.0, 256.0), (546.0, 12.0)]]


def test_log_axis_puts_powers_of_ten_at_equal_steps() -> None:
    axis = Axis("rate", 1e-4, 1, is_log=True)

    assert axis.share(np.array([1e-4, 1e-2, 1])).tolist() == pytest.approx([0, 0.5, 1])
    assert axis.ticks() == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 50, [10, 20, 30, 40, 50]),
        (0.1, 0.13, [0.1, 0.11, 0.12, 0.13]),
    ],
)
def test_ticks_are_few_round_and_inside(low: float, high: float, expected: list[float]) -> None:
    assert Axis("x", low, high).ticks() == pytest.approx(expected)


def test_names_are_escaped() -> None:
    series = Series('<b> & "c"', np.array([0.0, 1.0]), np.array([0.0, 1.0]))

    html = line_chart([series], Axis("<x>", 0, 1), Axis("y", 0, 1))

    assert "<b>" not in html
    assert "<x>" not in html
    ET.fromstring(html)  # noqa: S314


def test_histograms_stand_on_one_axis_and_reach_their_share() -> None:
    html = histogram_chart([("a", np.array([0.0, 0.0])), ("b", np.array([1.0, 0.0]))], "d", 2)

    first, second = points(html, "polygon")
    assert [x for x, _ in first] == [x for x, _ in second]
    full, half = min(y for _, y in first), min(y for _, y in second)
    assert (256 - half) / (256 - full) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("values", [[], [0.5]], ids=["none", "one"])
def test_histograms_of_few_values_are_charts(values: list[float]) -> None:
    html = histogram_chart([("same", np.array(values)), ("different", np.array([]))], "distance")

    assert len(points(html, "polygon")) == 2
