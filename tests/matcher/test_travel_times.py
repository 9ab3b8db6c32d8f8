"""Tests of learning how long people are on the way, and how many others it might be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.aging_counts import DAY_S
from matcher.decision import Decision
from matcher.travel_times import (
    NUM_SPANS,
    LearnedWay,
    TravelTimes,
    _span,
    _spans,
    pair_shares,
    site_shares,
)

CAMERAS = ["door", "hall", "yard"]


@dataclass(frozen=True)
class Seen:
    """A presence without a tracklet."""

    camera_id: str
    started_at: float
    ended_at: float
    is_final: bool = True
    tracklet_id: str = "x-1-1"


def final(number: int, who: str, camera_id: str, start: float, length: float = 2.0) -> Decision:
    """The final decision of a tracklet."""
    return Decision(
        tracklet_id=f"{camera_id}-1-{number}",
        version=1,
        camera_id=camera_id,
        started_at=start,
        ended_at=start + length,
        is_final=True,
        identity_id=who,
        is_new=False,
        is_first=True,
        similarity=0.9,
        probability=0.99,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=start + length,
    )


def walked(num_people: int, *, gap_s: float = 10.0, is_sure: bool = True) -> TravelTimes:
    """People who go from the door to the hall in that time, one every 30 s."""
    times = TravelTimes(CAMERAS)
    for number in range(num_people):
        start = 30.0 * number
        times.learn(final(2 * number, f"P{number}", "door", start), is_sure=False)
        comes = final(2 * number + 1, f"P{number}", "hall", start + 2 + gap_s)
        times.learn(comes, is_sure=is_sure)
    times.refresh(30.0 * num_people)
    return times


def odds(times: TravelTimes, first: str, second: str, gap_s: float) -> float:
    return times.odds(Seen(first, 0.0, 100.0), Seen(second, 100.0 + gap_s, 200.0 + gap_s))


def test_nothing_is_known_at_the_beginning() -> None:
    times = TravelTimes(CAMERAS)

    assert odds(times, "door", "hall", 10.0) == 1.0
    assert odds(times, "door", "hall", 1e6) == 1.0
    assert times.way("door", "hall") is None


def test_the_way_that_people_take_in_the_time_that_they_take_is_likely() -> None:
    times = walked(40)

    assert odds(times, "door", "hall", 10.0) > 0.8
    assert odds(times, "door", "hall", 700.0) < 0.1
    assert odds(times, "door", "hall", 700.0) > 0


def test_ways_are_learned_one_by_one_and_in_one_direction() -> None:
    times = walked(40)

    assert odds(times, "hall", "door", 16.0) < 0.2  # the next arrival at the door: somebody else
    assert times.way("hall", "door") is None


def test_what_is_learned_holds_from_the_refresh_on() -> None:
    times = TravelTimes(CAMERAS)
    assert odds(times, "door", "door", 1000.0) == 1.0
    for number in range(40):
        times.learn(final(number, f"P{number}", "door", 30.0 * number), is_sure=False)
    assert odds(times, "door", "door", 1000.0) == 1.0

    times.refresh(1200.0)

    assert odds(times, "door", "door", 1000.0) < 0.2


def test_links_that_are_not_sure_do_not_teach() -> None:
    times = walked(40, is_sure=False)

    assert times.way("door", "hall") is None
    assert odds(times, "door", "hall", 10.0) < 0.2


def test_the_more_it_might_be_the_less_likely_each_is() -> None:
    few, many = TravelTimes(CAMERAS), TravelTimes(CAMERAS)
    for times, crowd in ((few, 1), (many, 20)):
        for number in range(40):
            for other in range(crowd):
                who = f"P{number}.{other}"
                times.learn(final(number, who, "door", 300.0 * number), is_sure=False)
            back = final(99, f"P{number}.0", "hall", 300.0 * number + 12)
            times.learn(back, is_sure=True)
        times.refresh(1e5)

    assert odds(many, "door", "hall", 10.0) < 0.2 * odds(few, "door", "hall", 10.0)


def test_travel_times_are_told() -> None:
    way = walked(40, gap_s=10.0).way("door", "hall")

    assert way is not None
    assert (way.num_links, way.num_returns) == (40, 0)
    assert way.low_s is not None
    assert way.median_s == pytest.approx(10.0, rel=0.2)
    assert way.high_s is not None
    assert 8.0 <= way.low_s <= way.high_s <= 11.4  # a span of half an octave


def test_returns_are_no_travel_time() -> None:
    way = walked(5, gap_s=7200.0).way("door", "hall")

    assert way == LearnedWay(0, 5, None, None, None)


def test_people_in_two_views_at_once_have_no_travel_time() -> None:
    times = TravelTimes(CAMERAS)
    for number in range(20):
        start = 100.0 * number
        times.learn(final(2 * number, f"P{number}", "door", start, 10.0), is_sure=False)
        comes = final(2 * number + 1, f"P{number}", "hall", start + 5, 10.0)
        times.learn(comes, is_sure=True)
    times.refresh(2000.0)

    way = times.way("door", "hall")
    assert way is not None
    assert (way.num_links, way.median_s) == (20, 0.0)
    still_there = Seen("door", 0.0, 100.0, is_final=False)
    assert times.odds(still_there, Seen("hall", 110.0, 120.0)) == odds(times, "door", "hall", -5.0)


def test_wrong_links_are_forgotten_after_some_days() -> None:
    times = walked(40)
    times.refresh(10 * DAY_S)

    assert times.way("door", "hall") is None
    assert odds(times, "door", "hall", 700.0) == 1.0


def test_who_is_folded_forgotten_or_expired_is_not_met_again() -> None:
    def met(times: TravelTimes) -> int:
        before = int(times._met.total.sum())
        times.learn(final(9, "P9", "yard", 5000.0), is_sure=False)
        return int(times._met.total.sum()) - before

    assert met(walked(10)) == 10
    folded, forgotten, expired = walked(10), walked(10), walked(10)
    folded.fold("P1", "P2")
    forgotten.forget(["P1", "hall-1-3"])
    expired.expire(100.0)

    assert (met(folded), met(forgotten), met(expired)) == (9, 9, 7)


def test_other_cameras_are_ignored() -> None:
    times = TravelTimes(CAMERAS)
    times.learn(final(1, "P1", "cellar", 0.0), is_sure=True)

    assert odds(times, "cellar", "door", 10.0) == 1.0


def test_a_sample_of_arrivals_stands_for_all_where_many_are_known() -> None:
    times = TravelTimes(["a"])
    for number in range(6000):
        times._last_seen.note(f"P{number}", 0, 0.0, 1.0)
    for number in range(400):
        times.learn(final(number, "P0", "a", 100.0), is_sure=False)

    assert times._met.total.sum() == pytest.approx(400 * 6000, rel=0.2)


def test_shares_are_those_of_a_plain_loop() -> None:
    """Independent derivation, without smoothing: counts that do not change from span to span."""
    links, met = np.full(NUM_SPANS, 3), np.full(NUM_SPANS, 60)
    site = site_shares(10 * links, 20 * met)
    pair = pair_shares(links, met, site)

    assert site == pytest.approx([(30 + 2) / (1200 + 4)] * NUM_SPANS)
    expected = 60 * site[0]
    band = (9 * 3 + 3) / (9 * expected + 3)
    assert pair == pytest.approx([site[0] * (3 + 3 * band) / (expected + 3)] * NUM_SPANS)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=NUM_SPANS, max_size=NUM_SPANS), st.integers(0, 1000))
def test_shares_are_probabilities(links: list[int], others: int) -> None:
    counts = np.array(links)
    site = site_shares(counts, counts + others)

    for shares in (
        site,
        pair_shares(counts, counts + others, site),
        pair_shares(counts, counts, site),
    ):
        assert ((shares > 0) & (shares < 1)).all()


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_spans_of_many_are_those_of_each(gaps_s: list[float]) -> None:
    assert _spans(np.array(gaps_s)).tolist() == [_span(gap_s) for gap_s in gaps_s]
