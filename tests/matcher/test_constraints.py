from __future__ import annotations

import pytest

from matcher.constraints import Constraints
from matcher.correction import Constraint, cannot, must

WHO = {"a-1-1": "P1", "a-1-2": "P1", "b-1-1": "P2", "b-1-2": "P3"}


@pytest.mark.parametrize(
    ("constraint", "tracklet_id", "identity_id", "is_forbidden"),
    [
        (must("a-1-1", "P1"), "a-1-1", "P2", True),
        (must("a-1-1", "P1"), "a-1-1", "P1", False),
        (must("a-1-1", "P1"), "a-1-2", "P2", False),
        (cannot("P1", "P2"), "a-1-1", "P2", True),
        (cannot("P1", "P2"), "b-1-1", "P1", True),
        (cannot("P1", "P2"), "a-1-1", "P3", False),
        (cannot("P1", "P2"), "new-1-1", "P2", False),
        (cannot("a-1-1", "b-1-1"), "a-1-1", "P2", True),
        (cannot("a-1-1", "b-1-1"), "b-1-1", "P1", True),
        (cannot("a-1-1", "b-1-1"), "a-1-2", "P2", False),
        (cannot("a-1-1", "P2"), "a-1-1", "P2", True),
        (cannot("b-1-1", "P1"), "a-1-1", "P2", True),
    ],
)
def test_what_is_forbidden(
    constraint: Constraint, tracklet_id: str, identity_id: str, *, is_forbidden: bool
) -> None:
    assert Constraints([constraint]).forbid(tracklet_id, identity_id, WHO.get) is is_forbidden


def test_nothing_is_forbidden_without_constraints() -> None:
    assert not Constraints().forbid("a-1-1", "P2", WHO.get)
    assert not Constraints().separate("P1", "P2", WHO.get)
    assert Constraints().home("a-1-1") is None


@pytest.mark.parametrize("constraint", [cannot("P2", "P1"), cannot("a-1-2", "b-1-1")])
def test_who_cannot_be_one(constraint: Constraint) -> None:
    constraints = Constraints([constraint, cannot("P1", "P9")])
    assert constraints.separate("P1", "P2", WHO.get)
    assert constraints.separate("P2", "P1", WHO.get)
    assert not constraints.separate("P1", "P3", WHO.get)


def test_identities_go_by_other_ids_when_they_are_renamed() -> None:
    constraints = Constraints([cannot("P1", "P3"), must("b-1-2", "P3")]).renamed({"P3": "P2"})
    assert constraints.all == {cannot("P1", "P2"), must("b-1-2", "P2")}
    assert list(constraints.confirmed) == ["b-1-2"]
