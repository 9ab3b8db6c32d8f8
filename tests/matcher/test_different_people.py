"""Tests of finding people who are certainly different."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.aging_counts import DAY_S
from matcher.different_people import NUM_STEPS, DifferentPeople, Witness, quantile
from matcher.topology import CameraPair, Topology
from matcher.tracklet import TrackBoxes, Tracklet

TOPOLOGY = Topology(
    ["door", "hall", "yard"],
    [(("door", "yard"), CameraPair(min_s=30.0)), (("hall", "yard"), CameraPair(overlap=True))],
)
LEFT = (0, 0, 40, 100)
RIGHT = (60, 0, 100, 100)


def witness(
    name: str,
    start: float,
    end: float,
    angle: float = 0.0,
    *,
    box: tuple[int, ...] = LEFT,
    is_final: bool = True,
) -> Witness:
    """A tracklet of the camera that its name begins with; features differ by an angle."""
    times = np.linspace(start, end, 50)
    return Witness.of(
        Tracklet(
            tracklet_id=name,
            version=1,
            camera_id=name.partition("-")[0],
            started_at=start,
            ended_at=end,
            emitted_at=end,
            boxes=TrackBoxes(
                np.arange(50), times, np.array([box] * 50, np.float32), np.ones(50, np.float32)
            ),
            feature=np.array([np.cos(angle), np.sin(angle)], np.float32),
            quality=0.5,
            space="test",
            is_final=is_final,
        )
    )


def learned(*witnesses: Witness) -> DifferentPeople:
    people = DifferentPeople(["door", "hall", "yard"], TOPOLOGY)
    for each in witnesses:
        people.learn(each, each.ended_at)
    return people


def found(people: DifferentPeople) -> dict[tuple[str, str], int]:
    """Number of pairs of people by pair of cameras, without those that have none."""
    sums = people.counts.sum(axis=1).tolist()
    return {pair: num for pair, num in zip(people.pairs, sums, strict=True) if num}


def test_nobody_is_different_at_the_beginning() -> None:
    assert found(learned()) == {}


def test_two_in_one_view_at_one_time_are_different() -> None:
    people = learned(
        witness("door-1-1", 0.0, 10.0, 0.0), witness("door-1-2", 5.0, 12.0, np.pi / 3, box=RIGHT)
    )

    assert found(people) == {("door", "door"): 1}
    row = people.counts[people.pairs.index(("door", "door"))]
    assert quantile(row, 0.5) == pytest.approx(0.5, abs=0.01)


def test_two_in_two_views_at_one_time_are_different_unless_the_views_overlap() -> None:
    people = learned(
        witness("hall-1-1", 0.0, 10.0),
        witness("door-1-1", 5.0, 12.0),
        witness("yard-1-1", 5.0, 9.0),
    )

    assert found(people) == {("door", "hall"): 1, ("door", "yard"): 1}


def test_who_would_have_been_too_fast_is_different() -> None:
    people = learned(witness("door-1-1", 0.0, 10.0), witness("yard-1-1", 30.0, 40.0))

    assert found(people) == {("door", "yard"): 1}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(witness("door-1-2", 20.0, 30.0), id="one after the other"),
        pytest.param(witness("door-1-2", 9.5, 20.0), id="a handover between two tracks"),
        pytest.param(witness("door-1-2", 2.0, 9.0), id="two boxes on one body"),
        pytest.param(witness("hall-1-1", 9.5, 20.0), id="clocks that differ a little"),
        pytest.param(witness("cellar-1-1", 0.0, 10.0), id="a camera of last year"),
    ],
)
def test_who_may_be_one_teaches_nothing(other: Witness) -> None:
    assert found(learned(witness("door-1-1", 0.0, 10.0), other)) == {}


def test_a_crowd_does_not_speak_for_the_whole_day_and_memory_is_bounded() -> None:
    places = [(60 * number, 0, 60 * number + 40, 100) for number in range(100)]
    people = learned(
        *(witness(f"door-1-{n}", 0.0, 10.0, box=place) for n, place in enumerate(places))
    )

    assert found(people) == {("door", "door"): 8 * 100 - sum(range(1, 9))}
    assert len(people._recent) == 64


def test_what_is_old_is_forgotten_and_features_at_once_if_wanted() -> None:
    people = learned(witness("door-1-1", 0.0, 10.0), witness("hall-1-1", 0.0, 10.0))

    people.forget(["door-1-1"])
    people.learn(witness("yard-1-1", 0.0, 10.0), 10.0)
    assert found(people) == {("door", "hall"): 1}  # hall and yard overlap, the door is forgotten

    people.refresh(7 * DAY_S)
    assert found(people) == {}


def test_quantiles_are_those_of_the_similarities() -> None:
    similarities = np.random.default_rng(0).normal(0.3, 0.1, 20_000)
    steps = np.clip(((similarities + 0.25) / 0.01).astype(int), 0, NUM_STEPS - 1)
    counts = np.bincount(steps, minlength=NUM_STEPS)

    for share in (0.05, 0.5, 0.9, 0.99):
        assert quantile(counts, share) == pytest.approx(np.quantile(similarities, share), abs=0.003)
