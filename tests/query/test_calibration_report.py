"""Tests of telling what a site's tracklets say about similarities, and of drawing it."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from matcher.calibration import Calibration
from matcher.decision import Decision
from matcher.different_people import step_of
from matcher.topology import Topology
from matcher.tracklet import TrackBoxes, Tracklet
from query.calibration_report import CalibrationReport, calibration_reports
from query.similarity_chart import similarity_svg

BASE = Calibration(0.4, 30.0, 0.433, 0.1, typical=0.2, ten_percent=0.328)
CAMERAS = ["door", "hall"]
Decided = tuple[Decision, Tracklet]


def decided(
    number: int, camera_id: str, start: float, cosine: float, similarity: float | None = None
) -> Decided:
    """A tracklet of ten seconds; two features of cosines c and 1 have similarity c."""
    tracklet = Tracklet(
        tracklet_id=f"{camera_id}-1-{number}",
        version=1,
        camera_id=camera_id,
        started_at=start,
        ended_at=start + 10,
        emitted_at=start + 10,
        boxes=TrackBoxes(
            np.array([0]), np.array([start]), np.ones((1, 4), np.float32), np.ones(1, np.float32)
        ),
        feature=np.array([cosine, np.sqrt(1 - cosine**2)], np.float32),
        quality=0.5,
        space="test <1>",
        is_final=True,
    )
    decision = Decision(
        tracklet_id=tracklet.tracklet_id,
        version=1,
        camera_id=camera_id,
        started_at=start,
        ended_at=start + 10,
        is_final=True,
        identity_id=f"P{number}",
        is_new=similarity is None,
        is_first=True,
        similarity=similarity,
        probability=0.99,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=start + 10,
    )
    return decision, tracklet


def report_of(*each: Decided, confirmed: tuple[str, ...] = ()) -> CalibrationReport:
    (report,) = calibration_reports(
        each, Topology(CAMERAS), lambda _: BASE, false_match_rate=0.01, confirmed=confirmed
    )
    return report


def shifted_site() -> list[Decided]:
    """Two people at a time, in two cameras, 400 times: all more alike than usual, by 0.1."""
    alike = np.random.default_rng(1).normal(0.3, 0.1, 400)
    return [
        each
        for number, cosine in enumerate(alike.tolist())
        for each in (
            decided(2 * number, "door", 100.0 * number, 1.0, similarity=0.75),
            decided(2 * number + 1, "hall", 100.0 * number, cosine),
        )
    ]


def test_no_tracklets_give_no_report() -> None:
    topology = Topology(CAMERAS)

    assert calibration_reports([], topology, lambda _: BASE, false_match_rate=0.01) == []


def test_different_linked_and_confirmed_ones_are_counted() -> None:
    report = report_of(
        decided(1, "door", 0.0, 1.0),
        decided(2, "hall", 0.0, 0.5),
        decided(3, "door", 90.0, 1.0, similarity=0.755),
        decided(4, "door", 190.0, 1.0, similarity=0.655),
        confirmed=("door-1-4",),
    )

    assert np.flatnonzero(report.different).tolist() == [step_of(0.5)]
    assert np.flatnonzero(report.linked).tolist() == [step_of(0.655), step_of(0.755)]
    assert np.flatnonzero(report.confirmed).tolist() == [step_of(0.655)]
    lines = [(line.cameras, line.num_different) for line in report.lines]
    assert lines == [
        ("all, between two cameras", 1),
        ("all, within a camera", 0),
        ("door, hall", 1),
    ]
    assert report.threshold == pytest.approx(0.433)
    assert "too few" in report.lines[0].note
    assert report.lines[1].median is None


def test_the_threshold_follows_the_site() -> None:
    report = report_of(*shifted_site())

    across = report.lines[0]
    assert across.num_different == 400
    assert across.median == pytest.approx(0.3, abs=0.03)
    assert "few" in across.note
    assert 0.44 < report.threshold < 0.5
    assert across.threshold == pytest.approx(report.threshold)
    assert report.base is BASE
    assert report.site.pairs[0].cameras == ("door", "hall")


def test_the_chart_is_a_drawing_with_bars_curves_and_threshold() -> None:
    report = report_of(*shifted_site())

    svg = ElementTree.fromstring(similarity_svg(report))  # noqa: S314 - our own

    texts = [element.text or "" for element in svg.iter() if element.tag.endswith("text")]
    assert texts[0] == "test <1>"
    assert any(f"{report.threshold:.3f}" in text for text in texts)
    assert any("different people: 400" in text for text in texts)
    assert len([e for e in svg.iter() if e.tag.endswith("polyline")]) == 2
    assert len([e for e in svg.iter() if e.tag.endswith("rect")]) > 10


def test_a_chart_without_links_is_drawn() -> None:
    assert "different people: 0" in similarity_svg(report_of(decided(1, "door", 0.0, 1.0)))
