"""The correction: what an operator or later evidence changed about who is who, and how to undo it.

A correction says in full what it changes, so that it can be applied again, undone, and replayed
from the event stream without knowing why it was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

CorrectionKind = Literal[
    "merge", "split", "move", "confirm", "separate", "undo", "forgotten", "re-embedded"
]
ConstraintKind = Literal["must", "cannot"]

MATCHER = "matcher"
"""Who makes the automatic corrections."""


@dataclass(frozen=True, slots=True)
class Move:
    """A tracklet that changes its identity."""

    tracklet_id: str
    from_id: str
    to_id: str


@dataclass(frozen=True, slots=True)
class Alias:
    """An identity's id that leads to another one's."""

    identity_id: str
    into_id: str


@dataclass(frozen=True, slots=True, order=True)
class Constraint:
    """What the matcher has to respect.

    Attributes:
        kind: ``must``: tracklet `one` is identity `other`; ``cannot``: the two, identities or
            tracklets, are different people.
        one: Of ``cannot`` the smaller id.
        other: The other.
    """

    kind: ConstraintKind
    one: str
    other: str

    @property
    def names(self) -> tuple[str, str]:
        """Both ids."""
        return self.one, self.other


def must(tracklet_id: str, identity_id: str) -> Constraint:
    """The tracklet is the identity."""
    return Constraint("must", tracklet_id, identity_id)


def cannot(one: str, other: str) -> Constraint:
    """Two identities or tracklets are different people; the order does not matter.

    >>> cannot("P2", "P1") == cannot("P1", "P2")
    True
    """
    return Constraint("cannot", min(one, other), max(one, other))


@dataclass(frozen=True, slots=True)
class Effects:
    """What a correction changes.

    Attributes:
        moves: Tracklets that change their identity, each once.
        merged: Ids that lead to another one from now on.
        parted: Ids that stand for themselves again.
        imposed: Constraints from now on.
        lifted: Constraints no more.
    """

    moves: tuple[Move, ...] = ()
    merged: tuple[Alias, ...] = ()
    parted: tuple[Alias, ...] = ()
    imposed: tuple[Constraint, ...] = ()
    lifted: tuple[Constraint, ...] = ()

    def __bool__(self) -> bool:
        """Something changes."""
        return any((self.moves, self.merged, self.parted, self.imposed, self.lifted))

    def reverse(self) -> Effects:
        """What takes these effects back.

        >>> effects = Effects(moves=(Move("cam1-1-1", "P2", "P1"),), merged=(Alias("P2", "P1"),))
        >>> effects.reverse().moves
        (Move(tracklet_id='cam1-1-1', from_id='P1', to_id='P2'),)
        >>> effects.reverse().reverse() == effects
        True
        """
        return Effects(
            moves=tuple(Move(m.tracklet_id, m.to_id, m.from_id) for m in self.moves),
            merged=self.parted,
            parted=self.merged,
            imposed=self.lifted,
            lifted=self.imposed,
        )

    def names(self) -> Iterator[str]:
        """Every id that it concerns, identities and tracklets, some more than once."""
        for move in self.moves:
            yield from (move.tracklet_id, move.from_id, move.to_id)
        for alias in (*self.merged, *self.parted):
            yield from (alias.identity_id, alias.into_id)
        for constraint in (*self.imposed, *self.lifted):
            yield from constraint.names


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction, as the event stream keeps it; no biometric data.

    Attributes:
        kind: What was asked for.
        subject_ids: Of whom: identities first, then tracklets.
        by: The user, or `MATCHER`.
        why: The reason, in words.
        made_at: Unix seconds: when the operator asked, or the stream time of the window at whose
            end the matcher found it.
        effects: What it changes.
        is_automatic: Made by the matcher.
        command_id: Of the operator's command; empty for the matcher's own.
        undoes: Number of the event that it takes back; None for other kinds.
        similarity: Evidence of an automatic one, in [-1, 1].
        probability: Of the evidence, in [0, 1].
    """

    kind: CorrectionKind
    subject_ids: tuple[str, ...]
    by: str
    why: str
    made_at: float
    effects: Effects = field(default_factory=Effects)
    is_automatic: bool = False
    command_id: str = ""
    undoes: int | None = None
    similarity: float | None = None
    probability: float | None = None

    def names(self) -> frozenset[str]:
        """Every id that it concerns, identities and tracklets."""
        return frozenset((*self.subject_ids, *self.effects.names()))
