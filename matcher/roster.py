"""The roster: who is known so far, by which features, and where they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

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
        space: Of its features; it has no others.
        tracklet_ids: All its tracklets.
        recent: Those whose features are kept, by camera and tracklet id.
        occupancy: Where it was.
        exemplars: By key of the gallery.
    """

    space: str
    tracklet_ids: set[str] = field(default_factory=set)
    recent: dict[str, dict[str, Member]] = field(default_factory=dict)
    occupancy: Occupancy = field(default_factory=Occupancy)
    exemplars: dict[int, Member] = field(default_factory=dict)

    def members(self) -> list[Member]:
        """Those whose features are kept."""
        return [member for camera in self.recent.values() for member in camera.values()]


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

    def __len__(self) -> int:
        """Number of identities."""
        return len(self._known)

    def decision(self, tracklet_id: str) -> Decision | None:
        """The latest decision of a tracklet; None if it was not decided."""
        return self._decisions.get(tracklet_id)

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
        former = self._decisions.get(decision.tracklet_id)
        if former is not None:
            self._withdraw(former)
        self._decisions[decision.tracklet_id] = decision
        known = self._known.setdefault(decision.identity_id, _Known(member.space))
        known.tracklet_ids.add(decision.tracklet_id)
        known.occupancy.add(decision)
        recent = known.recent.setdefault(decision.camera_id, {})
        recent[decision.tracklet_id] = member
        if len(recent) > _POOL * self._per_camera:
            oldest = min(recent.values(), key=lambda m: _start(m.decision))
            del recent[oldest.decision.tracklet_id]
        self._changed.add(decision.identity_id)
        if member.space not in self._galleries:
            self._galleries[member.space] = Gallery(len(member.feature))

    def expire(self, before: float) -> int:
        """Forgets the tracklets that ended before a moment; their number."""
        expired = [d for d in self._decisions.values() if d.ended_at < before]
        for decision in expired:
            self._withdraw(decision)
            del self._decisions[decision.tracklet_id]
        self.refresh()
        return len(expired)

    def refresh(self) -> None:
        """Chooses the exemplars of identities that changed, and brings the galleries up to date."""
        for identity_id in sorted(self._changed):
            known = self._known[identity_id]
            chosen = choose_exemplars(
                known.members(),
                per_camera=self._per_camera,
                least_similarity=self._least_similarity(known.space),
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
        """Factor on the odds that a presence is the identity's, from place and time; 0: never."""
        return self._known[identity_id].occupancy.odds(presence, self._topology)

    def may_leave(self, tracklet_id: str) -> bool:
        """A decided tracklet may change its identity: all features of that one are still kept."""
        known = self._known[self._decisions[tracklet_id].identity_id]
        return len(known.members()) == len(known.tracklet_ids)

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
        gallery = self._galleries[known.space]
        gone = [key for key, member in known.exemplars.items() if id(member) not in wanted]
        for key in gone:
            del known.exemplars[key], self._identity_of[key]
        gallery.remove(gone)
        present = {id(member) for member in known.exemplars.values()}
        added = []
        for member in wanted.values():
            if id(member) not in present:
                added.append((self._next_key, member.feature))
                known.exemplars[self._next_key] = member
                self._identity_of[self._next_key] = identity_id
                self._next_key += 1
        gallery.add(added)

    def _by_identity(self, hits: Iterable[tuple[int, float]]) -> dict[str, float]:
        best: dict[str, float] = {}
        for key, similarity in hits:
            best.setdefault(self._identity_of[key], similarity)
        return best


def _start(presence: Presence) -> tuple[float, str]:
    return presence.started_at, presence.tracklet_id
