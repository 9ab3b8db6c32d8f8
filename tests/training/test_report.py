from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.drawn_crops import drawn_crops
from training.attention_figures import AttentionFigures
from training.benchmark import BenchmarkRow
from training.evaluate import EvaluationOptions, Scored, score
from training.features import FeatureSet, load_features
from training.ranking import Labelling
from training.report import ReportOptions, write_benchmark_report, write_report
from training.rerank import RerankOptions

GOLDEN = Path(__file__).parents[1] / "golden" / "ranking" / "ranking.npz"


class Counted(HTMLParser):
    """How often each tag is there, and the headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.headings: list[str] = []
        self._is_heading = False
        self.feed(html)

    def handle_starttag(self, tag: str, _: object) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self._is_heading = tag in ("h1", "h2")

    def handle_data(self, data: str) -> None:
        if self._is_heading:
            self.headings.append(data)
            self._is_heading = False


@pytest.fixture
def pictured(tmp_path: Path) -> Scored:
    """Four people with images of stripes, 1 pixel high, and a space that is HTML."""
    paths = []
    for number in range(8):
        image = np.full((128, 64, 3), 30 * (number % 4), np.uint8)
        image[::2] = 255
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), image)
    rng = np.random.default_rng(0)
    people = np.arange(4)
    features = FeatureSet(
        rng.normal(size=(4, 6)).astype(np.float32),
        rng.normal(size=(4, 6)).astype(np.float32),
        Labelling(people, people, np.zeros(4, int), np.ones(4, int)),
        tuple(paths[:4]),
        tuple(paths[4:]),
        "<script>alert(1)</script>",
    )
    return score(features, EvaluationOptions(rerank=RerankOptions()))


def written(scored: Scored, folder: Path, options: ReportOptions) -> str:
    write_report(scored, folder / "report.html", options)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_report_has_all_parts_and_loads_nothing(pictured: Scored, tmp_path: Path) -> None:
    maps = AttentionFigures(
        tuple(drawn_crops(2, (32, 16))), (np.full((2, 8, 4), 0.5, np.float32),) * 4
    )

    html = written(pictured, tmp_path, ReportOptions("A <b>test</b>", attention=maps))

    found = Counted(html)
    assert found.headings == [
        "A <b>test</b>",
        "Figures",
        "Curves",
        "Open set",
        "Worst queries",
        "Best queries",
        "Spatial attention by stage",
    ]
    assert found.counts["svg"] == 3
    assert found.counts["polyline"] == 3  # CMC, CMC after re-ranking, ROC
    assert found.counts["polygon"] == 2  # same and different people
    assert found.counts["img"] == 2 * 4 * 5 + 2 * 5
    assert not {"script", "b", "link"} & found.counts.keys()
    assert not re.search(r"""(src|href)=["'](?!data:)""", html)


def test_people_are_blurred_unless_that_is_turned_off(pictured: Scored, tmp_path: Path) -> None:
    blurred = written(pictured, tmp_path, ReportOptions("x"))
    clear = written(pictured, tmp_path, ReportOptions("x", is_blurred=False))

    assert "People are blurred" in blurred
    assert "People are blurred" not in clear
    assert len(clear) > 1.5 * len(blurred)  # stripes of a pixel take many bytes


def test_report_of_stored_features_without_images(tmp_path: Path) -> None:
    html = written(score(load_features(GOLDEN)), tmp_path, ReportOptions("golden"))

    found = Counted(html)
    assert "img" not in found.counts
    assert "no image" in html
    assert "45.9" in html


def test_missing_folder_is_an_os_error(pictured: Scored, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_report(pictured, tmp_path / "no" / "report.html", ReportOptions("x"))


def test_benchmark_report_has_a_row_and_a_curve_for_each(pictured: Scored, tmp_path: Path) -> None:
    row = BenchmarkRow("<i>one</i>", "torch <fp32>", pictured, 10.0)

    write_benchmark_report([row, replace(row, name="two")], tmp_path / "b.html", "Bench <u>")

    found = Counted((tmp_path / "b.html").read_text(encoding="utf-8"))
    assert found.counts["polyline"] == 2
    assert found.counts["tr"] == 3
    assert not {"i", "u", "fp32"} & (found.counts.keys() - {"i"})
