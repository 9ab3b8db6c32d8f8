"""The report: self-contained, complete, safe with any names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from matcher.store import FeatureStore
from matcher.tracklet import Tracklet
from query.report import write_report
from query.timeline import TimeAxis, time_axis, timeline_svg
from query.trajectory import trajectory

Add = Callable[..., Tracklet]


def test_report_shows_everybody_and_loads_nothing(
    store: FeatureStore, add_sighting: Add, tmp_path: Path
) -> None:
    add_sighting("P1", "cam1", 0)
    add_sighting("P1", "cam2", 10)
    add_sighting("P2", "cam1", 3)

    write_report(store, tmp_path / "report.html", title="A <b>shop</b>")

    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A &lt;b&gt;shop" in html
    assert html.count("<article") == 2
    assert html.count("data:image/jpeg;base64,") == 3
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_report_of_an_empty_store_says_so(store: FeatureStore, tmp_path: Path) -> None:
    write_report(store, tmp_path / "report.html", title="Empty")

    assert "Nobody was seen" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_report_into_a_missing_folder_is_an_os_error(store: FeatureStore, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_report(store, tmp_path / "no" / "report.html", title="x")


def test_timeline_of_nobody_is_an_svg() -> None:
    assert timeline_svg([], [], [], TimeAxis(0, 1)).startswith("<svg")
    assert time_axis([trajectory("P1", [])]).ended_at == 1.0


def test_ticks_are_few_round_and_inside() -> None:
    axis = TimeAxis(1003.0, 1097.0)

    assert axis.ticks() == [1010, 1020, 1030, 1040, 1050, 1060, 1070, 1080, 1090]
