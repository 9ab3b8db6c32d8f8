"""What the matcher corrects by itself, and that it does not oscillate."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.calibration import Calibration
from matcher.camera_progress import CameraProgress
from matcher.correction import MATCHER, Alias, Correction, Move, cannot, must
from matcher.decision import Decision
from matcher.matcher import Matcher, MatchPolicy, Step
from matcher.topology import CameraPair, Topology
from matcher.tracklet import Feature, TrackBoxes, Tracklet

CAMERAS = ["a", "b", "c"]
CALIBRATION = Calibration(midpoint=0.5, slope=30.0, one_percent=0.6, decade=0.1)
"""A link needs a similarity of 0.6, a merge of 0.677."""

Message = Tracklet | CameraProgress


def look(angle: float) -> Feature:
    """Looks in a plane: their similarity is the cosine of the angle between them."""
    feature = np.zeros(8)
    feature[:2] = np.cos(angle), np.sin(angle)
    return feature.astype(np.float32)


def seen(
    tracklet_id: str,
    start: float,
    end: float,
    angle: float,
    *,
    version: int = 1,
    is_final: bool = True,
) -> Tracklet:
    return Tracklet(
        tracklet_id=tracklet_id,
        version=version,
        camera_id=tracklet_id.partition("-")[0],
        started_at=start,
        ended_at=end,
        emitted_at=end,
        boxes=TrackBoxes(
            np.array([0, 1]),
            np.array([start, end]),
            np.array([[0, 0, 10, 20]] * 2, np.float32),
            np.array([1, 1], np.float32),
        ),
        feature=look(angle),
        quality=0.5,
        space="test:1",
        is_final=is_final,
    )


def matcher(*, corrections: bool = True, overlap: bool = False) -> Matcher:
    return Matcher(
        policy=MatchPolicy(corrections=corrections),
        topology=Topology(CAMERAS, default=CameraPair(overlap=overlap)),
        calibration=CALIBRATION,
    )


def worked(linker: Matcher, *messages: Message) -> list[Step]:
    for message in messages:
        linker.offer(message)
    return linker.last_steps()


def corrections(steps: Sequence[Step]) -> list[Correction]:
    return [step for step in steps if isinstance(step, Correction)]


def half_turned() -> list[Tracklet]:
    """Front, back, and then twice something between: the back becomes the front's."""
    return [
        seen("a-1-1", 10.0, 12.0, 0.0),
        seen("b-1-1", 20.0, 22.0, 1.0),
        seen("c-1-1", 30.0, 32.0, 0.49),
        seen("b-1-2", 40.0, 42.0, 0.5),
    ]


def test_two_that_are_mutually_alike_are_merged_into_the_older() -> None:
    linker = matcher()
    assert corrections(worked(linker, *half_turned()[:3])) == []

    steps = worked(linker, half_turned()[3])

    (merge,) = corrections(steps)
    assert merge == Correction(
        kind="merge",
        subject_ids=("P2", "P1"),
        by=MATCHER,
        why="alike, and a tracklet was likely of both",
        made_at=42.5,
        effects=merge.effects,
        is_automatic=True,
        similarity=merge.similarity,
        probability=merge.probability,
    )
    assert merge.effects.moves == (Move("b-1-1", "P2", "P1"),)
    assert merge.effects.merged == (Alias("P2", "P1"),)
    assert merge.similarity == pytest.approx(np.cos(0.51), abs=1e-3)
    assert merge.probability == pytest.approx(
        float(CALIBRATION.probability(np.cos(0.51))), abs=1e-3
    )
    assert linker.stats.num_identities == 1
    (decision,) = [d for step in worked(linker, seen("a-1-9", 50.0, 51.0, 1.3)) for d in step]  # type: ignore[union-attr]
    assert decision.identity_id == "P1"


def test_nothing_is_corrected_if_that_is_not_wanted() -> None:
    linker = matcher(corrections=False)
    assert corrections(worked(linker, *half_turned())) == []
    assert linker.stats.num_identities == 2


def test_separated_identities_are_not_merged() -> None:
    linker = matcher()
    worked(linker, *half_turned()[:2])
    linker.respect([cannot("P1", "P2")])
    assert corrections(worked(linker, *half_turned()[2:])) == []


def test_those_who_were_in_two_places_at_once_are_not_merged() -> None:
    messages = half_turned()
    messages[1] = seen("b-1-1", 11.0, 12.0, 1.0)
    assert corrections(worked(matcher(), *messages)) == []
    assert len(corrections(worked(matcher(overlap=True), *messages))) == 1


def clashing() -> list[Tracklet]:
    """A track that seemed to be over goes on, beside another one of the same person."""
    return [
        seen("a-1-1", 10.0, 12.0, 0.0, is_final=False),
        seen("a-1-2", 200.0, 205.0, 0.2),
        seen("a-1-1", 10.0, 203.0, 0.0, version=2),
    ]


def test_tracklet_that_cannot_be_the_same_person_is_split_off() -> None:
    linker = matcher()
    assert corrections(worked(linker, *clashing()[:2])) == []
    assert linker.stats.num_identities == 1

    (split,) = corrections(worked(linker, clashing()[2]))

    assert (split.kind, split.subject_ids, split.is_automatic) == ("split", ("P1", "a-1-2"), True)
    assert split.effects.moves == (Move("a-1-2", "P1", "P2"),)
    assert "a-1-1" in split.why
    assert linker.stats.num_identities == 2


def test_the_one_that_clashes_with_all_others_is_split_off() -> None:
    linker = matcher()
    worked(linker, *clashing()[:2], seen("b-1-7", 150.0, 151.0, 0.1))
    (split,) = corrections(worked(linker, clashing()[2]))
    assert split.effects.moves == (Move("a-1-1", "P1", "P2"),)


def test_confirmed_tracklets_are_not_split_off() -> None:
    linker = matcher()
    worked(linker, *clashing()[:2])
    linker.respect([must("a-1-2", "P1")])
    (split,) = corrections(worked(linker, clashing()[2]))
    assert split.effects.moves == (Move("a-1-1", "P1", "P2"),)

    linker = matcher()
    worked(linker, *clashing()[:2])
    linker.respect([must("a-1-1", "P1"), must("a-1-2", "P1")])
    assert corrections(worked(linker, clashing()[2])) == []


def test_constraints_follow_a_merge() -> None:
    linker = matcher()
    worked(linker, seen("a-1-8", 1.0, 2.0, 2.5), *half_turned()[:2])
    linker.respect([cannot("P1", "P3")])  # P3 is b-1-1, which becomes P2
    worked(linker, *half_turned()[2:])
    assert linker.decision("b-1-1") is not None
    assert linker._roster.constraints.all == {cannot("P1", "P2")}


# --- any site -----------------------------------------------------------------------------------


def site_messages(seed: int) -> list[list[Message]]:
    """What three cameras say of people whose looks vary much, window by window."""
    rng = random.Random(seed)
    told: list[tuple[float, Message]] = []
    number = 0
    for who in range(rng.randint(1, 3)):
        at = rng.uniform(0, 5)
        for _ in range(rng.randint(2, 6)):
            number += 1
            end = at + rng.uniform(0.3, 9)
            name = f"{rng.choice(CAMERAS)}-1-{number}"
            for version, moment in enumerate((at + 0.2, end), 1):
                angle = 1.4 * who + rng.uniform(-0.7, 0.7)
                tracklet = seen(
                    name, at, moment, angle, version=version, is_final=rng.random() < version / 2
                )
                told.append((tracklet.emitted_at, tracklet))
            at = end + rng.choice([0.0, 1.0, 3.0, 130.0])
    last = max(at for at, _ in told) + 1
    windows: list[list[Message]] = []
    for begin in sorted({at // 0.5 * 0.5 for at, _ in told} | {last // 0.5 * 0.5}):
        inside: list[Message] = [m for at, m in told if begin <= at < begin + 0.5]
        windows.append(
            [
                *inside,
                *(CameraProgress(c, begin + 0.5, 0, 1, "running", False, "") for c in CAMERAS),
            ]
        )
    return windows


def plain(steps: Sequence[Step]) -> list[Correction | Decision]:
    return [part for step in steps for part in (step if isinstance(step, list) else [step])]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_corrections_come_to_rest_and_do_not_depend_on_order(seed: int, overlap: bool) -> None:
    windows = site_messages(seed)
    one, other = matcher(overlap=overlap), matcher(overlap=overlap)
    first: list[Step] = []
    for window in windows:
        for message in window:
            one.offer(message)
        steps = one.steps()
        first += steps
        for step in steps:
            if isinstance(step, list):
                assert one._corrections(step) == []
    for window in windows:
        tracklets = [m for m in window if isinstance(m, Tracklet)]
        random.Random(seed).shuffle(tracklets)
        for tracklet in tracklets:
            other.offer(tracklet)
        for message in window:
            if isinstance(message, CameraProgress):
                other.offer(message)
    assert plain(other.steps()) == plain(first)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 100), st.booleans())
def test_restart_after_any_step_changes_nothing(seed: int, cut: int, overlap: bool) -> None:
    """Also where a process dies between a window and its corrections."""
    windows = site_messages(seed)
    whole = matcher(overlap=overlap)
    tracklets = {
        (m.tracklet_id, m.version): m for w in windows for m in w if isinstance(m, Tracklet)
    }
    expected = plain(_run(whole, windows))
    num_kept = cut % (len(expected) + 1)

    kept: list[Correction | Decision] = []
    for step in _run(matcher(overlap=overlap), windows):
        if len(kept) >= num_kept:
            break
        kept += step if isinstance(step, list) else [step]
    latest: dict[str, Decision] = {}
    next_number = 1
    for part in kept:
        if isinstance(part, Correction):
            for move in part.effects.moves:
                latest[move.tracklet_id] = _moved(latest[move.tracklet_id], move.to_id)
                next_number = max(next_number, int(move.to_id[1:]) + 1)
        else:
            latest.pop(part.tracklet_id, None)
            latest[part.tracklet_id] = part
            next_number = max(next_number, int(part.identity_id[1:]) + 1)
    again = matcher(overlap=overlap)
    again.restore(
        [(d, tracklets[d.tracklet_id, d.version]) for d in latest.values()],
        next_identity_number=next_number,
    )
    assert [*kept, *plain(_run(again, windows))] == expected


def _run(linker: Matcher, windows: list[list[Message]]) -> list[Step]:
    steps: list[Step] = []
    for window in windows:
        for message in window:
            linker.offer(message)
        steps += linker.steps()
    return steps


def _moved(decision: Decision, identity_id: str) -> Decision:
    return replace(decision, identity_id=identity_id)
