"""The constraints in force: which tracklet must be whom, and who cannot be one person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from matcher.correction import Constraint, cannot, must

IdentityOf = Callable[[str], str | None]
"""The identity of a tracklet now; None if it is not known."""


class Constraints:
    """A set of constraints, asked while tracklets are judged. Does not change.

    Args:
        constraints: In any order. Identities in them go by the ids that they have now.
    """

    def __init__(self, constraints: Iterable[Constraint] = ()) -> None:
        self.all = frozenset(constraints)
        self._home = {c.one: c.other for c in self.all if c.kind == "must"}
        self._apart: dict[str, set[str]] = {}
        for constraint in self.all:
            if constraint.kind == "cannot":
                for name, other in (constraint.names, reversed(constraint.names)):
                    self._apart.setdefault(name, set()).add(other)

    @property
    def confirmed(self) -> Collection[str]:
        """Tracklets that were confirmed to be somebody."""
        return self._home.keys()

    def home(self, tracklet_id: str) -> str | None:
        """The identity that a tracklet was confirmed to be; None if it was not."""
        return self._home.get(tracklet_id)

    def forbid(self, tracklet_id: str, identity_id: str, identity_of: IdentityOf) -> bool:
        """The tracklet cannot be this identity's."""
        if not self.all:
            return False
        home = self._home.get(tracklet_id)
        if home is not None and home != identity_id:
            return True
        names = (tracklet_id, identity_of(tracklet_id))
        return any(
            identity_id in (other, identity_of(other))
            for name in names
            if name is not None
            for other in self._apart.get(name, ())
        )

    def separate(self, one: str, other: str, identity_of: IdentityOf) -> bool:
        """The two identities cannot be one person."""
        wanted = {one, other}
        return any(
            {_person(c.one, identity_of), _person(c.other, identity_of)} == wanted
            for c in self.all
            if c.kind == "cannot"
        )

    def renamed(self, names: Mapping[str, str]) -> Constraints:
        """The same, where identities go by other ids now: old to new."""
        return Constraints(renamed(constraint, names) for constraint in self.all)


def renamed(constraint: Constraint, names: Mapping[str, str]) -> Constraint:
    """The constraint with the ids that its identities have now.

    >>> renamed(cannot("P2", "cam1-1-4"), {"P2": "P1"})
    Constraint(kind='cannot', one='P1', other='cam1-1-4')
    """
    one, other = (names.get(name, name) for name in constraint.names)
    return cannot(one, other) if constraint.kind == "cannot" else must(one, other)


def _person(name: str, identity_of: IdentityOf) -> str:
    return identity_of(name) or name
