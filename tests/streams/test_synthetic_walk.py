"""The timed paths of people through the rooms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from streams.synthetic_room import build_room
from streams.synthetic_walk import (
    Visit,
    camera_position_m,
    plan_visits,
    travel_distance_m,
)


def _plan(
    seed: int, num_cameras: int = 4, num_people: int = 8, duration_s: float = 30.0
) -> list[Visit]:
    rooms = [
        build_room(index, (640, 360), np.random.default_rng(index)) for index in range(num_cameras)
    ]
    return plan_visits(rooms, num_people, duration_s, np.random.default_rng(seed))


def _by_person(visits: list[Visit]) -> dict[int, list[Visit]]:
    return {key: list(group) for key, group in itertools.groupby(visits, lambda v: v.person_id)}


@pytest.mark.parametrize("num_cameras", [2, 3, 4, 7])
def test_everybody_visits_two_cameras_whatever_the_seed(num_cameras: int) -> None:
    for seed in range(10):
        for visits in _by_person(_plan(seed, num_cameras)).values():
            # Two seconds after the first step they are in the picture.
            seen = {v.camera_index for v in visits if v.started_at_s + 2.0 < 30.0}
            assert len(seen) >= 2


def test_nobody_is_in_two_rooms_and_the_way_between_takes_time() -> None:
    for visits in _by_person(_plan(3, duration_s=120.0)).values():
        assert len(visits) >= 5
        for earlier, later in itertools.pairwise(visits):
            way = travel_distance_m(earlier.camera_index, later.camera_index, 4)
            assert later.started_at_s - earlier.ended_at_s >= way / 1.6 - 1e-6


def test_two_of_three_people_return_to_the_first_room() -> None:
    visits = _by_person(_plan(3, duration_s=60.0))
    returning = [v[0].camera_index == v[2].camera_index for v in visits.values()]
    assert returning == [True, False, True, True, False, True, True, False]


def test_people_walk_in_both_directions_and_by_the_door() -> None:
    turns = {round(math.degrees(v.stance(v.started_at_s).heading_rad)) for v in _plan(3) if v}  # type: ignore[union-attr]
    assert {0, 180} <= turns
    depths = [np.ptp(visit.path[:, 1]) for visit in _plan(3)]
    assert max(depths) > 3.0 > min(depths)


def test_stance_exists_during_the_visit_only() -> None:
    visit = Visit(0, 0, np.array([[0.0, 5.0], [3.0, 5.0]]), started_at_s=2.0, speed_m_s=1.5)
    assert visit.ended_at_s == pytest.approx(4.0)
    assert visit.stance(1.99) is None
    assert visit.stance(4.0) is None
    stance = visit.stance(3.0)
    assert stance is not None
    assert (stance.x_m, stance.y_m) == pytest.approx((1.5, 5.0))
    assert (stance.heading_rad, stance.effort) == (0.0, 1.0)


def test_stop_holds_the_place_and_the_legs() -> None:
    path = np.array([[0.0, 5.0], [3.0, 5.0]])
    visit = Visit(0, 0, path, 0.0, 1.5, stop_at_m=1.5, stop_s=2.0)
    assert visit.ended_at_s == pytest.approx(4.0)
    held = [visit.stance(at_s) for at_s in (1.0, 2.0, 2.9)]
    assert all(stance is not None and stance.x_m == pytest.approx(1.5) for stance in held)
    assert all(stance is not None and stance.effort == pytest.approx(0) for stance in held[1:])
    going = visit.stance(3.9)
    assert going is not None
    assert going.effort == 1.0


def test_nobody_is_planned_for_no_people() -> None:
    assert _plan(1, num_people=0) == []


def test_neighbours_in_number_are_neighbours_on_the_plan() -> None:
    assert [camera_position_m(index, 4) for index in range(4)] == [
        (2.0, 2.0), (6.0, 2.0), (6.0, 6.0), (2.0, 6.0)
    ]  # fmt: skip
    assert all(travel_distance_m(index, (index + 1) % 4, 4) == 4.0 for index in range(4))
    assert travel_distance_m(0, 0, 1) == 4.0
