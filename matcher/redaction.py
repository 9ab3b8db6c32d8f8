"""Events without a forgotten person: everything that ties something to them is taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from matcher.correction import Correction, Effects, Move
from matcher.decision import Decision
from matcher.event_log import StoreEvent
from matcher.id_words import id_words
from matcher.reasons import Reasons
from matcher.sighting import Sighting


@dataclass(frozen=True, slots=True)
class Redaction:
    """Who is taken out.

    Attributes:
        identity_ids: The person's ids.
        tracklet_ids: The person's tracklets.
        identity_of: Who another tracklet is now; where an event says that it once was taken for the
            person, this is put instead.
    """

    identity_ids: frozenset[str]
    tracklet_ids: frozenset[str]
    identity_of: Callable[[str], str | None]

    @property
    def names(self) -> frozenset[str]:
        """All ids that are taken out."""
        return self.identity_ids | self.tracklet_ids

    def event(self, event: StoreEvent) -> StoreEvent:
        """The event without the person; itself if it has no tie."""
        correction = event.correction
        if correction is not None:
            return replace(event, correction=self._correction(correction))
        kept = [d for d in event.decisions if d.tracklet_id not in self.tracklet_ids]
        return replace(event, decisions=tuple(self._decision(decision) for decision in kept))

    def sighting(self, sighting: Sighting) -> Sighting:
        """Somebody else's sighting without the person; itself if it has no tie."""
        reasons = self._reasons(sighting.reasons)
        if sighting.runner_up_id in self.identity_ids:
            return replace(sighting, runner_up_id=None, runner_up_probability=None, reasons=reasons)
        return sighting if reasons == sighting.reasons else replace(sighting, reasons=reasons)

    def _decision(self, decision: Decision) -> Decision:
        changed = replace(decision, reasons=self._reasons(decision.reasons))
        if changed.runner_up_id in self.identity_ids:
            changed = replace(changed, runner_up_id=None, runner_up_probability=None)
        return replace(changed, identity_id=self._identity(decision.tracklet_id, decision))

    def _identity(self, tracklet_id: str, decision: Decision) -> str:
        if decision.identity_id not in self.identity_ids:
            return decision.identity_id
        return self.identity_of(tracklet_id) or decision.identity_id

    def _reasons(self, reasons: Reasons | None) -> Reasons | None:
        if reasons is None:
            return None
        if reasons.travelled_from in self.tracklet_ids:
            reasons = replace(reasons, travelled_from=None, travel_s=None)
        kept = tuple(e for e in reasons.exemplars if e.tracklet_id not in self.tracklet_ids)
        return reasons if kept == reasons.exemplars else replace(reasons, exemplars=kept)

    def _correction(self, correction: Correction) -> Correction:
        """What remains of a correction; of one that named the person no reason remains."""
        if correction.kind == "forgotten":
            return correction
        if correction.names().isdisjoint(self.names):
            is_named = id_words(self.names).search(correction.why.encode()) is not None
            return replace(correction, why="") if is_named else correction
        effects = correction.effects
        return replace(
            correction,
            subject_ids=tuple(n for n in correction.subject_ids if n not in self.names),
            why="",
            effects=Effects(
                moves=tuple(self._moves(effects.moves)),
                merged=tuple(a for a in effects.merged if self._is_free(a.identity_id, a.into_id)),
                parted=tuple(a for a in effects.parted if self._is_free(a.identity_id, a.into_id)),
                imposed=tuple(c for c in effects.imposed if self._is_free(*c.names)),
                lifted=tuple(c for c in effects.lifted if self._is_free(*c.names)),
            ),
        )

    def _moves(self, moves: Iterable[Move]) -> Iterable[Move]:
        for move in moves:
            if move.tracklet_id in self.tracklet_ids:
                continue
            now = self.identity_of(move.tracklet_id)
            from_id, to_id = (
                now if name in self.identity_ids else name for name in (move.from_id, move.to_id)
            )
            if from_id and to_id and from_id != to_id:
                yield Move(move.tracklet_id, from_id, to_id)

    def _is_free(self, *names: str) -> bool:
        return self.names.isdisjoint(names)
