"""The roster: who is known so far, by which features, and where they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from matcher.constraints import Constraints
from matcher.decision import Decision
from matcher.exemplars import Member, choose_exemplars
from matcher.gallery import Gallery
from matcher.occupancy import Occupancy
from matcher.presence import Presence
from matcher.similarity import HalfFeature, similarities
from matcher.topology import Topology

_POOL = 4
"""The newest tracklets of an identity in a camera may be exemplars: so many for each one wanted."""


@dataclass(slots=True, eq=False)
class _Known:
    """What is known of one identity.

    Attributes:
        space: Of its newest tracklet's feature; those of other spaces only say where it was.
        tracklet_ids: All its tracklets.
        recent: Those whose features are kept, of any space, by camera and tracklet id.
        occupancy: Where it was.
        exemplars: By key of the gallery.
    """

    space: str
    tracklet_ids: set[str] = field(default_factory=set)
    recent: dict[str, dict[str, Member]] = field(default_factory=dict)
    occupancy: Occupancy = field(default_factory=Occupancy)
    exemplars: dict[int, Member] = field(default_factory=dict)

    def members(self) -> list[Member]:
        """Those of its space whose features are kept."""
        return [
            member
            for camera in self.recent.values()
            for member in camera.values()
            if member.space == self.space
        ]

    def settle(self) -> None:
        """Takes the space of the newest tracklet, as after a change of the model."""
        kept = [member for camera in self.recent.values() for member in camera.values()]
        if kept:
            self.space = max(kept, key=lambda m: _start(m.decision)).space


class Roster:
    """Identities with their tracklets, exemplars and whereabouts.

    What it knows depends on the latest version and decision of every tracklet only, not on the
    order in which they came, so that it is the same when it is rebuilt from a store. After `put`
    and `expire`, `refresh` brings the exemplars up to date.

    Args:
        topology: Of the site.
        per_camera: Exemplars of an identity and camera, >= 1.
        least_similarity: Of a space: similarity from which two features rather are of one person.
    """

    def __init__(
        self, topology: Topology, *, per_camera: int, least_similarity: Callable[[str], float]
    ) -> None:
        self._topology = topology
        self._per_camera = per_camera
        self._least_similarity = least_similarity
        self._known: dict[str, _Known] = {}
        self._decisions: dict[str, Decision] = {}
        self._galleries: dict[str, Gallery] = {}
        self._identity_of: dict[int, str] = {}
        self._next_key = 0
        self._changed: set[str] = set()
        self._constraints = Constraints()

    def __len__(self) -> int:
        """Number of identities."""
        return len(self._known)

    def decision(self, tracklet_id: str) -> Decision | None:
        """The latest decision of a tracklet; None if it was not decided."""
        return self._decisions.get(tracklet_id)

    def identity_of(self, tracklet_id: str) -> str | None:
        """Identity of a tracklet; None if it was not decided."""
        decision = self._decisions.get(tracklet_id)
        return None if decision is None else decision.identity_id

    def __contains__(self, identity_id: str) -> bool:
        """The identity is known."""
        return identity_id in self._known

    def tracklet_ids(self, identity_id: str) -> list[str]:
        """All tracklets of an identity, sorted; none if it is not known."""
        known = self._known.get(identity_id)
        return [] if known is None else sorted(known.tracklet_ids)

    def member(self, tracklet_id: str) -> Member | None:
        """A decided tracklet with its feature; None if that is not kept."""
        decision = self._decisions[tracklet_id]
        known = self._known[decision.identity_id]
        return known.recent.get(decision.camera_id, {}).get(tracklet_id)

    def exemplars(self, identity_id: str) -> list[Member]:
        """What stands for an identity; nothing if it is not known."""
        known = self._known.get(identity_id)
        return [] if known is None else list(known.exemplars.values())

    def space(self, identity_id: str) -> str:
        """Space of a known identity's features."""
        return self._known[identity_id].space

    def dim(self, space: str) -> int | None:
        """Length of the features of a space; None if it was never met."""
        gallery = self._galleries.get(space)
        return None if gallery is None else gallery.dim

    def put(self, member: Member) -> None:
        """Adds a tracklet, or replaces what is known of it; its decision's identity may be new."""
        decision = member.decision
        known = self._enter(decision, member.space)
        if member.space not in self._galleries:
            self._galleries[member.space] = Gallery(len(member.feature))
        recent = known.recent.setdefault(decision.camera_id, {})
        recent[decision.tracklet_id] = member
        if len(recent) > _POOL * self._per_camera:
            oldest = min(recent.values(), key=lambda m: _start(m.decision))
            del recent[oldest.decision.tracklet_id]

    def move(self, tracklet_id: str, identity_id: str) -> None:
        """Gives a decided tracklet another identity, which may be new."""
        decision = replace(self._decisions[tracklet_id], identity_id=identity_id)
        member = self.member(tracklet_id)
        if member is not None:
            self.put(replace(member, decision=decision))
        else:
            self._enter(decision, self.space(self._decisions[tracklet_id].identity_id))

    def drop(self, tracklet_ids: Iterable[str]) -> int:
        """Forgets tracklets, also in the indexes; the number of those that were known."""
        gone = [self._decisions[name] for name in set(tracklet_ids) if name in self._decisions]
        for decision in gone:
            self._withdraw(decision)
            del self._decisions[decision.tracklet_id]
        self.refresh()
        for gallery in self._galleries.values():
            gallery.compact()
        return len(gone)

    def respect(self, constraints: Constraints) -> None:
        """Puts other constraints in force."""
        for constraint in self._constraints.all ^ constraints.all:
            identity_id = self.identity_of(constraint.one)
            if identity_id is not None:
                self._changed.add(identity_id)
        self._constraints = constraints
        self.refresh()

    @property
    def constraints(self) -> Constraints:
        """Those in force."""
        return self._constraints

    def expire(self, before: float) -> int:
        """Forgets the tracklets that ended before a moment; their number."""
        return self.drop([d.tracklet_id for d in self._decisions.values() if d.ended_at < before])

    def refresh(self) -> None:
        """Chooses the exemplars of identities that changed, and brings the galleries up to date."""
        for identity_id in sorted(self._changed):
            known = self._known[identity_id]
            known.settle()
            chosen = choose_exemplars(
                known.members(),
                per_camera=self._per_camera,
                least_similarity=self._least_similarity(known.space),
                confirmed=self._constraints.confirmed,
            )
            self._exchange(identity_id, known, chosen)
            if not known.tracklet_ids:
                del self._known[identity_id]
        self._changed.clear()

    def nearest(
        self, space: str, features: list[HalfFeature], num: int, *, least: float
    ) -> list[dict[str, float]]:
        """For each feature the nearest identities, with the similarity of their nearest exemplar.

        Args:
            space: Of the features; no other is compared.
            features: N of (D,).
            num: Exemplars that are looked at; more where all of them have at least `least`.
            least: Identities with a smaller similarity do not matter.
        """
        gallery = self._galleries.get(space)
        if gallery is None or not features:
            return [{} for _ in features]
        queries = np.stack(features).astype(np.float32)
        found = gallery.search(queries, num)
        for row, hits in enumerate(found):
            wide = num
            while len(hits) == wide < len(gallery) and hits[-1][1] >= least and wide < 16 * num:
                wide *= 4
                hits = gallery.search(queries[row : row + 1], wide)[0]  # noqa: PLW2901
            found[row] = hits
        return [self._by_identity(hits) for hits in found]

    def similarities(self, identity_id: str, features: Sequence[HalfFeature]) -> list[float] | None:
        """Similarities of N features to the nearest exemplar of an identity.

        None if it has no exemplars, because it is not known (any more).
        """
        known = self._known.get(identity_id)
        if known is None or not known.exemplars:
            return None
        stored = [member.feature for member in known.exemplars.values()]
        alike = similarities(stored, features)
        return [float(row.max()) for row in alike]

    def num_exemplars(self, identity_id: str) -> int:
        """Exemplars of a known identity."""
        return len(self._known[identity_id].exemplars)

    def support(self, tracklet_id: str, feature: HalfFeature) -> float | None:
        """Similarity of a feature to the nearest of the other tracklets of a tracklet's identity.

        None if there are no others.
        """
        known = self._known[self._decisions[tracklet_id].identity_id]
        others = [m.feature for m in known.members() if m.decision.tracklet_id != tracklet_id]
        return float(similarities(others, [feature]).max()) if others else None

    def odds(self, identity_id: str, presence: Presence) -> float:
        """Factor on the odds that a presence is the identity's, from place and time; 0: never.

        Never, too, where a constraint forbids it.
        """
        if self._constraints.forbid(presence.tracklet_id, identity_id, self.identity_of):
            return 0.0
        return self._known[identity_id].occupancy.odds(presence, self._topology)

    def may_leave(self, tracklet_id: str) -> bool:
        """A decided tracklet may change its identity.

        It is not confirmed to be that one's, and all features of that one are still kept.
        """
        if self._constraints.home(tracklet_id) is not None:
            return False
        known = self._known[self._decisions[tracklet_id].identity_id]
        return len(known.members()) == len(known.tracklet_ids)

    def clashes(self, tracklet_id: str) -> list[Presence]:
        """Other tracklets of a tracklet's identity that one person cannot have made with it."""
        decision = self._decisions[tracklet_id]
        return self._known[decision.identity_id].occupancy.conflicts(decision, self._topology)

    def before(self, tracklet_id: str) -> Presence | None:
        """Where its identity was before a tracklet; None: nowhere."""
        decision = self._decisions[tracklet_id]
        return self._known[decision.identity_id].occupancy.before(decision)

    def _enter(self, decision: Decision, space: str) -> _Known:
        """Puts a tracklet, that may be known, into the identity of a decision, that may be new."""
        former = self._decisions.get(decision.tracklet_id)
        if former is not None:
            self._withdraw(former)
        self._decisions[decision.tracklet_id] = decision
        known = self._known.setdefault(decision.identity_id, _Known(space))
        known.tracklet_ids.add(decision.tracklet_id)
        known.occupancy.add(decision)
        self._changed.add(decision.identity_id)
        return known

    def _withdraw(self, decision: Decision) -> None:
        """Takes a tracklet out of its identity."""
        known = self._known[decision.identity_id]
        known.tracklet_ids.discard(decision.tracklet_id)
        known.occupancy.remove(decision)
        known.recent.get(decision.camera_id, {}).pop(decision.tracklet_id, None)
        self._changed.add(decision.identity_id)

    def _exchange(self, identity_id: str, known: _Known, chosen: Iterable[Member]) -> None:
        """Makes these members the exemplars of an identity, in the gallery too."""
        wanted = {id(member): member for member in chosen}
        gone = [key for key, member in known.exemplars.items() if id(member) not in wanted]
        for key in gone:
            self._galleries[known.exemplars[key].space].remove([key])
            del known.exemplars[key], self._identity_of[key]
        present = {id(member) for member in known.exemplars.values()}
        added = []
        for member in wanted.values():
            if id(member) not in present:
                added.append((self._next_key, member.feature))
                known.exemplars[self._next_key] = member
                self._identity_of[self._next_key] = identity_id
                self._next_key += 1
        self._galleries[known.space].add(added)

    def _by_identity(self, hits: Iterable[tuple[int, float]]) -> dict[str, float]:
        best: dict[str, float] = {}
        for key, similarity in hits:
            best.setdefault(self._identity_of[key], similarity)
        return best


def _start(presence: Presence) -> tuple[float, str]:
    return presence.started_at, presence.tracklet_id
