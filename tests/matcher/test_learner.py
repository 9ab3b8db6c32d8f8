"""Tests of what the matcher learns of its site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.calibration import Calibration
from matcher.decision import Decision
from matcher.learner import LEARN_EVERY_S, Learner
from matcher.topology import Topology
from matcher.tracklet import TrackBoxes, Tracklet

CALIBRATION = Calibration(0.4, 30.0, 0.45, 0.1)
SPACE = "test:1"


def pair(
    number: int, who: str, camera_id: str, start: float, *, similarity: float | None = 0.9
) -> tuple[Decision, Tracklet]:
    """A final tracklet of two seconds, with its decision."""
    tracklet = Tracklet(
        tracklet_id=f"{camera_id}-1-{number}",
        version=1,
        camera_id=camera_id,
        started_at=start,
        ended_at=start + 2,
        emitted_at=start + 2,
        boxes=TrackBoxes(
            np.array([0]), np.array([start]), np.ones((1, 4), np.float32), np.ones(1, np.float32)
        ),
        feature=np.array([1, 0], np.float32),
        quality=0.5,
        space=SPACE,
        is_final=True,
        thumbnails=(b"jpeg",),
    )
    decision = Decision(
        tracklet_id=tracklet.tracklet_id,
        version=1,
        camera_id=camera_id,
        started_at=start,
        ended_at=start + 2,
        is_final=True,
        identity_id=who,
        is_new=False,
        is_first=True,
        similarity=similarity,
        probability=0.99,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=start + 2,
    )
    return decision, tracklet


@pytest.fixture
def learner() -> Learner:
    return Learner(Topology(["a", "b"]), lambda _: CALIBRATION)


def num_links(learner: Learner) -> int:
    way = learner.travel_times.way("a", "b")
    return 0 if way is None else way.num_links


def test_a_final_decision_teaches_from_the_next_minute_on(learner: Learner) -> None:
    for decision, tracklet in (pair(1, "P1", "a", 10.0), pair(1, "P1", "b", 20.0)):
        learner.advance(decision.decided_at)
        learner.observe(decision, tracklet)
    learner.advance(LEARN_EVERY_S - 1)
    assert num_links(learner) == 0

    learner.advance(LEARN_EVERY_S)

    assert num_links(learner) == 1
    assert learner.spaces == [SPACE]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"is_final": False}, id="not final"),
        pytest.param({"similarity": None}, id="founded"),
        pytest.param({"similarity": 0.42}, id="place and time alone"),
        pytest.param({"runner_up_id": "P2", "runner_up_probability": 0.95}, id="ambiguous"),
    ],
)
def test_what_is_not_sure_does_not_teach(learner: Learner, changes: dict[str, object]) -> None:
    learner.observe(*pair(1, "P1", "a", 10.0))
    decision, tracklet = pair(1, "P1", "b", 20.0)
    learner.observe(replace(decision, **changes), tracklet)  # type: ignore[arg-type]
    learner.advance(99.0)

    assert num_links(learner) == 0


def test_two_at_one_time_teach_how_alike_people_are(learner: Learner) -> None:
    learner.observe(*pair(1, "P1", "a", 10.0))
    learner.observe(*pair(1, "P2", "b", 10.5))
    learner.advance(99.0)

    assert learner.people(SPACE).counts.sum() == 1


def test_the_order_within_a_minute_does_not_matter_nor_does_a_step_back(learner: Learner) -> None:
    other = Learner(Topology(["a", "b"]), lambda _: CALIBRATION)
    taught = [pair(n, f"P{n % 3}", "ab"[n % 2], 7.0 * n) for n in range(8)]
    for decision, tracklet in taught:
        learner.observe(decision, tracklet)
    for decision, tracklet in reversed(taught):
        other.observe(decision, tracklet)
    for each in (learner, other):
        each.advance(99.0)
        each.advance(50.0)
        each.observe(*pair(50, "P1", "a", 60.0))
        each.advance(121.0)

    assert (learner.travel_times._met.total == other.travel_times._met.total).all()
    assert (learner.travel_times._links.total == other.travel_times._links.total).all()
    assert (learner.people(SPACE).counts == other.people(SPACE).counts).all()
    assert learner.travel_times.way("a", "b") == other.travel_times.way("a", "b")


def test_who_is_forgotten_does_not_teach_any_more(learner: Learner) -> None:
    learner.observe(*pair(1, "P1", "a", 10.0))
    learner.observe(*pair(1, "P2", "b", 10.5))
    learner.observe(*pair(2, "P1", "b", 20.0))

    learner.forget(["P1"])
    learner.advance(99.0)

    assert num_links(learner) == 0
    assert learner.people(SPACE).counts.sum() == 0
    assert [w.tracklet_id for w in learner.people(SPACE)._recent] == ["b-1-1"]


def test_two_identities_that_were_one_are_met_once(learner: Learner) -> None:
    learner.observe(*pair(1, "P1", "a", 10.0))
    learner.observe(*pair(2, "P2", "a", 15.0))
    learner.advance(60.0)

    learner.fold("P2", "P1")
    learner.observe(*pair(3, "P3", "b", 100.0))
    learner.advance(120.0)

    assert learner.travel_times._met.total[0, 1].sum() == 1


def test_who_expired_is_not_met(learner: Learner) -> None:
    learner.observe(*pair(1, "P1", "a", 10.0))
    learner.advance(60.0)

    learner.expire(50.0)
    learner.observe(*pair(3, "P3", "b", 100.0))
    learner.advance(120.0)

    assert learner.travel_times._met.total.sum() == 0
