"""Trajectories: order, gaps, transitions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher.sighting import Sighting
from matcher.store import FeatureStore
from matcher.tracklet import Tracklet
from query.errors import UnknownIdError
from query.trajectory import Unseen, gap_before_s, trajectory, trajectory_of


def _sighting(camera_id: str, started_at: float, ended_at: float) -> Sighting:
    return Sighting(
        identity_id="P1",
        tracklet_id=f"{camera_id}-1-{started_at:.0f}",
        camera_id=camera_id,
        started_at=started_at,
        ended_at=ended_at,
        similarity=0.8,
        probability=0.9,
        runner_up_id=None,
        runner_up_probability=None,
        version=1,
        is_final=True,
        num_boxes=3,
        num_thumbnails=0,
        quality=0.5,
    )


def test_no_sightings_give_an_empty_trajectory() -> None:
    way = trajectory("P1", [])

    assert (way.sightings, way.gaps, way.transitions) == ((), (), ())


def test_sightings_are_ordered_and_the_time_between_is_a_gap() -> None:
    late, early = _sighting("cam2", 20, 30), _sighting("cam1", 5, 10)

    way = trajectory("P1", [late, early])

    assert way.sightings == (early, late)
    assert way.gaps == (Unseen(10, 20),)
    assert [(t.from_camera_id, t.to_camera_id, t.travel_s) for t in way.transitions] == [
        ("cam1", "cam2", 10)
    ]


def test_overlapping_views_have_no_gap_and_a_negative_travel_time() -> None:
    long, inside, after = _sighting("a", 0, 100), _sighting("b", 10, 20), _sighting("a", 110, 120)

    way = trajectory("P1", [long, inside, after])

    assert way.gaps == (Unseen(100, 110),)
    assert way.transitions[0].travel_s == -90
    assert [gap_before_s(way.sightings, i) for i in range(3)] == [None, -90, 10]


def test_two_sightings_in_one_camera_are_no_transition() -> None:
    assert trajectory("P1", [_sighting("a", 0, 1), _sighting("a", 5, 6)]).transitions == ()


def test_an_unknown_identity_is_named_with_the_cure(store: FeatureStore) -> None:
    with pytest.raises(UnknownIdError, match=r"P7.*crosscam identities"):
        trajectory_of(store, "P7")


def test_a_stored_identity_s_way_can_be_cut_to_a_time(
    store: FeatureStore, add_sighting: Callable[..., Tracklet]
) -> None:
    first = add_sighting("P1", "cam1", 0)
    second = add_sighting("P1", "cam2", 10)

    whole = trajectory_of(store, "P1")
    later = trajectory_of(store, "P1", since=second.started_at)

    assert [s.tracklet_id for s in whole.sightings] == [first.tracklet_id, second.tracklet_id]
    assert [s.tracklet_id for s in later.sightings] == [second.tracklet_id]
