"""Tests of showing the ways between cameras."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from matcher.topology import CameraPair, Topology
from matcher.travel_times import NUM_SPANS, TravelTimes
from query.camera_graph import WayLine, camera_graph_svg, way_lines

CAMERAS = ["door", "hall", "yard <2>"]


def taught(one: str, other: str, num: int, span: int = 10) -> TravelTimes:
    travel_times = TravelTimes(CAMERAS)
    numbers = travel_times._number
    travel_times._links.add(0.0, (numbers[one], numbers[other], span), num)
    return travel_times


def test_ways_that_were_taken_or_told_are_listed() -> None:
    told = Topology(
        CAMERAS,
        [
            (("hall", "yard <2>"), CameraPair(is_possible=False)),
            (("door", "hall"), CameraPair(min_s=5.0, max_s=60.0)),
        ],
    )

    lines = way_lines(told, taught("door", "hall", 7), CAMERAS)

    assert [(w.from_camera_id, w.to_camera_id, w.num_links, w.told) for w in lines] == [
        ("door", "hall", 7, "5 to 60 s"),
        ("hall", "door", 0, "5 to 60 s"),
        ("hall", "yard <2>", 0, "no direct way"),
        ("yard <2>", "hall", 0, "no direct way"),
    ]
    assert lines[0].median_s == pytest.approx(13.6, abs=0.5)
    assert lines[1].median_s is None


def test_nothing_learned_and_nothing_told_gives_no_lines() -> None:
    assert way_lines(Topology(CAMERAS), TravelTimes(CAMERAS), CAMERAS) == []


def texts(svg: str) -> list[str]:
    drawing = ElementTree.fromstring(svg)  # noqa: S314 - our own
    return [e.text or "" for e in drawing.iter() if e.tag.endswith("text")]


def test_the_graph_shows_cameras_ways_and_times() -> None:
    lines = [
        WayLine("door", "hall", 7, 8.0, 10.0, 20.0, 2, "5 to 60 s"),
        WayLine("hall", "door", 3, 0.0, 0.0, 0.0, 0, "overlap"),
        WayLine("hall", "hall", 4, 1.0, 2.0, 3.0, 0, ""),
        WayLine("hall", "yard <2>", 0, None, None, None, 0, "no direct way"),
        WayLine("yard <2>", "hall", 0, None, None, None, 0, "no direct way"),
        WayLine("door", "door", 0, None, None, None, 9, ""),
    ]

    svg = camera_graph_svg(lines, CAMERAS)

    assert texts(svg) == ["10 s (7)", "at once (3)", "↻ 2 s (4)", *CAMERAS]
    assert svg.count('class="forbidden"') == 1
    assert "5 to 60 s" in svg


def test_cameras_stand_as_on_the_plan_or_in_a_circle() -> None:
    def places(svg: str) -> np.ndarray:
        drawing = ElementTree.fromstring(svg)  # noqa: S314 - our own
        circles = [e for e in drawing.iter() if e.tag.endswith("circle")]
        return np.array([[float(e.attrib["cx"]), float(e.attrib["cy"])] for e in circles])

    plan = {"door": (0.0, 0.0), "hall": (10.0, 0.0), "yard <2>": (10.0, 5.0)}
    on_plan = places(camera_graph_svg([], CAMERAS, plan))
    circle = places(camera_graph_svg([], CAMERAS, {"door": (0.0, 0.0)}))

    assert on_plan[1] - on_plan[0] == pytest.approx([460.0, 0.0])
    assert on_plan[2] - on_plan[1] == pytest.approx([0.0, 230.0])
    assert ((circle >= 0) & (circle <= 640)).all()
    assert len(np.unique(circle.round(), axis=0)) == 3


@pytest.mark.parametrize("camera_ids", [[], ["door"]])
def test_few_cameras_are_drawn_too(camera_ids: list[str]) -> None:
    assert texts(camera_graph_svg([], camera_ids, {"door": (3.0, 4.0)})) == camera_ids


def test_there_are_as_many_spans_as_are_counted() -> None:
    way = taught("door", "hall", 1, NUM_SPANS - 1).way("door", "hall")

    assert way is not None
    assert (way.num_links, way.num_returns) == (0, 1)
