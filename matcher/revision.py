"""The revision: what later versions of decided tracklets change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from matcher.candidates import Candidates, Option, Rules, Subject, identity_order
from matcher.decision import Decision
from matcher.linking import linked
from matcher.roster import Roster
from matcher.tracklet import Tracklet


def revise(
    tracklets: Sequence[Tracklet], roster: Roster, rules: Rules, decided_at: float
) -> list[tuple[Decision, bool]]:
    """Decides later versions of tracklets that the roster knows; it learns of every decision.

    A version keeps the identity of its tracklet, unless its feature is unlike the identity's other
    tracklets (or there are none) and another identity may be linked by the ordinary rules: then the
    tracklet moves there, the likeliest one first. So a track whose first crops were poor does
    not stay alone, and one that slipped from one person to another does not make them one.

    Args:
        tracklets: Of one space, each of a higher version than the decided one, by tracklet id.
        roster: Who is known.
        rules: Of the space.
        decided_at: Stream time of the decision.

    Returns:
        By tracklet, in the same order: the decision, and whether the identity was kept.
    """
    subjects = {tracklet.tracklet_id: Subject.of(tracklet) for tracklet in tracklets}
    former: dict[str, str] = {}
    decisions: dict[str, Decision] = {}
    for tracklet_id, subject in subjects.items():
        decisions[tracklet_id] = _kept(roster, subject.tracklet, decided_at)
        former[tracklet_id] = decisions[tracklet_id].identity_id
        roster.put(subject.member(decisions[tracklet_id]))
    roster.refresh()
    movable = {i: s for i, s in subjects.items() if _is_doubtful(s, roster, rules)}
    candidates = Candidates(movable.values(), roster, rules, besides=former)
    while (move := _likeliest(movable, candidates, roster, rules)) is not None:
        tracklet_id, choice = move
        subject = movable.pop(tracklet_id)
        options = candidates.options(tracklet_id)
        decision = replace(linked(subject.tracklet, choice, options, decided_at), is_first=False)
        decisions[tracklet_id] = decision
        candidates.drop(tracklet_id)
        roster.put(subject.member(decision))
        roster.refresh()
        candidates.changed(former[tracklet_id])
        candidates.changed(choice.identity_id)
    return [(d, d.identity_id == former[tracklet_id]) for tracklet_id, d in decisions.items()]


def _kept(roster: Roster, tracklet: Tracklet, decided_at: float) -> Decision:
    known = roster.decision(tracklet.tracklet_id)
    if known is None:
        raise ValueError(f"tracklet {tracklet.tracklet_id!r} was not decided before")
    return replace(
        known,
        version=tracklet.version,
        started_at=tracklet.started_at,
        ended_at=tracklet.ended_at,
        is_final=tracklet.is_final,
        is_new=False,
        is_first=False,
        decided_at=decided_at,
    )


def _is_doubtful(subject: Subject, roster: Roster, rules: Rules) -> bool:
    """Nothing but its own first crops speaks for the tracklet's identity."""
    support = roster.support(subject.tracklet_id, subject.feature)
    is_weak = support is None or support < rules.calibration.midpoint
    return is_weak and roster.may_leave(subject.tracklet_id)


def _likeliest(
    movable: Mapping[str, Subject], candidates: Candidates, roster: Roster, rules: Rules
) -> tuple[str, Option] | None:
    """The most probable move, of equal ones that to the older identity; None: nobody moves."""
    moves = [
        (tracklet_id, likely[0])
        for tracklet_id, subject in movable.items()
        if _is_doubtful(subject, roster, rules) and (likely := candidates.likely(tracklet_id))
    ]
    return min(
        moves,
        key=lambda move: (-move[1].probability, identity_order(move[1].identity_id), move[0]),
        default=None,
    )
