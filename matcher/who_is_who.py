"""Who is who after some events: what the store keeps, rebuilt from the event stream alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from matcher.correction import Constraint, Correction
from matcher.decision import Decision
from matcher.event_log import StoreEvent
from matcher.identity import Identity


def heir(departed: Mapping[str, str]) -> str:
    """The identity to which the id of one leads that all tracklets have left.

    Args:
        departed: The last tracklets that left, at one time, with their new identities; not empty.

    >>> heir({"cam1-1-2": "P1", "cam1-1-7": "P3"})
    'P3'
    """
    return departed[max(departed)]


def followed(identity_id: str, aliases: Mapping[str, str]) -> str:
    """The id to which an id leads; itself if it leads nowhere.

    >>> followed("P3", {"P3": "P2", "P2": "P1"})
    'P1'
    """
    seen = {identity_id}
    while (into := aliases.get(identity_id)) is not None and into not in seen:
        seen.add(into)
        identity_id = into
    return identity_id


class WhoIsWho:
    """The newest decision of every tracklet, with the identity that corrections gave it.

    Events are followed in order. What events said that are not kept any more is missing.
    """

    def __init__(self) -> None:
        self.number = 0
        """Of the last event that was followed."""
        self.decisions: dict[str, Decision] = {}
        """By tracklet, in order of decision."""
        self.aliases: dict[str, str] = {}
        """Ids that lead to another one."""
        self.constraints: dict[Constraint, int] = {}
        """Constraints in force, with the number of their event."""
        self._members: dict[str, set[str]] = {}

    def follow(self, event: StoreEvent) -> None:
        """Takes in the next event."""
        self.number = event.number
        if event.correction is not None:
            self._correct(event.correction)
        self._decide(event.decisions)

    def resolve(self, identity_id: str) -> str:
        """The id by which an identity went then."""
        return followed(identity_id, self.aliases)

    def identities(self) -> list[Identity]:
        """Identities in order of their number."""
        return [
            _identity(identity_id, self.tracklets(identity_id))
            for identity_id in sorted(self._members, key=lambda name: (len(name), name))
        ]

    def tracklets(self, identity_id: str) -> list[Decision]:
        """An identity's tracklets in order of start; empty if there was none of this id."""
        found = [self.decisions[name] for name in self._members.get(identity_id, ())]
        return sorted(found, key=lambda d: (d.started_at, d.tracklet_id))

    def _decide(self, decisions: Iterable[Decision]) -> None:
        departed: dict[str, dict[str, str]] = {}
        for decision in decisions:
            former = self.decisions.pop(decision.tracklet_id, None)
            self.decisions[decision.tracklet_id] = decision
            if former is not None and former.identity_id != decision.identity_id:
                self._leave(decision.tracklet_id, former.identity_id)
                left = departed.setdefault(former.identity_id, {})
                left[decision.tracklet_id] = decision.identity_id
            self._members.setdefault(decision.identity_id, set()).add(decision.tracklet_id)
        for identity_id, left in departed.items():
            if identity_id not in self._members:
                self.aliases[identity_id] = heir(left)

    def _correct(self, correction: Correction) -> None:
        effects = correction.effects
        for move in effects.moves:
            known = self.decisions.get(move.tracklet_id)
            if known is None or known.identity_id != move.from_id:
                continue
            self._leave(move.tracklet_id, move.from_id)
            self.decisions[move.tracklet_id] = replace(known, identity_id=move.to_id)
            self._members.setdefault(move.to_id, set()).add(move.tracklet_id)
        for alias in effects.parted:
            self.aliases.pop(alias.identity_id, None)
        for alias in effects.merged:
            self.aliases[alias.identity_id] = alias.into_id
        for constraint in effects.lifted:
            self.constraints.pop(constraint, None)
        for constraint in effects.imposed:
            self.constraints[constraint] = self.number

    def _leave(self, tracklet_id: str, identity_id: str) -> None:
        members = self._members[identity_id]
        members.discard(tracklet_id)
        if not members:
            del self._members[identity_id]


def _identity(identity_id: str, tracklets: list[Decision]) -> Identity:
    return Identity(
        identity_id=identity_id,
        first_seen_at=tracklets[0].started_at,
        last_seen_at=max(tracklet.ended_at for tracklet in tracklets),
        camera_ids=tuple(sorted({tracklet.camera_id for tracklet in tracklets})),
        num_sightings=len(tracklets),
    )
