"""Tests of a matcher that learns: what changes by it, and that timing changes nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.calibration import Calibration
from matcher.camera_progress import CameraProgress
from matcher.decision import Decision
from matcher.errors import MatcherError
from matcher.matcher import Matcher, MatchPolicy
from matcher.topology import CameraPair, Topology
from matcher.tracklet import Feature, TrackBoxes, Tracklet

CAMERAS = ["a", "b", "c"]
CALIBRATION = Calibration(midpoint=0.5, slope=30.0, one_percent=0.6, decade=0.1)
DIM = 32
WINDOW_S = 0.5
Message = Tracklet | CameraProgress


def person(number: int, *, noise: float = 0.0, seed: int = 0) -> Feature:
    """A look of a person: people are unlike each other, their looks the less so the less noise."""
    base = np.random.default_rng(number).normal(size=DIM)
    other = np.random.default_rng([number, 7, seed]).normal(size=DIM)
    look = base / np.linalg.norm(base) + noise * other / np.linalg.norm(other)
    return np.asarray((look / np.linalg.norm(look)).astype(np.float16), dtype=np.float32)


def like(feature: Feature, similarity: float) -> Feature:
    """Somebody of this similarity."""
    other = person(999)
    across = other - (other @ feature) * feature
    across /= np.linalg.norm(across)
    return np.asarray(similarity * feature + np.sqrt(1 - similarity**2) * across, np.float32)


def seen(
    tracklet_id: str,
    start: float,
    end: float,
    feature: Feature,
    *,
    version: int = 1,
    emitted_at: float | None = None,
) -> Tracklet:
    """A tracklet of the camera that its id begins with; final if nothing else is said."""
    at = end if emitted_at is None else emitted_at
    return Tracklet(
        tracklet_id=tracklet_id,
        version=version,
        camera_id=tracklet_id.partition("-")[0],
        started_at=start,
        ended_at=end,
        emitted_at=at,
        boxes=TrackBoxes(
            np.array([0, 1]),
            np.array([start, end]),
            np.array([[0, 0, 10, 20]] * 2, np.float32),
            np.array([1, 1], np.float32),
        ),
        feature=feature,
        quality=0.5,
        space="test:1",
        is_final=emitted_at is None or at > end,
    )


def matcher(*, learn: bool = True, overlap: bool = False) -> Matcher:
    return Matcher(
        policy=MatchPolicy(window_s=WINDOW_S, learn=learn),
        topology=Topology(CAMERAS, default=CameraPair(overlap=overlap)),
        calibration=CALIBRATION,
    )


def decided(linker: Matcher, tracklets: Iterable[Tracklet]) -> list[Decision]:
    for tracklet in tracklets:
        linker.offer(tracklet)
    return [decision for window in linker.flush() for decision in window]


def progress(camera_id: str, watermark_at: float, *, is_live: bool = False) -> CameraProgress:
    return CameraProgress(camera_id, watermark_at, 0, 1, "running", is_live=is_live, source="")


def a_morning() -> list[Tracklet]:
    """Sixty people walk from a to b in some ten seconds, one after the other, for half an hour."""
    tracklets = []
    for number in range(60):
        at = 30.0 * number
        tracklets.append(seen(f"a-1-{number}", at, at + 3, person(number)))
        later = at + 13 + number % 3
        tracklets.append(seen(f"b-1-{number}", later, later + 3, person(number, noise=0.2)))
    return tracklets


# --- what is learned ----------------------------------------------------------------------------


@pytest.mark.parametrize(("learn", "is_linked"), [(False, True), (True, False)])
def test_look_alikes_are_kept_apart_by_place_and_time(*, learn: bool, is_linked: bool) -> None:
    """Somebody who looks much like one who left a long ago comes to b."""
    linker = matcher(learn=learn)
    decided(linker, a_morning())
    look_alike = like(person(3, noise=0.2), 0.7)

    (decision,) = decided(linker, [seen("b-1-99", 1900.0, 1903.0, look_alike)])

    assert (decision.identity_id == "P4") is is_linked
    if learn:
        assert decision.is_new
        assert decision.runner_up_id == "P4"


def test_one_who_takes_the_usual_time_is_found_in_spite_of_a_poor_likeness() -> None:
    linker = matcher()
    decided(linker, a_morning())

    before, after = decided(
        linker,
        [
            seen("a-1-99", 1900.0, 1903.0, person(99)),
            seen("b-1-99", 1914.0, 1917.0, like(person(99), 0.65)),
        ],
    )

    assert before.is_new
    assert after.identity_id == before.identity_id
    assert not after.is_ambiguous


def test_who_comes_back_after_hours_is_found_again() -> None:
    linker = matcher()
    decided(linker, a_morning())

    returning = decided(
        linker,
        [
            seen(
                f"c-1-{number}",
                4 * 3600.0 + 60 * number,
                4 * 3600.0 + 60 * number + 3,
                person(number, noise=0.2, seed=1),
            )
            for number in range(10)
        ],
    )

    assert [decision.identity_id for decision in returning] == [f"P{n + 1}" for n in range(10)]


def test_two_who_look_the_same_where_either_may_be_are_marked() -> None:
    linker = matcher()
    uniform = person(1)
    decided(
        linker,
        [
            seen("a-1-1", 10.0, 13.0, like(uniform, 0.95)),
            seen("a-1-2", 10.0, 13.0, uniform),
        ],
    )

    (decision,) = decided(linker, [seen("b-1-1", 20.0, 23.0, like(uniform, 0.98))])

    assert not decision.is_new
    assert decision.runner_up_id is not None
    assert decision.is_ambiguous


# --- bad input ----------------------------------------------------------------------------------


def test_a_live_camera_hours_behind_does_not_hold_up_the_others() -> None:
    linker = matcher()
    for second in (0.0, 1.0):
        for camera_id, skew_s in (("a", 0.0), ("b", 0.0), ("c", -10_800.0)):
            linker.offer(progress(camera_id, 2e5 + skew_s + second, is_live=True))
    linker.offer(seen("a-1-1", 2e5 - 3, 2e5 + 0.2, person(1)))

    assert len(linker.decide()) == 1


def test_a_live_camera_hours_ahead_is_refused_by_name_and_counted() -> None:
    linker = matcher()
    for second in (0.0, 1.0):
        for camera_id, skew_s in (("a", 0.0), ("b", 0.0), ("c", 10_800.0)):
            linker.offer(progress(camera_id, 2e5 + skew_s + second, is_live=True))

    with pytest.raises(MatcherError, match=r"'c-1-1' version 1.* 3\.0 h ahead.*camera 'c'"):
        linker.offer(seen("c-1-1", 2e5 + 10_797, 2e5 + 10_800, person(1)))

    assert linker.stats.refused == {"clock ahead": 1}
    assert linker.pending == frozenset()


def test_times_that_are_no_moments_are_refused_and_counted() -> None:
    linker = matcher()
    endless = replace(seen("a-1-1", 1.0, 2.0, person(1)), emitted_at=math.inf)

    with pytest.raises(MatcherError, match=r"'a-1-1' version 1.*no moments"):
        linker.offer(endless)

    assert linker.stats.refused == {"time": 1}
    assert linker.pending == frozenset()


# --- any site, any timing -----------------------------------------------------------------------


def camera_streams(seed: int, *, overlap: bool) -> dict[str, list[list[Message]]]:
    """What each camera says in some minutes, window by window: tracklets, then its progress.

    People walk from camera to camera and come back; tracks have versions, some with a wrong look.
    """
    rng = random.Random(seed)
    tracklets: list[Tracklet] = []
    numbers = count(1)
    for who in range(rng.randint(2, 5)):
        at = rng.uniform(0, 60)
        for _ in range(rng.randint(2, 7)):
            length = rng.uniform(0.3, 9)
            for camera_id in rng.sample(CAMERAS, 2 if overlap else 1):
                name = f"{camera_id}-1-{next(numbers)}"
                tracklets += _versions(name, at, at + length, who, rng)
            at += length + rng.choice([rng.uniform(0, 8), rng.uniform(30, 120)])
    end = max(t.emitted_at for t in tracklets) + 1
    streams: dict[str, list[list[Message]]] = {camera_id: [] for camera_id in CAMERAS}
    for number in range(int(end / WINDOW_S) + 1):
        begin = number * WINDOW_S
        for camera_id, windows in streams.items():
            inside: list[Message] = [
                t
                for t in tracklets
                if t.camera_id == camera_id and begin <= t.emitted_at < begin + WINDOW_S
            ]
            if inside or number % 20 == 0 or begin + WINDOW_S > end - 1:
                windows.append([*inside, progress(camera_id, begin + WINDOW_S)])
    return streams


def _versions(name: str, start: float, end: float, who: int, rng: random.Random) -> list[Tracklet]:
    moments = [at for at in (start + 0.7, start + 3.7) if at < end] + [end]
    track = []
    for version, at in enumerate(moments, 1):
        look = person(who if rng.random() < 0.9 else 50, noise=0.5, seed=rng.randint(0, 99))
        emitted_at = at + (1.5 if at == end else 0.0)
        track.append(seen(name, start, at, look, version=version, emitted_at=emitted_at))
    return track


def delivered(
    streams: dict[str, list[list[Message]]], rng: random.Random, *, most_ahead: int = 30
) -> list[Message]:
    """The same messages as some network delivers them.

    Each camera's windows come in their order and begin with its tracklets in any order; cameras
    run ahead of each other; tracklets and progress come again at any later time.
    """
    waiting = {camera_id: list(windows) for camera_id, windows in streams.items()}
    messages: list[Message] = []
    while any(waiting.values()):
        least = max(map(len, waiting.values())) - most_ahead
        camera_id = rng.choice(
            [c for c, windows in waiting.items() if len(windows) >= max(1, least)]
        )
        window = waiting[camera_id].pop(0)
        tracklets = [m for m in window if isinstance(m, Tracklet)]
        messages += rng.sample(tracklets, len(tracklets))
        messages += [m for m in window if isinstance(m, CameraProgress)]
        if messages and rng.random() < 0.2:
            messages += rng.choices(messages, k=3)
    return messages


def run(linker: Matcher, messages: Sequence[Message], cuts: random.Random) -> list[Decision]:
    """All decisions, when decisions are asked for now and then."""
    windows: list[list[Decision]] = []
    for message in messages:
        linker.offer(message)
        if cuts.random() < 0.2:
            windows += linker.decide()
    windows += linker.decide()
    windows += linker.flush()
    return [decision for window in windows for decision in window]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.booleans())
def test_order_duplicates_and_batches_do_not_matter(seed: int, shuffle: int, overlap: bool) -> None:
    streams = camera_streams(seed, overlap=overlap)
    rng = random.Random(shuffle)
    plain = [m for at in zip_windows(streams) for m in at]

    one = run(matcher(overlap=overlap), plain, random.Random(0))
    other = run(matcher(overlap=overlap), delivered(streams, rng), rng)

    assert one == other


def zip_windows(streams: dict[str, list[list[Message]]]) -> list[list[Message]]:
    """All cameras' windows in order of time."""
    windows = [window for each in streams.values() for window in each]
    return sorted(
        windows, key=lambda w: next(m for m in w if isinstance(m, CameraProgress)).watermark_at
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.booleans())
def test_a_restart_anywhere_changes_nothing_of_what_was_learned(
    seed: int, share: float, overlap: bool
) -> None:
    messages = delivered(camera_streams(seed, overlap=overlap), random.Random(seed))
    cut = int(share * len(messages))
    whole = matcher(overlap=overlap)
    before = [d for m in messages[:cut] for d in _step(whole, m)]
    expected = [d for m in messages[cut:] for d in _step(whole, m)]

    again = matcher(overlap=overlap)
    tracklets = {(m.tracklet_id, m.version): m for m in messages if isinstance(m, Tracklet)}
    latest: dict[str, Decision] = {}
    for decision in before:
        latest.pop(decision.tracklet_id, None)
        latest[decision.tracklet_id] = decision
    again.restore(
        [(d, tracklets[d.tracklet_id, d.version]) for d in latest.values()],
        next_identity_number=1 + sum(decision.is_new for decision in before),
    )
    for message in messages[:cut]:  # all is delivered once more
        again.offer(message)
    continued = [d for m in messages[cut:] for d in _step(again, m)]

    assert continued == expected


def _step(linker: Matcher, message: Message) -> list[Decision]:
    linker.offer(message)
    return [decision for window in linker.decide() for decision in window]
