"""The walk through a simulated site: who passes which camera from when to when.

Cameras stand on a grid and see neither each other's ground nor the ways between. People come alone
or in parties of two, walk along the grid from camera to camera, and come back after hours. Where
somebody of a party looks like the other, it is the hardest case: alike, at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.synthetic_walk import camera_position_m

STARTED_AT = 1_767_261_600.0
"""2026-01-01 10:00 UTC."""

_WAY_S_PER_M = 4.0
"""Cameras of the plan are 4 m apart; here they are some 16 s of walking."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How people move.

    Attributes:
        hours: Length of the day.
        passages_per_visit: Mean cameras that a person passes before leaving.
        visits_per_person: Mean visits, as far as there are people enough.
        party_share: Share of people who come with somebody.
        look_alike_share: Share of these whose companion is chosen for looking alike.
        together_share: Share of parties who also walk the same way together.
        missed_share: Passages that a camera misses.
        dwell_share: Ways with a stop, of two minutes on average.
    """

    hours: float = 10.0
    passages_per_visit: float = 5.0
    visits_per_person: float = 1.5
    party_share: float = 0.4
    look_alike_share: float = 0.5
    together_share: float = 0.5
    missed_share: float = 0.1
    dwell_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody in a camera's view.

    Attributes:
        person: Label of the data set.
        visit: 0, 1, … of that person.
        camera: Number of the camera.
        started_at: Unix seconds.
        ended_at: Unix seconds, later.
        companion: Who came with the person; None: nobody.
    """

    person: int
    visit: int
    camera: int
    started_at: float
    ended_at: float
    companion: int | None


@dataclass(frozen=True, slots=True)
class _Party:
    members: tuple[int, ...]
    is_together: bool


def way_s(one: int, other: int, num_cameras: int) -> float:
    """Seconds of walking between two cameras at ordinary speed, on the straight way."""
    first, second = (camera_position_m(number, num_cameras) for number in (one, other))
    return _WAY_S_PER_M * math.dist(first, second)


def neighbours(num_cameras: int) -> list[list[int]]:
    """By camera those that are next to it on the grid."""
    step = way_s(0, 1, num_cameras) if num_cameras > 1 else 0.0
    return [
        [o for o in range(num_cameras) if o != c and way_s(c, o, num_cameras) < 1.1 * step]
        for c in range(num_cameras)
    ]


def plan_walk(
    look_alikes: Mapping[int, list[int]],
    num_cameras: int,
    num_passages: int,
    habits: Habits,
    rng: np.random.Generator,
) -> list[Passage]:
    """Exactly so many passages, in order of their start.

    Args:
        look_alikes: Of each person there is, the others, those that look most alike first.
        num_cameras: From 2.
        num_passages: From 1.
        habits: How people move.
        rng: Decides all that is by chance.

    Raises:
        ValueError: Too few cameras or people.
    """
    if num_cameras < 2 or len(look_alikes) < 2:
        raise ValueError("a walk needs two cameras and two people at least")
    per_person = habits.passages_per_visit * habits.visits_per_person
    wanted = max(2, math.ceil(num_passages / per_person))
    parties = _parties(look_alikes, min(wanted, len(look_alikes)), habits, rng)
    num_people = sum(len(party.members) for party in parties)
    num_visits = num_passages / (habits.passages_per_visit * (1 - habits.missed_share)) / num_people
    visits: list[list[Passage]] = []
    while sum(map(len, visits)) < num_passages:
        num_visits *= 1.15
        visits = _visits(parties, num_visits, num_cameras, habits, rng)
    in_lot = [visits[i] for i in rng.permutation(len(visits))]
    passages = [passage for visit in in_lot for passage in visit][:num_passages]
    return sorted(passages, key=lambda p: (p.started_at, p.person))


def _parties(
    look_alikes: Mapping[int, list[int]], num_people: int, habits: Habits, rng: np.random.Generator
) -> list[_Party]:
    free = {int(person): None for person in rng.permutation(sorted(look_alikes))}
    parties: list[_Party] = []
    num_left = num_people
    while num_left > 0 and free:
        person = next(iter(free))
        del free[person]
        members = [person]
        # A party brings two people: half as many parties give the wanted share of people.
        if num_left > 1 and free and rng.random() < habits.party_share / (2 - habits.party_share):
            others = list(free)
            if rng.random() < habits.look_alike_share:
                others = [other for other in look_alikes[person] if other in free]
            members.append(others[0])
            del free[others[0]]
        parties.append(_Party(tuple(members), bool(rng.random() < habits.together_share)))
        num_left -= len(members)
    return parties


def _visits(
    parties: list[_Party],
    num_visits: float,
    num_cameras: int,
    habits: Habits,
    rng: np.random.Generator,
) -> list[list[Passage]]:
    """The visits of all people, `num_visits` of each on average."""
    ways = neighbours(num_cameras)
    visits: list[list[Passage]] = []
    for party in parties:
        count = int(num_visits) + int(rng.random() < num_visits % 1)
        # Slots of the day, so that visits of one person lie hours apart and never overlap.
        slot_s = 3600 * habits.hours / max(1, count)
        for visit in range(count):
            at = STARTED_AT + slot_s * (visit + rng.uniform(0, 0.5))
            routes = [_route(ways, habits, rng) for _ in party.members]
            for number, person in enumerate(party.members):
                route = routes[0] if party.is_together else routes[number]
                companion = next((p for p in party.members if p != person), None)
                start = at + float(rng.uniform(0, 3 if party.is_together else 60))
                walked = _walked(route, start, (num_cameras, habits), rng)
                visits.append(
                    [
                        Passage(person, visit, camera, started_at, ended_at, companion)
                        for camera, started_at, ended_at in walked
                        if ended_at < at + 0.5 * slot_s
                    ]
                )
    return visits


def _route(ways: list[list[int]], habits: Habits, rng: np.random.Generator) -> list[int]:
    """Cameras in order; nobody turns back unless there is no other way."""
    route = [int(rng.integers(len(ways)))]
    for _ in range(rng.poisson(habits.passages_per_visit - 1)):
        onward = [camera for camera in ways[route[-1]] if camera not in route[-2:]]
        route.append(int(rng.choice(onward or ways[route[-1]])))
    return route


def _walked(
    route: list[int], start: float, site: tuple[int, Habits], rng: np.random.Generator
) -> Iterator[tuple[int, float, float]]:
    """Camera, start and end of each passage that is not missed."""
    num_cameras, habits = site
    at = start
    pace = float(rng.uniform(0.8, 1.25))
    for place, camera in enumerate(route):
        if place:
            at += way_s(route[place - 1], camera, num_cameras) * pace * rng.lognormal(0, 0.15)
            if rng.random() < habits.dwell_share:
                at += rng.exponential(120.0)
        stay_s = float(np.clip(rng.lognormal(math.log(6.0), 0.4), 1.6, 40.0))
        if rng.random() >= habits.missed_share:
            yield camera, at, at + stay_s
        at += stay_s


def look_alike_table(means: Mapping[int, npt.NDArray[np.float32]]) -> dict[int, list[int]]:
    """Of each person all others, the most alike first.

    Args:
        means: By person the (D,) mean feature.

    Example:
        >>> table = look_alike_table({7: np.float32([1, 0]), 8: np.float32([0, 1]),
        ...                           9: np.float32([0.8, 0.6])})
        >>> table[7], table[8]
        ([9, 8], [9, 7])
    """
    persons = sorted(means)
    if not persons:
        return {}
    features = np.stack([means[person] for person in persons])
    features = features / np.linalg.norm(features, axis=1, keepdims=True)
    alike = features @ features.T
    np.fill_diagonal(alike, -np.inf)
    order = np.argsort(-alike, axis=1, kind="stable")[:, :-1]
    return {
        person: [persons[other] for other in row]
        for person, row in zip(persons, order.tolist(), strict=True)
    }
