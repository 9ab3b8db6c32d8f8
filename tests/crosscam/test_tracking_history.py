from __future__ import annotations

import pytest

from crosscam.tracking_history import Placement, placements
from matcher.correction import MATCHER, Correction, Effects, Move
from matcher.decision import Decision
from matcher.event_log import StoreEvent


def decided(identity_id: str, at: float, version: int) -> Decision:
    return Decision(
        tracklet_id="cam1-1-1",
        version=version,
        camera_id="cam1",
        started_at=0.0,
        ended_at=at,
        is_final=False,
        identity_id=identity_id,
        is_new=version == 1,
        is_first=version == 1,
        similarity=None,
        probability=1.0,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=at,
    )


def merged(by: str, *, is_automatic: bool) -> Correction:
    move = Move("cam1-1-1", "P2", "P1")
    return Correction(
        "merge", ("P2", "P1"), by, "alike", 9.0, Effects((move,)), is_automatic=is_automatic
    )


def test_decisions_and_what_the_matcher_corrected_come_in_order() -> None:
    events = [
        StoreEvent(1, 100.0, (decided("P2", 1.5, 1),)),
        StoreEvent(2, 101.0, (decided("P2", 4.0, 2),)),
        StoreEvent(3, 102.0, correction=merged(MATCHER, is_automatic=True)),
    ]

    assert list(placements(events)) == [
        Placement("cam1-1-1", "P2", 1.5, is_first=True),
        Placement("cam1-1-1", "P2", 4.0, is_first=False),
        Placement("cam1-1-1", "P1", 9.0, is_first=False),
    ]


@pytest.mark.parametrize(
    "events", [[], [StoreEvent(1, 1.0, correction=merged("ada", is_automatic=False))]]
)
def test_nothing_and_an_operators_work_give_nothing(events: list[StoreEvent]) -> None:
    assert list(placements(events)) == []
