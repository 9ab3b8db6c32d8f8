from __future__ import annotations

from itertools import islice

import numpy as np

from benchmarks.bench_matcher import Size, size_of
from benchmarks.bench_week import comers
from benchmarks.crowd import Crowd, decide_all
from matcher.matcher import Matcher, MatchPolicy
from matcher.topology import Topology


def crowd() -> Crowd:
    return Crowd(num_cameras=4, dim=64, per_window=2, seed=1)


def test_a_person_looks_alike_in_every_camera_and_others_do_not() -> None:
    people = crowd()

    one, again, other = people.passages(iter([3, 3, 5]))

    assert one.camera_id != again.camera_id
    assert float(one.feature @ again.feature) > 0.3
    assert abs(float(one.feature @ other.feature)) < 0.3


def test_all_tracklets_are_decided_window_by_window() -> None:
    people = crowd()
    matcher = Matcher(policy=MatchPolicy(), topology=Topology(people.camera_ids))

    num, seconds = decide_all(matcher, people.passages(iter(range(10))))

    assert num == 10
    assert len(seconds) == 5
    assert all(each >= 0 for each in seconds)


def test_comers_are_new_or_from_the_last_day() -> None:
    came = list(islice(comers(1000, seed=0), 5000))

    newest = np.maximum.accumulate(came)
    assert came[0] == 0
    assert (newest - came < 200).all()
    assert 800 < newest[-1] < 1200


def test_a_size_is_identities_times_exemplars() -> None:
    assert size_of("10x4") == Size(10, 4)
    assert size_of("7") == Size(7, 1)
