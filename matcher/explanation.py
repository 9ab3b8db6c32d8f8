"""What spoke for a decision, looked up right after it."""

from __future__ import annotations

from matcher.decision import Decision
from matcher.exemplars import Member
from matcher.presence import away_s
from matcher.reasons import LikeExemplar, Reasons
from matcher.roster import Roster
from matcher.similarity import similarities

_MOST_EXEMPLARS = 5


def reasons_of(decision: Decision, roster: Roster, threshold: float) -> Reasons:
    """The reasons of a decision that placed a tracklet in its window.

    Args:
        decision: Known to the roster.
        roster: At the end of the window.
        threshold: Least probability of a link.
    """
    member = roster.member(decision.tracklet_id)
    runner_up = decision.runner_up_id
    compared_with = runner_up if decision.is_new else decision.identity_id
    before = None if decision.is_new else roster.before(decision.tracklet_id)
    return Reasons(
        threshold=threshold,
        odds=1.0 if decision.is_new else roster.odds(decision.identity_id, decision),
        travel_s=None if before is None else away_s(before, decision),
        travelled_from=None if before is None else before.tracklet_id,
        exemplars=_like(roster, compared_with, member, decision.similarity),
        runner_up_similarity=_similarity(roster, runner_up, member),
    )


def _like(
    roster: Roster, identity_id: str | None, member: Member | None, most: float | None
) -> tuple[LikeExemplar, ...]:
    """The most alike exemplars, best first; those that came later in the window are left out."""
    if identity_id is None or member is None:
        return ()
    others = [
        other
        for other in roster.exemplars(identity_id)
        if other.decision.tracklet_id != member.decision.tracklet_id and other.space == member.space
    ]
    alike = similarities([other.feature for other in others], [member.feature])[0]
    found = [
        LikeExemplar(other.decision.tracklet_id, float(similarity))
        for other, similarity in zip(others, alike, strict=True)
        if most is None or similarity <= most + 1e-6
    ]
    return tuple(sorted(found, key=lambda e: (-e.similarity, e.tracklet_id))[:_MOST_EXEMPLARS])


def _similarity(roster: Roster, identity_id: str | None, member: Member | None) -> float | None:
    if identity_id is None or member is None or identity_id not in roster:
        return None
    if roster.space(identity_id) != member.space:
        return None
    found = roster.similarities(identity_id, [member.feature])
    return None if found is None else found[0]
