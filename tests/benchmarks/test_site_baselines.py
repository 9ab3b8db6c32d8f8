from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.crop_features import CropFeatures
from benchmarks.site_baselines import (
    Floats,
    Grouping,
    baselines,
    excluded_pairs,
    greedy,
    offline,
    running_mean,
)
from benchmarks.site_scores import score_site
from benchmarks.site_simulator import SiteSize, simulate
from matcher.topology import Topology


def directions(*degrees: float) -> Floats:
    """Unit vectors of the plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def cosine(degrees: float) -> float:
    return math.cos(math.radians(degrees))


@pytest.mark.parametrize(
    ("method", "expected"),
    [(greedy, [0, 0, 0]), (running_mean, [0, 0, 1])],
    ids=["greedy goes from one to the next", "the mean stays behind"],
)
def test_a_chain_of_likeness(method: Callable[[Floats], Grouping], expected: list[int]) -> None:
    """At 0, 20 and 40 degrees: the third is 20 from the second, 30 from the mean of both."""
    assert method(directions(0, 20, 40))(cosine(25)).tolist() == expected


def test_greedy_takes_the_nearest_and_founds_an_identity_for_the_rest() -> None:
    found = greedy(directions(0, 50, 40, 180))(cosine(20))

    assert found.tolist() == [0, 1, 1, 2]


def test_offline_joins_by_the_mean_distance_whatever_the_order() -> None:
    """0 and 20 are 0.060 apart; 40 is 0.234 and 0.060 from them, 0.147 on average."""
    for order in ([0, 1, 2], [2, 0, 1]):
        found = offline(directions(0, 20, 40)[order])(1 - 0.1)
        by_angle = dict(zip(order, found.tolist(), strict=True))
        assert by_angle[0] != by_angle[2]
        assert len(set(by_angle.values())) == 2
        assert len(set(offline(directions(0, 20, 40)[order])(1 - 0.16).tolist())) == 1


def test_offline_keeps_apart_who_cannot_be_one() -> None:
    found = offline(directions(0, 0, 90), [(0, 1)])(0.5)

    assert len(set(found.tolist())) == 3


@pytest.mark.parametrize("method", [greedy, running_mean, offline])
@pytest.mark.parametrize("num", [0, 1])
def test_nobody_or_one_is_no_trouble(method: Callable[[Floats], Grouping], num: int) -> None:
    assert method(directions(0)[:num])(0.5).tolist() == [0] * num


def test_people_who_are_easy_to_tell_apart_are_told_apart_by_all(people: CropFeatures) -> None:
    site = simulate(people, "test", SiteSize(4, 150), 0)

    for baseline in baselines():
        found = baseline.prepare(site)(0.62)
        score = score_site(site.persons, found, np.ones(len(found)))
        assert score.idf1 > 0.7, baseline.name


def test_tracklets_at_one_time_exclude_each_other(people: CropFeatures) -> None:
    site = simulate(people, "test", SiteSize(4, 150), 0)
    topology = Topology(site.camera_ids)
    finals = [each.final for each in site.tracklets]

    found = {frozenset(pair) for pair in excluded_pairs(site, topology)}

    wanted = {
        frozenset((one, other))
        for one in range(len(finals))
        for other in range(one)
        if topology.excludes(finals[one], finals[other])
    }
    assert found == wanted
    assert all(site.persons[a] != site.persons[b] for a, b in map(tuple, found))
