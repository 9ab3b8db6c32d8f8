"""Tests of where an identity was."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.occupancy import Occupancy
from matcher.topology import RETURN_ODDS, CameraPair, Topology

WAYS = Topology(
    ["door", "hall", "yard"],
    [
        (("door", "hall"), CameraPair(min_s=5.0, max_s=60.0)),
        (("hall", "yard"), CameraPair(overlap=True)),
        (("door", "yard"), CameraPair(is_possible=False, max_s=60.0)),
    ],
)


@dataclass(frozen=True)
class Seen:
    """A presence without a tracklet."""

    tracklet_id: str
    camera_id: str
    started_at: float
    ended_at: float
    is_final: bool = True


def occupancy(*presences: Seen) -> Occupancy:
    known = Occupancy()
    for presence in presences:
        known.add(presence)
    return known


def test_who_was_nowhere_can_be_anywhere() -> None:
    assert Occupancy().odds(Seen("a", "door", 0.0, 1.0), WAYS) == 1.0


def test_who_is_in_a_camera_is_not_there_twice() -> None:
    known = occupancy(Seen("a", "door", 0.0, 10.0), Seen("b", "door", 50.0, 60.0))

    assert known.odds(Seen("c", "door", 5.0, 15.0), WAYS) == 0.0
    assert known.odds(Seen("c", "door", 45.0, 52.0), WAYS) == 0.0
    assert known.odds(Seen("c", "door", 20.0, 30.0), WAYS) == 1.0


def test_who_is_in_a_camera_is_not_elsewhere_without_overlap() -> None:
    known = occupancy(Seen("a", "hall", 0.0, 10.0))

    assert known.odds(Seen("c", "door", 5.0, 6.0), WAYS) == 0.0
    assert known.odds(Seen("c", "yard", 5.0, 6.0), WAYS) == 1.0


def test_who_just_left_has_not_arrived_too_soon() -> None:
    known = occupancy(Seen("a", "door", 0.0, 10.0))

    assert known.odds(Seen("c", "hall", 12.0, 20.0), WAYS) == 0.0
    assert known.odds(Seen("c", "hall", 16.0, 20.0), WAYS) == 1.0
    assert known.odds(Seen("c", "hall", 600.0, 601.0), WAYS) == RETURN_ODDS


def test_only_the_last_camera_before_must_have_a_direct_way() -> None:
    known = occupancy(Seen("a", "door", 0.0, 10.0), Seen("b", "hall", 20.0, 30.0))

    assert occupancy(Seen("a", "door", 0.0, 10.0)).odds(Seen("c", "yard", 31.0, 40.0), WAYS) == 0
    assert known.odds(Seen("c", "yard", 31.0, 40.0), WAYS) == 1.0


def test_what_comes_late_must_fit_before_what_is_known() -> None:
    known = occupancy(Seen("a", "hall", 100.0, 110.0))

    assert known.odds(Seen("c", "door", 90.0, 98.0), WAYS) == 0.0
    assert known.odds(Seen("c", "door", 80.0, 94.0), WAYS) == 1.0


def test_a_tracklet_is_not_in_its_own_way() -> None:
    known = occupancy(Seen("a", "door", 0.0, 10.0))

    assert known.odds(Seen("a", "door", 0.0, 20.0), WAYS) == 1.0


def test_a_removed_presence_is_forgotten() -> None:
    first, second = Seen("a", "door", 0.0, 10.0), Seen("b", "door", 20.0, 30.0)
    known = occupancy(first, second)

    known.remove(first)

    assert known.odds(Seen("c", "door", 5.0, 15.0), WAYS) == 1.0
    assert known.odds(Seen("c", "door", 25.0, 35.0), WAYS) == 0.0
    known.remove(second)
    assert known.odds(Seen("c", "door", 25.0, 35.0), WAYS) == 1.0


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["door", "hall", "yard"]), st.integers(0, 60)), max_size=12),
    st.sampled_from(["door", "hall", "yard"]),
    st.integers(0, 60),
)
def test_neighbours_say_the_same_as_all_presences(
    places: list[tuple[str, int]], camera_id: str, start: int
) -> None:
    """Independent derivation: compare with every presence, instead of the neighbours."""
    presences: list[Seen] = []
    for number, (place, begin) in enumerate(places):
        seen = Seen(f"{place}-1-{number}", place, 10.0 * begin, 10.0 * begin + 8.0)
        if not any(WAYS.excludes(seen, other) for other in presences):
            presences.append(seen)
    asked = Seen("q-1-0", camera_id, 10.0 * start + 3.0, 10.0 * start + 9.0)

    is_possible = occupancy(*presences).odds(asked, WAYS) > 0

    if any(WAYS.excludes(asked, other) for other in presences):
        assert not is_possible
    elif camera_id == "hall":
        assert is_possible  # all its ways are possible
