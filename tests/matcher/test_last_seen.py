"""Tests of where everybody was seen last."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.last_seen import LastSeen


def told(last_seen: LastSeen, moment: float) -> list[tuple[int, float]]:
    """Camera and end of those that began before a moment, sorted."""
    cameras, ends = last_seen.before(moment)
    return sorted(zip(cameras.tolist(), ends.tolist(), strict=True))


def test_nobody_was_seen_at_the_beginning() -> None:
    last_seen = LastSeen()

    assert len(last_seen) == 0
    assert last_seen.of("P1") is None
    assert told(last_seen, 99.0) == []


def test_the_sighting_that_ended_last_counts() -> None:
    last_seen = LastSeen()
    last_seen.note("P1", 0, 10.0, 20.0)
    last_seen.note("P1", 1, 5.0, 15.0)
    assert last_seen.of("P1") == (0, 10.0, 20.0)

    last_seen.note("P1", 2, 30.0, 31.0)

    assert last_seen.of("P1") == (2, 30.0, 31.0)
    assert told(last_seen, 30.0) == []
    assert told(last_seen, 30.1) == [(2, 31.0)]


def test_two_who_were_one_are_folded() -> None:
    last_seen = LastSeen()
    last_seen.note("P1", 0, 10.0, 20.0)
    last_seen.note("P2", 1, 30.0, 40.0)

    last_seen.fold("P2", "P1")
    last_seen.fold("P9", "P1")

    assert len(last_seen) == 1
    assert last_seen.of("P1") == (1, 30.0, 40.0)


def test_who_is_dropped_or_expired_is_gone() -> None:
    last_seen = LastSeen()
    for number in range(40):
        last_seen.note(f"P{number}", number, float(number), number + 1.0)

    last_seen.drop(["P3", "P39", "nobody"])
    last_seen.expire(30.0)

    assert [camera for camera, _ in told(last_seen, 99.0)] == list(range(29, 39))
    assert last_seen.of("P3") is None
    assert last_seen.of("P35") == (35, 35.0, 36.0)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["note", "drop"]), st.integers(0, 5), st.integers(0, 30)),
        max_size=40,
    )
)
def test_the_columns_say_the_same_as_a_dictionary(steps: list[tuple[str, int, int]]) -> None:
    """Independent derivation: a plain dictionary."""
    last_seen, plain = LastSeen(), dict[str, tuple[int, float, float]]()
    for what, number, at in steps:
        name = f"P{number}"
        if what == "drop":
            last_seen.drop([name])
            plain.pop(name, None)
        else:
            last_seen.note(name, number, float(at), at + 1.0)
            if name not in plain or plain[name][2] < at + 1:
                plain[name] = (number, float(at), at + 1.0)

    assert {name: last_seen.of(name) for name in plain} == plain
    assert told(last_seen, 15.0) == sorted((c, e) for c, s, e in plain.values() if s < 15)
