"""Tracklets that move, are forgotten, or are of another model."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.constraints import Constraints
from matcher.correction import cannot, must
from matcher.decision import Decision
from matcher.exemplars import Member
from matcher.roster import Roster
from matcher.similarity import HalfFeature
from matcher.topology import Topology


def look(angle: float, dim: int = 4) -> HalfFeature:
    feature = np.zeros(dim, np.float16)
    feature[:2] = np.cos(angle), np.sin(angle)
    return feature


def member(
    tracklet_id: str, identity_id: str, angle: float = 0.0, *, space: str = "one", dim: int = 4
) -> Member:
    """In camera a, at 10 s for each number."""
    at = 10.0 * int(tracklet_id.rpartition("-")[2])
    decision = Decision(
        *(tracklet_id, 1, "a", at, at + 1, True, identity_id, False, True),
        *(0.9, 0.9, None, None, at + 2),
    )
    return Member(decision, look(angle, dim), 0.5, space)


@pytest.fixture
def roster() -> Roster:
    return Roster(Topology(["a", "b"]), per_camera=2, least_similarity=lambda _: 0.5)


def put(roster: Roster, *members: Member) -> None:
    for each in members:
        roster.put(each)
    roster.refresh()


def num_in_index(roster: Roster) -> int:
    return sum(gallery._index.ntotal for gallery in roster._galleries.values())


def nearest(roster: Roster, angle: float) -> dict[str, float]:
    return roster.nearest("one", [look(angle)], 5, least=0.0)[0]


def test_what_is_forgotten_is_in_no_index(roster: Roster) -> None:
    put(roster, member("a-1-1", "P1"), member("a-1-2", "P2", 1.0), member("a-1-3", "P2", 1.5))
    assert num_in_index(roster) == 3
    assert roster.drop(["a-1-2", "a-1-3", "a-1-99"]) == 2
    assert num_in_index(roster) == 1
    assert set(nearest(roster, 1.0)) == {"P1"}
    assert "P2" not in roster
    assert roster.decision("a-1-2") is None


def test_what_expired_is_in_no_index(roster: Roster) -> None:
    put(roster, member("a-1-1", "P1"), member("a-1-2", "P2", 1.0))
    assert roster.expire(15.0) == 1
    assert num_in_index(roster) == 1


def test_tracklet_that_moves_takes_its_feature_along(roster: Roster) -> None:
    put(roster, member("a-1-1", "P1"), member("a-1-2", "P2", 1.0))
    roster.move("a-1-2", "P3")
    roster.refresh()
    assert set(nearest(roster, 1.0)) == {"P1", "P3"}
    assert roster.identity_of("a-1-2") == "P3"
    assert roster.tracklet_ids("P2") == []


def test_tracklet_whose_feature_is_not_kept_moves_too(roster: Roster) -> None:
    put(roster, *(member(f"a-1-{number}", "P1", 0.3 * number) for number in range(1, 11)))
    assert roster.member("a-1-1") is None
    roster.move("a-1-1", "P2")
    roster.refresh()
    assert roster.tracklet_ids("P2") == ["a-1-1"]
    assert roster.exemplars("P2") == []
    assert len(roster.tracklet_ids("P1")) == 9


@pytest.mark.parametrize("order", [1, -1], ids=["older first", "newer first"])
def test_identity_has_the_space_of_its_newest_tracklet(roster: Roster, order: int) -> None:
    """After a change of the model; the order in which they come from the store does not matter."""
    members = [
        member("a-1-1", "P1", space="one"),
        member("a-1-2", "P1", space="two", dim=8),
        member("a-1-3", "P1", space="one"),
        member("a-1-4", "P1", space="two", dim=8),
    ]
    put(roster, *members[::order])
    assert roster.space("P1") == "two"
    assert {m.space for m in roster.exemplars("P1")} == {"two"}
    assert nearest(roster, 0.0) == {}
    assert roster.odds("P1", member("a-1-9", "P9").decision) > 0
    clashing = Decision(
        *("a-1-8", 1, "a", 10.2, 10.9, True, "P9", False, True, 0.9, 0.9, None, None, 12.0)
    )
    assert roster.odds("P1", clashing) == 0.0


def test_constraints_rule_out_and_hold(roster: Roster) -> None:
    put(roster, member("a-1-1", "P1"), member("a-1-2", "P2", 1.0))
    presence = member("a-1-2", "P2").decision
    assert roster.odds("P1", presence) == 1.0
    assert roster.may_leave("a-1-2")
    roster.respect(Constraints([cannot("P1", "P2")]))
    assert roster.odds("P1", presence) == 0.0
    roster.respect(Constraints([must("a-1-2", "P2")]))
    assert roster.odds("P1", presence) == 0.0
    assert not roster.may_leave("a-1-2")


def test_confirmed_tracklet_is_an_exemplar_however_unlike(roster: Roster) -> None:
    put(
        roster,
        member("a-1-1", "P1"),
        member("a-1-2", "P1", 0.4),
        member("a-1-3", "P1", 1.5),
    )
    assert {m.decision.tracklet_id for m in roster.exemplars("P1")} == {"a-1-1", "a-1-2"}
    roster.respect(Constraints([must("a-1-3", "P1")]))
    assert "a-1-3" in {m.decision.tracklet_id for m in roster.exemplars("P1")}
    roster.respect(Constraints())
    assert {m.decision.tracklet_id for m in roster.exemplars("P1")} == {"a-1-1", "a-1-2"}
