from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from benchmarks.cost_chart import CostPoint, cost_chart, write_cost_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_the_chart_is_an_svg_document_with_a_line_each(tmp_path: Path) -> None:
    points = [CostPoint(1000, 900.0, 4.0), CostPoint(100_000, 500.0, 30.0)]

    write_cost_chart(points, tmp_path / "cost.svg")

    root = ElementTree.parse(tmp_path / "cost.svg").getroot()  # noqa: S314 - our own file
    assert root.tag == f"{SVG}svg"
    assert len(root.findall(f"{SVG}polyline")) == 2
    texts = [text.text for text in root.findall(f"{SVG}text")]
    assert {"exemplars known", "decisions a second", "p99 of a window, ms"} <= set(texts)


def test_the_order_of_the_points_does_not_matter() -> None:
    points = [CostPoint(1000, 900.0, 4.0), CostPoint(100_000, 500.0, 30.0)]

    assert cost_chart(points) == cost_chart(points[::-1])


def test_one_point_is_enough() -> None:
    assert "polyline" in cost_chart([CostPoint(1000, 100.0, 10.0)])
