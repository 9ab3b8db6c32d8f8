"""Histories, and who was who at an earlier moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher.correction import Alias, Correction, Effects, Move, cannot, must
from matcher.store import FeatureStore
from matcher.tracklet import Tracklet
from query.as_of import identities_at, who_at
from query.errors import QueryError, UnknownIdError
from query.explanation import explain
from query.history import audit_log, described, history_of
from query.trajectory import trajectory_of

AddSighting = Callable[..., Tracklet]

START_AT = 1_767_261_600.0


def merge(store: FeatureStore, ending: str, into: str, tracklet: Tracklet) -> int:
    effects = Effects(
        moves=(Move(tracklet.tracklet_id, ending, into),), merged=(Alias(ending, into),)
    )
    return store.correct(Correction("merge", (ending, into), "ann", "coat", 1.0, effects))


@pytest.fixture
def merged(store: FeatureStore, add_sighting: AddSighting) -> FeatureStore:
    """P1 in cam1, P2 in cam2, then P2 becomes part of P1."""
    add_sighting("P1", "cam1", 0)
    tracklet = add_sighting("P2", "cam2", 10)
    assert merge(store, "P2", "P1", tracklet) == 3
    return store


def test_trajectory_of_a_merged_id_is_that_of_the_other(merged: FeatureStore) -> None:
    way = trajectory_of(merged, "P2")
    assert way.identity_id == "P1"
    assert [s.camera_id for s in way.sightings] == ["cam1", "cam2"]


def test_trajectory_as_of_an_event(merged: FeatureStore) -> None:
    assert [s.camera_id for s in trajectory_of(merged, "P2", as_of=2).sightings] == ["cam2"]
    assert trajectory_of(merged, "P2", as_of=3).identity_id == "P1"
    assert trajectory_of(merged, "P2", as_of=START_AT + 60.0).identity_id == "P1"
    assert trajectory_of(merged, "P1", as_of=3, until=START_AT + 5).transitions == ()
    with pytest.raises(UnknownIdError, match="no identity 'P2' at that moment"):
        trajectory_of(merged, "P2", as_of=1)


def test_identities_as_of_an_event(merged: FeatureStore) -> None:
    assert identities_at(merged, 0) == []
    assert [i.identity_id for i in identities_at(merged, 2)] == ["P1", "P2"]
    assert [i.identity_id for i in identities_at(merged, 2, since=START_AT + 5)] == ["P2"]
    assert [i.identity_id for i in identities_at(merged, 2, until=START_AT + 5)] == ["P1"]
    assert identities_at(merged, 3) == merged.identities()


def test_event_that_is_not_there_yet_is_refused(merged: FeatureStore) -> None:
    with pytest.raises(QueryError, match="no event 4 yet; the last one has number 3"):
        who_at(merged, 4)


def test_moment_of_which_the_events_are_gone_is_refused(merged: FeatureStore) -> None:
    merged._events.trim(START_AT + 61)
    add_event = Correction("separate", (), "ann", "", 1.0)
    merged._last_event = None
    merged.correct(add_event)
    with pytest.raises(QueryError, match="up to number 2 are not kept"):
        who_at(merged, 2)


def test_history_and_audit_log(merged: FeatureStore) -> None:
    assert [(line.event, line.kind, line.by) for line in history_of(merged, "P1")] == [
        (1, "founded", "matcher"),
        (2, "founded", "matcher"),
        (3, "merge", "ann"),
    ]
    (line,) = audit_log(merged)
    assert (line.what, line.why) == ("P2 into P1, 1 tracklet", "coat")
    assert list(audit_log(merged, until=START_AT)) == []
    assert list(audit_log(merged, since=START_AT + 61)) == []


@pytest.mark.parametrize(
    ("correction", "text"),
    [
        (
            Correction(
                "split",
                (),
                "a",
                "",
                1.0,
                Effects(moves=tuple(Move(f"c-1-{n}", "P1", "P4") for n in range(6))),
            ),
            "c-1-0 c-1-1 c-1-2 c-1-3 and 2 more: P1 to P4",
        ),
        (
            Correction("confirm", (), "a", "", 1.0, Effects(imposed=(must("c-1-1", "P1"),))),
            "c-1-1 is P1",
        ),
        (
            Correction("separate", (), "a", "", 1.0, Effects(imposed=(cannot("P1", "P2"),))),
            "P1 and P2 are two",
        ),
        (Correction("undo", (), "a", "", 1.0, undoes=7), "event 7, 0 tracklets"),
        (Correction("forgotten", ("P7", "P9"), "a", "", 1.0), "P7 P9"),
    ],
    ids=lambda value: value.kind if isinstance(value, Correction) else "",
)
def test_corrections_in_words(correction: Correction, text: str) -> None:
    assert described(correction) == text


def test_explanation(merged: FeatureStore) -> None:
    tracklet_id = merged.sightings("P1")[1].tracklet_id
    found = explain(merged, tracklet_id)
    assert (found.sighting.identity_id, found.sighting.corrected_by) == ("P1", 3)
    assert found.margin is None
    assert found.constraints == ()
    assert [line.event for line in found.corrections] == [3]
    with pytest.raises(UnknownIdError, match="no sighting"):
        explain(merged, "cam1-1-99999")
