"""What the matcher corrects by itself at the end of a window, when later evidence says so.

Two rules, both careful. Identities are merged when a tracklet was likely of both, their exemplars
are mutually alike beyond what a link asks for, and no moment speaks against it. A tracklet is split
off when one person cannot have made it together with another tracklet of its identity. What place
and time once ruled out is never merged, and what operators ruled is not touched, so the two rules
cannot undo each other in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from matcher.candidates import Rules, identity_order
from matcher.correction import MATCHER, Alias, Correction, Effects, Move
from matcher.decision import Decision
from matcher.presence import Presence
from matcher.roster import Roster
from matcher.similarity import similarities

STRICTER = 10.0
"""The odds of a merge must be so many times those that a link needs."""


class SelfCorrection:
    """Finds corrections and makes them in the roster.

    Args:
        roster: Who is known.
        rules_of: Of a space.
        new_identity: Gives the next identity id.
    """

    def __init__(
        self,
        roster: Roster,
        rules_of: Callable[[str], Rules],
        new_identity: Callable[[], str],
    ) -> None:
        self._roster = roster
        self._rules_of = rules_of
        self._new_identity = new_identity

    def corrections(self, decisions: Sequence[Decision]) -> list[Correction]:
        """What the decisions of one window give reason for; the roster knows of it afterwards.

        Asked again with the same decisions, it finds nothing more.

        Args:
            decisions: Of one window, N >= 0, as the roster knows them.
        """
        found = list(self._splits(decisions))
        while (merge := self._merge(decisions)) is not None:
            found.append(merge)
        return found

    def _splits(self, decisions: Sequence[Decision]) -> Iterator[Correction]:
        for tracklet_id in sorted({decision.tracklet_id for decision in decisions}):
            while clash := self._clash(tracklet_id):
                leaving, staying, decided_at = clash
                yield self._split(leaving, staying, decided_at)

    def _clash(self, tracklet_id: str) -> tuple[str, str, float] | None:
        """Of two tracklets that one person cannot have made: which leaves, which stays, and when.

        That leaves which clashes with more tracklets, or else is less alike to the others. None if
        there is no such pair, or neither may leave.
        """
        decision = self._roster.decision(tracklet_id)
        if decision is None:
            return None
        for other in self._roster.clashes(tracklet_id):
            pair = sorted((tracklet_id, other.tracklet_id), reverse=True)
            pair.sort(key=lambda name: (-len(self._roster.clashes(name)), self._support(name)))
            leaving = next((name for name in pair if self._roster.may_leave(name)), None)
            if leaving is not None:
                staying = pair[1] if leaving == pair[0] else pair[0]
                return leaving, staying, decision.decided_at
        return None

    def _support(self, tracklet_id: str) -> float:
        """Similarity to another tracklet of its identity; 1 if nothing can be compared."""
        member = self._roster.member(tracklet_id)
        support = None if member is None else self._roster.support(tracklet_id, member.feature)
        return 1.0 if support is None else support

    def _split(self, leaving: str, staying: str, decided_at: float) -> Correction:
        former, new_id = self._roster.identity_of(leaving) or "", self._new_identity()
        support = self._support(leaving)
        self._roster.move(leaving, new_id)
        self._roster.refresh()
        return Correction(
            kind="split",
            subject_ids=(former, leaving),
            by=MATCHER,
            why=f"cannot be one person with {staying}: place and time",
            made_at=decided_at,
            effects=Effects(moves=(Move(leaving, former, new_id),)),
            is_automatic=True,
            similarity=support,
        )

    def _merge(self, decisions: Sequence[Decision]) -> Correction | None:
        """The first merge of two identities of which a tracklet was likely; None: there is none."""
        pairs: dict[tuple[str, str], float] = {}
        for decision in decisions:
            identity_id = self._roster.identity_of(decision.tracklet_id)
            other = decision.runner_up_id
            if identity_id is None or other is None or other not in self._roster:
                continue
            likely = self._rules_of(self._roster.space(other)).least_probability
            if other != identity_id and (decision.runner_up_probability or 0.0) >= likely:
                older, newer = sorted((identity_id, other), key=identity_order)
                pairs[older, newer] = decision.decided_at
        for older, newer in sorted(pairs, key=lambda pair: tuple(map(identity_order, pair))):
            merge = self._judged(older, newer, pairs[older, newer])
            if merge is not None:
                return merge
        return None

    def _judged(self, older: str, newer: str, decided_at: float) -> Correction | None:
        roster = self._roster
        if roster.space(older) != roster.space(newer):
            return None
        if roster.constraints.separate(older, newer, roster.identity_of):
            return None
        rules = self._rules_of(roster.space(older))
        similarity = self._mutual(older, newer)
        least = _stricter(rules.least_probability)
        if float(rules.calibration.probability(similarity)) < least:
            return None
        odds = self._odds(older, newer)
        probability = float(rules.calibration.probability(similarity, odds))
        if odds <= 0 or probability < least:
            return None
        moves = tuple(Move(name, newer, older) for name in roster.tracklet_ids(newer))
        for move in moves:
            roster.move(move.tracklet_id, older)
        roster.respect(roster.constraints.renamed({newer: older}))
        return Correction(
            kind="merge",
            subject_ids=(newer, older),
            by=MATCHER,
            why="alike, and a tracklet was likely of both",
            made_at=decided_at,
            effects=Effects(moves=moves, merged=(Alias(newer, older),)),
            is_automatic=True,
            similarity=similarity,
            probability=probability,
        )

    def _mutual(self, one: str, other: str) -> float:
        """How alike two identities are: at least half of either's exemplars find one so alike."""
        features = [[m.feature for m in self._roster.exemplars(name)] for name in (one, other)]
        if not all(features):
            return -1.0
        alike = similarities(*features)
        nearest = (alike.max(axis=0), alike.max(axis=1))
        return min(float(np.quantile(row, 0.5, method="lower")) for row in nearest)

    def _odds(self, one: str, other: str) -> float:
        """The best odds that place and time give a tracklet of the smaller one in the other.

        There the two join; the rest of the smaller one follows from it. 0 if any tracklet cannot
        be the other's.
        """
        small, large = sorted((one, other), key=lambda name: len(self._roster.tracklet_ids(name)))
        presences: list[Presence] = [
            decision
            for name in self._roster.tracklet_ids(small)
            if (decision := self._roster.decision(name)) is not None
        ]
        odds = [self._roster.odds(large, presence) for presence in presences]
        return max(odds) if odds and min(odds) > 0 else 0.0


def _stricter(probability: float) -> float:
    """The probability at `STRICTER` times the odds.

    >>> _stricter(0.9).__round__(3)
    0.989
    """
    odds = STRICTER * probability / max(1 - probability, 1e-15)
    return odds / (1 + odds)
