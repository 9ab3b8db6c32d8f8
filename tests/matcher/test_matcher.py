"""Tests of linking, on small sites whose truth is known."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema import CameraPairSettings, MatcherSettings
from matcher.calibration import Calibration
from matcher.camera_progress import CameraProgress
from matcher.decision import Decision
from matcher.errors import MatcherError, SpaceError
from matcher.matcher import Matcher, MatchPolicy, build_matcher
from matcher.topology import CameraPair, Topology
from matcher.tracklet import Feature, TrackBoxes, Tracklet

CAMERAS = ["a", "b", "c"]
SPACE = "test:1"
CALIBRATION = Calibration(midpoint=0.5, slope=30.0, one_percent=0.6, decade=0.1)
Message = Tracklet | CameraProgress


def person(number: int, *, noise: float = 0.0, seed: int = 0, dim: int = 32) -> Feature:
    """A look of a person: people are unlike each other, their looks the less so the less noise."""
    base = np.random.default_rng(number).normal(size=dim)
    other = np.random.default_rng([number, 7, seed]).normal(size=dim)
    look = base / np.linalg.norm(base) + noise * other / np.linalg.norm(other)
    return np.asarray((look / np.linalg.norm(look)).astype(np.float16), dtype=np.float32)


def seen(  # noqa: PLR0913
    tracklet_id: str,
    start: float,
    end: float,
    feature: Feature,
    *,
    version: int = 1,
    emitted_at: float | None = None,
    is_final: bool = True,
    space: str = SPACE,
    quality: float = 0.5,
) -> Tracklet:
    """A tracklet of the camera that its id begins with."""
    return Tracklet(
        tracklet_id=tracklet_id,
        version=version,
        camera_id=tracklet_id.partition("-")[0],
        started_at=start,
        ended_at=end,
        emitted_at=end if emitted_at is None else emitted_at,
        boxes=TrackBoxes(
            np.array([0, 1]),
            np.array([start, end]),
            np.array([[0, 0, 10, 20]] * 2, np.float32),
            np.array([1, 1], np.float32),
        ),
        feature=feature,
        quality=quality,
        space=space,
        is_final=is_final,
    )


def matcher(
    *pairs: tuple[tuple[str, str], CameraPair], overlap: bool = False, window_s: float = 0.5
) -> Matcher:
    return Matcher(
        policy=MatchPolicy(window_s=window_s),
        topology=Topology(CAMERAS, pairs, CameraPair(overlap=overlap)),
        calibration=CALIBRATION,
    )


def decided(linker: Matcher, *messages: Message) -> list[Decision]:
    """Everything decided about these messages, in order."""
    for message in messages:
        linker.offer(message)
    return [decision for window in linker.flush() for decision in window]


def identities(decisions: Iterable[Decision]) -> dict[str, str]:
    return {decision.tracklet_id: decision.identity_id for decision in decisions}


def progress(camera_id: str, watermark_at: float) -> CameraProgress:
    return CameraProgress(camera_id, watermark_at, 0, 1, "running", is_live=False, source="")


def test_nothing_gives_no_decision() -> None:
    linker = matcher()

    assert linker.decide() == []
    assert linker.flush() == []
    assert linker.pending == frozenset()
    assert linker.stats.num_identities == 0


def test_the_first_tracklet_founds_the_first_identity() -> None:
    (decision,) = decided(matcher(), seen("a-1-1", 10.0, 11.2, person(1)))

    assert decision == Decision(
        tracklet_id="a-1-1",
        version=1,
        camera_id="a",
        started_at=10.0,
        ended_at=11.2,
        is_final=True,
        identity_id="P1",
        is_new=True,
        is_first=True,
        similarity=None,
        probability=1.0,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=11.5,
    )


def test_who_comes_back_is_known() -> None:
    decisions = decided(
        matcher(),
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("a-1-2", 10.0, 12.0, person(2)),
        seen("b-1-1", 20.0, 22.0, person(2, noise=0.3)),
        seen("a-1-3", 3000.0, 3002.0, person(1, noise=0.3)),
    )

    assert identities(decisions) == {"a-1-1": "P1", "a-1-2": "P2", "b-1-1": "P2", "a-1-3": "P1"}
    link = decisions[2]
    assert not link.is_new
    assert link.similarity is not None
    assert link.similarity == pytest.approx(float(person(2) @ person(2, noise=0.3)), abs=1e-3)
    assert link.probability == pytest.approx(float(CALIBRATION.probability(link.similarity)))
    assert link.runner_up_id == "P1"
    assert link.runner_up_probability is not None
    assert link.runner_up_probability < 0.5


def test_who_is_there_already_is_somebody_else_however_alike() -> None:
    decisions = decided(
        matcher(),
        seen("a-1-1", 10.0, 15.0, person(1)),
        seen("a-1-2", 14.0, 20.0, person(1)),
        seen("b-1-1", 18.0, 19.0, person(1)),
    )

    assert identities(decisions) == {"a-1-1": "P1", "a-1-2": "P2", "b-1-1": "P1"}


def test_who_is_seen_by_overlapping_cameras_is_one() -> None:
    decisions = decided(
        matcher(overlap=True),
        seen("a-1-1", 10.0, 15.0, person(1)),
        seen("b-1-1", 10.0, 15.1, person(1, noise=0.3)),
        seen("b-1-2", 10.0, 15.2, person(2)),
        seen("c-1-1", 10.0, 15.3, person(2, noise=0.3)),
    )

    by_tracklet = identities(decisions)
    assert by_tracklet["a-1-1"] == by_tracklet["b-1-1"]
    assert by_tracklet["b-1-2"] == by_tracklet["c-1-1"]
    assert len(set(by_tracklet.values())) == 2
    assert sum(decision.is_new for decision in decisions) == 2


def test_only_pairs_that_overlap_share_a_person_at_one_time() -> None:
    decisions = decided(
        matcher((("a", "b"), CameraPair(overlap=True))),
        seen("a-1-1", 10.0, 15.0, person(1)),
        seen("b-1-1", 10.0, 15.0, person(1)),
        seen("c-1-1", 10.0, 15.0, person(1)),
    )

    by_tracklet = identities(decisions)
    assert by_tracklet["a-1-1"] == by_tracklet["b-1-1"] != by_tracklet["c-1-1"]


@pytest.mark.parametrize(("gap_s", "is_same"), [(5.0, False), (11.0, True)])
def test_travel_time_is_respected(gap_s: float, *, is_same: bool) -> None:
    decisions = decided(
        matcher((("b", "a"), CameraPair(min_s=10.0))),
        seen("a-1-1", 10.0, 15.0, person(1)),
        seen("b-1-1", 15.0 + gap_s, 30.0 + gap_s, person(1)),
    )

    assert (decisions[0].identity_id == decisions[1].identity_id) is is_same


def test_two_who_look_alike_are_told_apart_together() -> None:
    """Both are most like P1; one after the other, the second would be left over."""
    one, other = np.eye(32, dtype=np.float32)[:2]

    def mixed(angle: float) -> Feature:
        return np.asarray(np.cos(angle) * one + np.sin(angle) * other, dtype=np.float32)

    decisions = decided(
        matcher(),
        seen("a-1-1", 10.0, 12.0, mixed(0.0)),
        seen("a-1-2", 10.0, 12.0, mixed(1.0)),
        seen("b-1-1", 20.0, 22.0, mixed(0.49)),
        seen("b-1-2", 20.0, 22.0, mixed(-0.2)),
    )

    assert identities(decisions)["b-1-1"] == identities(decisions)["a-1-2"]
    assert identities(decisions)["b-1-2"] == identities(decisions)["a-1-1"]


def test_a_broken_track_is_one_person_within_a_window() -> None:
    decisions = decided(
        matcher(window_s=10.0),
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("a-1-2", 12.5, 14.0, person(1, noise=0.3)),
    )

    assert len(set(identities(decisions).values())) == 1


def test_who_is_like_nobody_else_is_new() -> None:
    decisions = decided(
        matcher(),
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("b-1-1", 20.0, 22.0, person(2)),
    )

    assert identities(decisions) == {"a-1-1": "P1", "b-1-1": "P2"}
    assert decisions[1].runner_up_id == "P1"
    assert decisions[1].probability == pytest.approx(1 - (decisions[1].runner_up_probability or 0))


def test_a_wanted_probability_overrides_the_false_match_rate() -> None:
    messages = [
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("b-1-1", 20.0, 22.0, person(1, noise=0.8)),
    ]
    counts = []
    for least in (0.5, 0.99999999):
        linker = Matcher(
            policy=MatchPolicy(min_probability=least),
            topology=Topology(CAMERAS),
            calibration=CALIBRATION,
        )
        counts.append(len(set(identities(decided(linker, *messages)).values())))

    assert counts == [1, 2]


def test_later_versions_keep_the_identity_and_bring_their_times() -> None:
    first = seen("a-1-1", 10.0, 10.7, person(1), is_final=False)
    later = seen("a-1-1", 10.0, 18.0, person(1, noise=0.1), version=2)

    decisions = decided(matcher(), first, later)

    assert [(d.version, d.identity_id, d.is_new, d.is_first) for d in decisions] == [
        (1, "P1", True, True),
        (2, "P1", False, False),
    ]
    assert (decisions[1].ended_at, decisions[1].is_final) == (18.0, True)
    assert decisions[1].decided_at == 18.5
    assert decisions[1].probability == decisions[0].probability


def test_the_newest_version_of_a_window_is_decided() -> None:
    linker = matcher(window_s=10.0)

    decisions = decided(
        linker,
        seen("a-1-1", 10.0, 12.0, person(1), version=2),
        seen("a-1-1", 10.0, 10.7, person(1), is_final=False),
    )

    assert [decision.version for decision in decisions] == [2]
    assert decisions[0].is_first
    assert linker.stats.num_outdated == 1


def test_a_track_whose_first_crops_were_poor_finds_its_person_later() -> None:
    decisions = decided(
        matcher(overlap=True),
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("b-1-1", 12.0, 12.7, person(9), is_final=False),
        seen("b-1-1", 12.0, 16.0, person(1, noise=0.2), version=2),
    )

    assert [(d.tracklet_id, d.identity_id, d.is_first) for d in decisions] == [
        ("a-1-1", "P1", True),
        ("b-1-1", "P2", True),
        ("b-1-1", "P1", False),
    ]
    assert not decisions[2].is_new
    assert decisions[2].similarity is not None


def test_two_that_find_each_other_later_do_not_swap() -> None:
    linker = matcher(overlap=True)
    decisions = decided(
        linker,
        seen("a-1-1", 10.0, 10.7, person(8), is_final=False),
        seen("b-1-1", 10.0, 10.7, person(9), is_final=False),
        seen("a-1-1", 10.0, 14.0, person(1), version=2),
        seen("b-1-1", 10.0, 14.0, person(1, noise=0.2), version=2),
    )

    assert identities(decisions) == {"a-1-1": "P1", "b-1-1": "P1"}
    assert linker.stats.num_identities == 1
    assert linker.stats.num_moved == 1


def test_a_track_that_slips_to_another_person_does_not_make_them_one() -> None:
    decisions = decided(
        matcher(overlap=True),
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("a-1-2", 10.0, 12.0, person(2)),
        seen("b-1-1", 11.0, 13.0, person(1, noise=0.2), is_final=False),
        seen("b-1-1", 11.0, 20.0, person(2, noise=0.2), version=2),
        seen("c-1-1", 30.0, 32.0, person(2, noise=0.25, seed=5)),
        seen("c-1-2", 30.0, 32.0, person(1, noise=0.25, seed=5)),
    )

    by_tracklet = identities(decisions)
    assert by_tracklet["b-1-1"] == by_tracklet["a-1-2"] == by_tracklet["c-1-1"]
    assert by_tracklet["c-1-2"] == by_tracklet["a-1-1"] != by_tracklet["a-1-2"]


def test_a_track_that_slips_to_an_unknown_person_does_not_stand_for_its_identity() -> None:
    decisions = decided(
        matcher(overlap=True),
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("b-1-1", 11.0, 13.0, person(1, noise=0.2), is_final=False),
        seen("b-1-1", 11.0, 20.0, person(2), version=2),
        seen("c-1-1", 30.0, 32.0, person(2, noise=0.2)),
        seen("c-1-2", 30.0, 32.0, person(1, noise=0.2)),
    )

    by_tracklet = identities(decisions)
    assert by_tracklet["c-1-1"] not in (by_tracklet["a-1-1"], by_tracklet["b-1-1"])
    assert by_tracklet["c-1-2"] == by_tracklet["a-1-1"] == by_tracklet["b-1-1"]


def test_what_was_delivered_before_is_ignored_and_counted() -> None:
    linker = matcher()
    first = seen("a-1-1", 10.0, 10.7, person(1), is_final=False)
    later = seen("a-1-1", 10.0, 18.0, person(1), version=2)

    linker.offer(first)
    linker.offer(first)
    assert linker.pending == {("a-1-1", 1)}
    assert len(decided(linker, later)) == 2
    assert decided(linker, later, first) == []
    assert linker.pending == frozenset()
    assert (linker.stats.num_duplicates, linker.stats.num_outdated) == (2, 1)


def test_a_tracklet_of_an_unknown_camera_is_refused_by_name() -> None:
    linker = matcher()

    with pytest.raises(MatcherError, match=r"'cellar-1-1' version 1.*'cellar'"):
        linker.offer(seen("cellar-1-1", 10.0, 11.0, person(1)))

    assert linker.stats.refused == {"unknown camera": 1}
    assert linker.pending == frozenset()


def test_progress_of_an_unknown_camera_holds_nobody_up() -> None:
    linker = matcher()
    linker.offer(progress("cellar", 0.0))
    linker.offer(seen("a-1-1", 10.0, 11.0, person(1)))
    for camera_id in CAMERAS:
        linker.offer(progress(camera_id, 20.0))

    assert len(linker.decide()) == 1


def test_two_spaces_live_side_by_side_and_are_never_compared() -> None:
    decisions = decided(
        matcher(),
        seen("a-1-1", 10.0, 11.0, person(1)),
        seen("b-1-1", 20.0, 21.0, person(1), space="test:2"),
        seen("b-1-2", 20.0, 21.0, person(1, dim=16), space="test:3"),
        seen("c-1-1", 30.0, 31.0, person(1), space="test:2"),
        seen("c-1-2", 30.0, 31.0, person(1)),
    )

    assert [decision.identity_id for decision in decisions] == ["P1", "P2", "P3", "P1", "P2"]
    assert [decision.runner_up_id for decision in decisions] == [None] * 5


def test_a_space_with_two_lengths_is_refused() -> None:
    linker = matcher()
    linker.offer(seen("a-1-1", 10.0, 11.0, person(1)))

    with pytest.raises(SpaceError, match=r"16 values.*have 32"):
        linker.offer(seen("a-1-2", 10.0, 11.0, person(2, dim=16)))

    assert linker.stats.refused == {"feature length": 1}
    assert linker.pending == {("a-1-1", 1)}


def test_a_later_version_of_another_space_is_refused_and_counted() -> None:
    linker = matcher()

    decisions = decided(
        linker,
        seen("a-1-1", 10.0, 11.0, person(1), is_final=False),
        seen("a-1-1", 10.0, 15.0, person(1), version=2, space="test:2"),
    )

    assert [decision.version for decision in decisions] == [1]
    assert linker.stats.refused == {"space changed": 1}
    assert linker.pending == frozenset()


def test_windows_wait_for_every_camera() -> None:
    linker = matcher()
    linker.offer(seen("a-1-1", 10.0, 10.7, person(1)))
    linker.offer(progress("a", 12.0))
    linker.offer(progress("b", 11.0))

    assert linker.decide() == []
    assert len(linker.decide(stalled={"c"})) == 1
    assert linker.pending == frozenset()


def test_windows_are_given_one_by_one_oldest_first() -> None:
    linker = matcher()
    for number in (3, 1, 2):
        linker.offer(seen(f"a-1-{number}", 10.0 + number, 10.7 + number, person(number)))

    windows = linker.flush()

    assert [[d.tracklet_id for d in window] for window in windows] == [
        ["a-1-1"],
        ["a-1-2"],
        ["a-1-3"],
    ]


def test_what_comes_after_its_window_is_decided_later_and_counted() -> None:
    linker = matcher()
    linker.offer(seen("a-1-1", 10.0, 10.7, person(1)))
    for camera_id in CAMERAS:
        linker.offer(progress(camera_id, 12.2))
    linker.decide()

    decisions = decided(linker, seen("b-1-1", 10.0, 10.8, person(2)))

    assert decisions[0].decided_at == 12.5
    assert linker.stats.num_late == 1


def test_what_is_over_is_forgotten() -> None:
    linker = matcher()
    decided(
        linker,
        seen("a-1-1", 10.0, 12.0, person(1)),
        seen("a-1-2", 10.0, 12.0, person(2)),
        seen("b-1-1", 20.0, 22.0, person(2)),
    )

    assert linker.expire(15.0) == 2
    assert linker.stats.num_identities == 1
    decisions = decided(
        linker,
        seen("c-1-1", 40.0, 42.0, person(1)),
        seen("c-1-2", 40.0, 42.0, person(2)),
    )
    assert [decision.identity_id for decision in decisions] == ["P2", "P3"]
    assert decisions[1].is_new


def test_an_identity_keeps_few_exemplars_and_finds_its_person_nevertheless() -> None:
    linker = Matcher(
        policy=MatchPolicy(exemplars_per_camera=2, candidates=3),
        topology=Topology(CAMERAS),
        calibration=CALIBRATION,
    )
    guard = [
        seen(f"a-1-{n}", 10.0 * n, 10.0 * n + 5, person(1, noise=0.4, seed=n)) for n in range(1, 60)
    ]
    decisions = decided(linker, *guard)

    assert set(identities(decisions).values()) == {"P1"}


def test_a_person_hidden_behind_many_who_are_busy_is_found() -> None:
    """The nearest exemplars are all of one who is elsewhere now; the right one is behind them."""
    linker = Matcher(
        policy=MatchPolicy(candidates=2, exemplars_per_camera=8),
        topology=Topology(CAMERAS, default=CameraPair(overlap=True)),
        calibration=CALIBRATION,
    )
    look = person(1)
    decided(
        linker,
        seen("b-1-99", 1.0, 2.0, person(1, noise=0.5, seed=99)),
        seen("c-1-99", 1.0, 2.0, person(1, noise=0.5, seed=98)),
    )
    before = linker.stats.num_identities
    decided(
        linker,
        *(
            seen(f"a-1-{n}", 1.0, 100.0, person(1, noise=0.35, seed=n), emitted_at=100.0)
            for n in range(6)
        ),
    )
    assert linker.stats.num_identities == max(before, 6)
    (decision,) = decided(linker, seen("a-1-50", 200.0, 201.0, look))
    assert not decision.is_new


# --- any site -----------------------------------------------------------------------------------


def site_messages(seed: int, *, num_people: int = 4, overlap: bool = False) -> list[list[Message]]:
    """What three cameras say, window by window; within one in any order before the progress.

    People appear here and there for some seconds; tracks have several versions, some with a wrong
    feature.
    """
    rng = random.Random(seed)
    messages: list[tuple[float, Message]] = []
    number = 0
    for who in range(num_people):
        at = rng.uniform(0, 5)
        for _ in range(rng.randint(1, 4)):
            length = rng.uniform(0.1, 9)
            views = rng.sample(CAMERAS, 2 if overlap else 1)
            for camera_id in views:
                number += 1
                track = _versions(f"{camera_id}-1-{number}", at, at + length, who, rng)
                messages += [(version.emitted_at, version) for version in track]
            at += length + rng.uniform(0.0, 6)
    end = max(at for at, _ in messages) + 1
    windows: list[list[Message]] = []
    for index in range(int(end / 0.5) + 1):
        begin = index * 0.5
        inside: list[Message] = [m for at, m in messages if begin <= at < begin + 0.5]
        inside.extend(progress(camera_id, begin + 0.5) for camera_id in CAMERAS)
        windows.append(inside)
    return windows


def _versions(name: str, start: float, end: float, who: int, rng: random.Random) -> list[Tracklet]:
    moments = [at for at in (start + 0.7, start + 3.7, start + 6.7) if at < end] + [end]
    track = []
    for version, at in enumerate(moments, 1):
        look = person(who if rng.random() < 0.9 else 100 + who, noise=0.5, seed=rng.randint(0, 99))
        is_final = at == end
        emitted_at = at + (1.5 if is_final else 0.0)
        track.append(
            seen(name, start, at, look, version=version, emitted_at=emitted_at, is_final=is_final)
        )
    return track


def run(linker: Matcher, messages: Sequence[Message], cuts: random.Random) -> list[Decision]:
    """All decisions, when decisions are asked for now and then."""
    windows: list[list[Decision]] = []
    for message in messages:
        linker.offer(message)
        if cuts.random() < 0.3:
            windows += linker.decide()
    windows += linker.decide()
    windows += linker.flush()
    return [decision for window in windows for decision in window]


def in_some_order(windows: list[list[Message]], rng: random.Random) -> list[Message]:
    """The same messages as another network would deliver them."""
    messages: list[Message] = []
    for window in windows:
        tracklets: list[Message] = [m for m in window if isinstance(m, Tracklet)]
        rest: list[Message] = [m for m in window if not isinstance(m, Tracklet)]
        rng.shuffle(tracklets)
        rng.shuffle(rest)
        messages += tracklets + rest
    return messages


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.booleans())
def test_order_and_batches_do_not_matter(seed: int, shuffle: int, overlap: bool) -> None:
    windows = site_messages(seed, overlap=overlap)
    rng = random.Random(shuffle)

    one = run(matcher(overlap=overlap), in_some_order(windows, random.Random(0)), random.Random(0))
    other = run(matcher(overlap=overlap), in_some_order(windows, rng), rng)

    assert one == other


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_nobody_is_twice_at_one_time(seed: int, overlap: bool) -> None:
    messages = in_some_order(site_messages(seed, overlap=overlap), random.Random(seed))

    decisions = run(matcher(overlap=overlap), messages, random.Random(seed))

    latest = list({decision.tracklet_id: decision for decision in decisions}.values())
    assert all(decision.is_final for decision in latest)
    for one in latest:
        for other in latest:
            if one.tracklet_id < other.tracklet_id and one.identity_id == other.identity_id:
                is_elsewhere = one.camera_id != other.camera_id
                shared_s = min(one.ended_at, other.ended_at) - max(one.started_at, other.started_at)
                assert shared_s < 0.2 or (overlap and is_elsewhere), (one, other)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_every_version_is_decided_once_with_sound_figures(
    seed: int,
    overlap: bool,
) -> None:
    messages = in_some_order(site_messages(seed, overlap=overlap), random.Random(seed))
    linker = matcher(overlap=overlap)

    decisions = run(linker, messages, random.Random(seed))

    keys = [(decision.tracklet_id, decision.version) for decision in decisions]
    offered = {(m.tracklet_id, m.version) for m in messages if isinstance(m, Tracklet)}
    assert len(set(keys)) == len(keys)
    assert len(keys) + linker.stats.num_outdated == len(offered)
    assert {tracklet_id for tracklet_id, _ in keys} == {tracklet_id for tracklet_id, _ in offered}
    founded = [decision.identity_id for decision in decisions if decision.is_new]
    assert founded == [f"P{number}" for number in range(1, len(founded) + 1)]
    for decision in decisions:
        assert 0 <= decision.probability <= 1
        assert decision.similarity is None or -1 <= decision.similarity <= 1
        assert (decision.runner_up_id is None) == (decision.runner_up_probability is None)
        assert decision.runner_up_id != decision.identity_id


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.booleans())
def test_a_restart_anywhere_changes_nothing(
    seed: int,
    share: float,
    overlap: bool,
) -> None:
    messages = in_some_order(site_messages(seed, overlap=overlap), random.Random(seed))
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
    assert again.stats.num_identities == whole.stats.num_identities


def _step(linker: Matcher, message: Message) -> list[Decision]:
    linker.offer(message)
    return [decision for window in linker.decide() for decision in window]


# --- from settings ------------------------------------------------------------------------------


def test_settings_are_translated(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(
        json.dumps({"midpoint": 0.5, "slope": 30, "one_percent": 0.6, "decade": 0.1}), "utf-8"
    )
    pair = CameraPairSettings(cameras=("a", "b"), min_s=10.0)
    linker = build_matcher(
        MatcherSettings(window_s=2.0, calibration=path, overlap=True, topology=[pair]), CAMERAS
    )

    decisions = decided(
        linker,
        seen("a-1-1", 10.0, 15.0, person(1)),
        seen("b-1-1", 16.0, 17.0, person(1)),
        seen("c-1-1", 14.0, 17.0, person(1)),
    )

    assert decisions[0].decided_at == 16.0
    assert identities(decisions)["b-1-1"] != "P1" or identities(decisions)["c-1-1"] == "P1"
    assert len(set(identities(decisions).values())) == 2


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param(
            {"topology": [CameraPairSettings(cameras=("a", "cellar"))]}, "'cellar'", id="unknown"
        ),
        pytest.param(
            {"topology": [CameraPairSettings(cameras=("a", "b"), min_s=9, max_s=5)]},
            "a and b.*min_s",
            id="contradiction",
        ),
        pytest.param({"calibration": Path("nowhere.json")}, "nowhere", id="no file"),
    ],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, object], text: str) -> None:
    with pytest.raises(MatcherError, match=text):
        build_matcher(MatcherSettings.model_validate(values), CAMERAS)


def test_a_camera_of_last_year_does_not_prevent_a_restart() -> None:
    old = seen("cellar-1-1", 10.0, 12.0, person(1))
    (decision,) = decided(matcher(), replace(old, camera_id="a"))
    linker = matcher()

    linker.restore([(replace(decision, camera_id="cellar"), old)], next_identity_number=2)

    assert identities(decided(linker, seen("a-1-1", 20.0, 21.0, person(1)))) == {"a-1-1": "P1"}
