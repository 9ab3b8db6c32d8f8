"""Tests of the ways between cameras."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matcher.errors import MatcherError
from matcher.topology import RETURN_ODDS, CameraPair, Topology
from matcher.travel_times import TravelTimes

CAMERAS = ["door", "hall", "yard"]


@dataclass(frozen=True)
class Seen:
    """A presence without a tracklet."""

    camera_id: str
    started_at: float
    ended_at: float
    is_final: bool = True
    tracklet_id: str = "x-1-1"


def topology(pair: CameraPair) -> Topology:
    return Topology(CAMERAS, [(("hall", "door"), pair)])


@pytest.mark.parametrize(
    ("pair", "gap_s", "is_excluded"),
    [
        pytest.param(CameraPair(), 0.0, False, id="no time is enough by default"),
        pytest.param(CameraPair(), -5.0, True, id="in both at once"),
        pytest.param(
            CameraPair(overlap=True), -5.0, False, id="in both at once where they overlap"
        ),
        pytest.param(CameraPair(min_s=10), 5.0, True, id="too fast"),
        pytest.param(CameraPair(min_s=10), 11.0, False, id="fast enough"),
        pytest.param(CameraPair(min_s=10), 9.9, False, id="within the clocks' tolerance"),
        pytest.param(CameraPair(max_s=60), 600.0, False, id="a late return excludes nothing"),
    ],
)
def test_travel_time_excludes(pair: CameraPair, gap_s: float, is_excluded: bool) -> None:
    leaves = Seen("door", 0.0, 100.0)
    comes = Seen("hall", 100.0 + gap_s, 200.0 + gap_s)

    assert topology(pair).excludes(leaves, comes) is is_excluded
    assert topology(pair).excludes(comes, leaves) is is_excluded


def test_nobody_is_twice_in_one_camera_at_one_time() -> None:
    one = Seen("door", 0.0, 10.0)

    assert topology(CameraPair()).excludes(one, Seen("door", 5.0, 15.0))
    assert not topology(CameraPair()).excludes(one, Seen("door", 10.0, 15.0))


def test_a_handover_between_two_tracks_may_overlap_a_little() -> None:
    one = Seen("door", 0.0, 10.0)

    assert not topology(CameraPair()).excludes(one, Seen("door", 9.9, 15.0))
    assert topology(CameraPair()).excludes(one, Seen("door", 9.0, 15.0))


def test_two_glimpses_in_one_frame_are_two_people() -> None:
    glimpse = Seen("door", 10.0, 10.0, tracklet_id="door-1-1")

    assert topology(CameraPair()).excludes(glimpse, Seen("door", 10.0, 10.0))
    assert topology(CameraPair()).excludes(glimpse, Seen("door", 0.0, 10.0))
    assert not topology(CameraPair()).excludes(glimpse, Seen("door", 10.1, 10.1))


def test_an_open_track_is_taken_to_be_still_there() -> None:
    open_track = Seen("door", 0.0, 10.0, is_final=False)

    assert topology(CameraPair()).excludes(open_track, Seen("door", 15.0, 16.0))
    assert topology(CameraPair()).excludes(open_track, Seen("hall", 15.0, 16.0))
    assert not topology(CameraPair(overlap=True)).excludes(open_track, Seen("hall", 15.0, 16.0))


def test_an_open_track_without_news_is_over_some_day() -> None:
    open_track = Seen("door", 0.0, 10.0, is_final=False)

    assert not topology(CameraPair()).excludes(open_track, Seen("door", 131.0, 140.0))


def test_open_tracks_of_a_former_life_of_the_tracker_are_over() -> None:
    """After a crash nobody closes them, and the person is found again at once."""
    cut_off = Seen("door", 0.0, 10.0, is_final=False, tracklet_id="door-1-7")
    after_restart = Seen("door", 10.5, 12.0, is_final=False, tracklet_id="door-2-1")

    assert not topology(CameraPair()).excludes(cut_off, after_restart)


@pytest.mark.parametrize(
    ("pair", "gap_s", "odds"),
    [
        pytest.param(CameraPair(min_s=5, max_s=60), 30.0, 1.0, id="usual"),
        pytest.param(CameraPair(min_s=5, max_s=60), 61.0, RETURN_ODDS, id="another visit"),
        pytest.param(CameraPair(is_possible=False, max_s=60), 30.0, 0.0, id="no direct way"),
        pytest.param(
            CameraPair(is_possible=False, max_s=60), 61.0, RETURN_ODDS, id="any way later"
        ),
    ],
)
def test_odds_of_a_direct_way(pair: CameraPair, gap_s: float, odds: float) -> None:
    leaves, comes = Seen("door", 0.0, 100.0), Seen("hall", 100.0 + gap_s, 300.0 + gap_s)

    assert topology(pair).direct_odds(leaves, comes) == odds
    assert topology(pair).direct_odds(comes, leaves) == odds


def test_pairs_hold_in_both_directions_and_others_have_the_default() -> None:
    known, default = CameraPair(min_s=3), CameraPair(overlap=True)
    ways = Topology(CAMERAS, [(("hall", "door"), known)], default)

    assert ways.pair("door", "hall") is known
    assert ways.pair("hall", "door") is known
    assert ways.pair("hall", "yard") is default
    assert ways.pair("hall", "a camera of last year") is default


def test_unknown_camera_is_refused_by_name() -> None:
    with pytest.raises(MatcherError, match=r"'cellar'.*door, hall, yard"):
        Topology(CAMERAS, [(("door", "cellar"), CameraPair())])


def test_pair_of_one_camera_is_refused() -> None:
    with pytest.raises(MatcherError, match="two different ones"):
        Topology(CAMERAS, [(("door", "door"), CameraPair())])


def test_pair_given_twice_is_refused() -> None:
    pairs = [(("door", "hall"), CameraPair()), (("hall", "door"), CameraPair(min_s=1))]
    with pytest.raises(MatcherError, match="given twice"):
        Topology(CAMERAS, pairs)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"min_s": 5.0, "max_s": 4.0}, id="least above most"),
        pytest.param({"min_s": -1.0}, id="negative"),
        pytest.param({"min_s": float("nan")}, id="not a number"),
        pytest.param({"overlap": True, "is_possible": False}, id="overlap but impossible"),
        pytest.param({"overlap": True, "min_s": 3.0}, id="overlap but takes time"),
    ],
)
def test_contradictory_pair_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"min_s|impossible"):
        CameraPair(**values)  # type: ignore[arg-type]


def test_learned_travel_times_make_links_less_likely_and_rule_nothing_in_or_out() -> None:
    travel_times = TravelTimes(CAMERAS)
    told = topology(CameraPair(is_possible=False, max_s=60.0))
    ways = told.learning(travel_times)
    travel_times._met.add(0.0, (0, 2, 12), 500)  # door and yard, some 30 s
    travel_times.refresh(0.0)

    leaves = Seen("door", 0.0, 100.0)
    assert ways.direct_odds(leaves, Seen("hall", 130.0, 140.0)) == 0.0
    assert 0 < ways.direct_odds(leaves, Seen("yard", 130.0, 140.0)) < 0.05
    assert told.direct_odds(leaves, Seen("yard", 130.0, 140.0)) == 1.0
    assert ways.excludes(leaves, Seen("yard", 90.0, 95.0))
    assert ways.pair("door", "hall") is told.pair("door", "hall")


times = st.floats(0, 1000)
presences = st.builds(
    lambda camera, start, length, final, number: Seen(
        camera, start, start + length, final, f"{camera}-1-{number}"
    ),
    st.sampled_from(CAMERAS),
    times,
    times,
    st.booleans(),
    st.integers(1, 9),
)


@settings(deadline=None)
@given(presences, presences)
def test_exclusion_and_odds_do_not_depend_on_the_order(one: Seen, other: Seen) -> None:
    assume(one.tracklet_id != other.tracklet_id)
    ways = Topology(CAMERAS, [(("door", "hall"), CameraPair(5.0, 50.0))])

    assert ways.excludes(one, other) == ways.excludes(other, one)
    if one.camera_id != other.camera_id:
        assert ways.direct_odds(one, other) == ways.direct_odds(other, one)
