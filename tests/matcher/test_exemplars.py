"""Tests of choosing the features that stand for an identity."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.decision import Decision
from matcher.exemplars import Member, choose_exemplars


def member(name: str, angle: float, *, quality: float = 0.5, started_at: float = 0.0) -> Member:
    """A tracklet of the camera that its name begins with; features differ by an angle."""
    decision = Decision(
        tracklet_id=name,
        version=1,
        camera_id=name[0],
        started_at=started_at,
        ended_at=started_at,
        is_final=True,
        identity_id="P1",
        is_new=False,
        is_first=True,
        similarity=None,
        probability=1.0,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=started_at,
    )
    feature = np.array([np.cos(angle), np.sin(angle)], np.float16)
    return Member(decision, feature, quality, "test")


def names(members: list[Member]) -> list[str]:
    return [m.decision.tracklet_id for m in members]


def test_nobody_has_no_exemplar() -> None:
    assert choose_exemplars([], per_camera=2, least_similarity=0.5) == []


def test_the_best_of_each_camera_are_taken() -> None:
    members = [
        member("a1", 0.0, quality=0.1),
        member("a2", 0.4, quality=0.9),
        member("a3", 0.8, quality=0.8),
        member("b1", 0.2, quality=0.1),
    ]

    chosen = choose_exemplars(members, per_camera=2, least_similarity=0.5)

    assert names(chosen) == ["a2", "a3", "b1"]


def test_what_is_almost_the_same_as_a_better_one_adds_nothing() -> None:
    members = [
        member("a1", 0.0, quality=0.9),
        member("a2", 0.01, quality=0.8),
        member("a3", 0.7, quality=0.1),
        member("b1", 0.01, quality=0.1),
    ]

    chosen = choose_exemplars(members, per_camera=2, least_similarity=0.5)

    assert names(chosen) == ["a1", "a3", "b1"]


def test_a_stranger_among_them_does_not_stand_for_them() -> None:
    members = [member("a1", 0.0), member("b1", 0.3), member("c1", 1.5, quality=1.0)]

    assert names(choose_exemplars(members, per_camera=2, least_similarity=0.5)) == ["a1", "b1"]


def test_of_two_that_are_unlike_the_one_that_began_first_remains() -> None:
    members = [member("a1", 0.0, started_at=9.0), member("b1", 1.5, started_at=4.0)]

    assert names(choose_exemplars(members, per_camera=2, least_similarity=0.5)) == ["b1"]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3), st.floats(0, 1)), max_size=12),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter_and_no_camera_has_too_many(
    people: list[tuple[str, float, float]], per_camera: int, rng: random.Random
) -> None:
    members = [
        member(f"{camera}{number}", angle, quality=quality, started_at=float(number % 3))
        for number, (camera, angle, quality) in enumerate(people)
    ]
    shuffled = rng.sample(members, len(members))

    chosen = choose_exemplars(members, per_camera=per_camera, least_similarity=0.5)

    again = choose_exemplars(shuffled, per_camera=per_camera, least_similarity=0.5)
    assert names(chosen) == names(again)
    assert bool(chosen) == bool(members)
    cameras = [m.decision.camera_id for m in chosen]
    assert all(cameras.count(camera) <= per_camera for camera in cameras)
