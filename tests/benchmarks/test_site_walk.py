from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.site_walk import Habits, Passage, look_alike_table, neighbours, plan_walk, way_s

PEOPLE = {person: [o for o in range(30) if o != person] for person in range(30)}


def walk(num_passages: int, habits: Habits | None = None, seed: int = 0) -> list[Passage]:
    rng = np.random.default_rng(seed)
    return plan_walk(PEOPLE, 16, num_passages, habits or Habits(), rng)


def by_person(passages: list[Passage]) -> list[list[Passage]]:
    people = {passage.person for passage in passages}
    return [[p for p in passages if p.person == person] for person in sorted(people)]


@pytest.mark.parametrize("num", [1, 50, 400])
def test_a_walk_has_exactly_the_wanted_passages(num: int) -> None:
    assert len(walk(num)) == num


def test_nobody_is_in_two_cameras_at_once() -> None:
    for passages in by_person(walk(400)):
        for one, other in pairwise(passages):
            assert one.ended_at < other.started_at


def test_people_walk_from_neighbour_to_neighbour_and_need_time_for_it() -> None:
    ways = neighbours(16)

    passages = walk(400, replace(Habits(), missed_share=0))

    for mine in by_person(passages):
        for one, other in pairwise(mine):
            if one.visit == other.visit:
                assert other.camera in ways[one.camera]
                assert other.started_at - one.ended_at > way_s(one.camera, other.camera, 16) / 2


def test_people_return_after_a_while() -> None:
    returns = [
        other.started_at - one.ended_at
        for mine in by_person(walk(400))
        for one, other in pairwise(mine)
        if one.visit != other.visit
    ]

    assert returns
    assert min(returns) > 600


def test_a_look_alike_comes_at_the_same_time() -> None:
    habits = replace(Habits(), party_share=1.0, look_alike_share=1.0, missed_share=0)
    alike = {
        person: [person ^ 1] + [o for o in range(30) if o // 2 != person // 2]
        for person in range(30)
    }

    passages = plan_walk(alike, 16, 200, habits, np.random.default_rng(0))

    visits: dict[tuple[int, int], float] = {}
    for passage in passages:
        visits.setdefault((passage.person, passage.visit), passage.started_at)
    partners = {(p.person, p.companion) for p in passages if p.companion is not None}
    assert partners
    assert all(person ^ 1 == companion for person, companion in partners)
    gaps = [
        abs(at - visits[person ^ 1, visit])
        for (person, visit), at in visits.items()
        if (person ^ 1, visit) in visits
    ]
    assert gaps
    assert max(gaps) <= 63


def test_missed_passages_leave_gaps_in_the_way() -> None:
    ways = neighbours(16)

    passages = walk(400, replace(Habits(), missed_share=0.3))

    steps = [
        (one.camera, other.camera)
        for mine in by_person(passages)
        for one, other in pairwise(mine)
        if one.visit == other.visit
    ]
    assert any(other not in ways[one] for one, other in steps)


def test_the_same_seed_gives_the_same_walk_and_another_one_another() -> None:
    assert walk(100, seed=3) == walk(100, seed=3)
    assert walk(100, seed=3) != walk(100, seed=4)


def test_a_corner_camera_has_two_neighbours_and_an_inner_one_four() -> None:
    assert sorted(len(others) for others in neighbours(16)) == [2] * 4 + [3] * 8 + [4] * 4


def test_a_walk_of_one_camera_is_refused() -> None:
    with pytest.raises(ValueError, match="two cameras"):
        plan_walk(PEOPLE, 1, 10, Habits(), np.random.default_rng(0))


def test_of_nobody_there_are_no_look_alikes() -> None:
    assert look_alike_table({}) == {}
