"""Reasons are looked up right after a decision, and say what it was made of."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.calibration import Calibration
from matcher.decision import Decision
from matcher.matcher import Matcher, MatchPolicy
from matcher.topology import Topology
from matcher.tracklet import TrackBoxes, Tracklet

CALIBRATION = Calibration(midpoint=0.5, slope=30.0, one_percent=0.6, decade=0.1)


def seen(tracklet_id: str, start: float, angle: float, *, version: int = 1) -> Tracklet:
    """Two seconds; looks lie in a plane."""
    feature = np.zeros(4, np.float32)
    feature[:2] = np.cos(angle), np.sin(angle)
    return Tracklet(
        tracklet_id=tracklet_id,
        version=version,
        camera_id=tracklet_id.partition("-")[0],
        started_at=start,
        ended_at=start + 2,
        emitted_at=start + 2,
        boxes=TrackBoxes(
            np.array([0, 1]),
            np.array([start, start + 2]),
            np.array([[0, 0, 10, 20]] * 2, np.float32),
            np.array([1, 1], np.float32),
        ),
        feature=feature,
        quality=0.5,
        space="test:1",
        is_final=True,
    )


@pytest.fixture
def linker() -> Matcher:
    return Matcher(policy=MatchPolicy(), topology=Topology(["a", "b"]), calibration=CALIBRATION)


def decided(linker: Matcher, *tracklets: Tracklet) -> list[Decision]:
    for tracklet in tracklets:
        linker.offer(tracklet)
    return [decision for window in linker.flush() for decision in window]


def test_link_has_its_exemplars_its_rival_and_its_way(linker: Matcher) -> None:
    decided(linker, seen("a-1-1", 10.0, 0.0), seen("a-1-2", 10.0, 1.2), seen("b-1-1", 20.0, 0.3))
    (decision,) = decided(linker, seen("a-1-3", 40.0, 0.1))

    reasons = decision.reasons
    assert decision.identity_id == "P1"
    assert reasons is not None
    assert [name for name, _ in reasons.exemplars] == ["a-1-1", "b-1-1"]
    assert reasons.exemplars[0].similarity == pytest.approx(np.cos(0.1), abs=1e-3)
    assert reasons.exemplars[0].similarity == decision.similarity
    assert decision.runner_up_id == "P2"
    assert reasons.runner_up_similarity == pytest.approx(np.cos(1.1), abs=1e-3)
    assert (reasons.travelled_from, reasons.travel_s) == ("b-1-1", 18.0)
    assert reasons.odds > 0
    assert 0.5 < reasons.threshold < 1


def test_founding_decision_tells_of_the_runner_up(linker: Matcher) -> None:
    first, second = decided(linker, seen("a-1-1", 10.0, 0.0), seen("b-1-1", 20.0, 1.4))
    assert first.reasons is not None
    assert (first.reasons.exemplars, first.reasons.travelled_from) == ((), None)
    assert second.is_new
    assert second.reasons is not None
    assert [name for name, _ in second.reasons.exemplars] == ["a-1-1"]
    assert second.reasons.travelled_from is None


def test_version_that_changes_nothing_repeats_no_reasons(linker: Matcher) -> None:
    decided(linker, seen("a-1-1", 10.0, 0.0))
    (decision,) = decided(linker, seen("a-1-1", 10.0, 0.1, version=2))
    assert decision.reasons is None


def test_exemplar_that_came_later_in_the_window_is_not_among_the_reasons(linker: Matcher) -> None:
    """The third is linked to P1 by the first; the second, more alike, is linked after it."""
    decided(linker, seen("a-1-1", 10.0, 0.0))
    decisions = decided(linker, seen("b-1-1", 20.0, 0.3), seen("b-1-2", 22.1, 0.31))
    for decision in decisions:
        assert decision.reasons is not None
        assert decision.similarity is not None
        assert decision.reasons.exemplars[0].similarity <= decision.similarity + 1e-6
