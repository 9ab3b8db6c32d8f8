from __future__ import annotations

import pytest

from matcher.connection import Connection
from matcher.decision import Decision
from matcher.decision_records import decode_decisions, encode_decisions
from matcher.errors import OtherMatcherError, RecordError
from matcher.event_log import EventLog
from matcher.keys import SiteKeys


def decision(number: int) -> Decision:
    return Decision(
        tracklet_id=f"cam1-1-{number}",
        version=1,
        camera_id="cam1",
        started_at=10.0,
        ended_at=11.0,
        is_final=False,
        identity_id=f"P{number}",
        is_new=True,
        is_first=True,
        similarity=None,
        probability=0.9,
        runner_up_id="P7",
        runner_up_probability=0.1,
        decided_at=12.0,
    )


@pytest.fixture
def log(connection: Connection) -> EventLog:
    return EventLog(connection, SiteKeys("shop"))


def fill(log: EventLog, num: int) -> None:
    for number in range(1, num + 1):
        log.append(number, encode_decisions([decision(number)]), 100.0 + number)


def test_decisions_come_back() -> None:
    decisions = (decision(1), decision(2))
    assert decode_decisions(encode_decisions(decisions)) == decisions
    assert decode_decisions(encode_decisions([])) == ()


def test_new_log_is_empty(log: EventLog) -> None:
    assert log.last_number() == 0
    assert list(log.read()) == []
    assert log.first_since(0.0) == 1
    assert log.trim(1e12) == 0


def test_events_are_read_in_order_from_anywhere(log: EventLog) -> None:
    fill(log, 600)  # more than a page
    assert [event.number for event in log.read()] == list(range(1, 601))
    assert [event.number for event in log.read(598)] == [599, 600]
    event = next(log.read(4))
    assert (event.number, event.written_at) == (5, 105.0)
    assert event.decisions == (decision(5),)


def test_append_may_be_repeated(log: EventLog) -> None:
    record = encode_decisions([decision(1)])
    log.append(1, record, 100.0)
    log.append(1, record, 200.0)
    assert [(e.number, e.written_at) for e in log.read()] == [(1, 100.0)]


def test_other_decisions_under_a_taken_number_are_refused(log: EventLog) -> None:
    log.append(1, encode_decisions([decision(1)]), 100.0)
    with pytest.raises(OtherMatcherError, match="event 1 was written by another matcher"):
        log.append(1, encode_decisions([decision(2)]), 100.0)
    assert len(list(log.read())) == 1


@pytest.mark.parametrize(
    ("moment", "number"), [(0.0, 1), (101.0, 1), (101.5, 2), (110.0, 10), (110.5, 11)]
)
def test_first_event_since_a_moment(log: EventLog, moment: float, number: int) -> None:
    fill(log, 10)
    assert log.first_since(moment) == number


def test_trimmed_events_are_gone_and_the_numbers_go_on(log: EventLog) -> None:
    fill(log, 10)
    assert log.trim(104.0) == 3
    assert [event.number for event in log.read()] == list(range(4, 11))
    assert log.first_since(0.0) == 4
    assert log.trim(1e12) == 7
    assert log.last_number() == 10
    log.append(11, encode_decisions([decision(11)]), 200.0)
    assert [event.number for event in log.read()] == [11]


def test_event_of_another_version_is_named(log: EventLog, connection: Connection) -> None:
    fill(log, 1)
    key = SiteKeys("shop").events
    connection.execute("XADD", key, "2-0", "written_at", "1.0", "decisions", b"rubbish")
    with pytest.raises(RecordError, match="event 2 of the store"):
        list(log.read())
