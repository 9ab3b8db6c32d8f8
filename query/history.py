"""What happened to identities: the audit log, and the history of one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matcher.correction import Correction
from matcher.event_log import StoreEvent
from matcher.store import FeatureStore
from matcher.who_is_who import WhoIsWho
from query.errors import UnknownIdError

_MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of a log; nothing biometric.

    Attributes:
        event: Number of the event.
        written_at: Unix seconds.
        kind: ``founded``, ``linked``, ``moved``, or the kind of a correction.
        by: Who: a user, or ``matcher``.
        what: In words, with the ids.
        why: The reason that was given; empty for decisions.
        probability: Of the decision, or of an automatic correction's evidence; else None.
    """

    event: int
    written_at: float
    kind: str
    by: str
    what: str
    why: str
    probability: float | None


def audit_log(
    store: FeatureStore, *, since: float | None = None, until: float | None = None
) -> Iterator[Happening]:
    """Every correction, by operators and by the matcher, in order.

    Args:
        store: The site's store.
        since: Leave out what was written before, Unix seconds.
        until: Leave out what was written after.

    Raises:
        StoreError: The store cannot be reached or refuses.
    """
    for event in store.events():
        is_wanted = (since is None or event.written_at >= since) and (
            until is None or event.written_at <= until
        )
        if event.correction is not None and is_wanted:
            yield _corrected(event, event.correction)


def history_of(store: FeatureStore, identity_id: str) -> list[Happening]:
    """All that happened to an identity and to those that became part of it, in order.

    Raises:
        UnknownIdError: No event that is kept names it.
        StoreError: The store cannot be reached or refuses.
    """
    names = {identity_id, store.resolve(identity_id)}
    names.update(store.links.leading_to(store.resolve(identity_id)))
    who = WhoIsWho()
    found: list[Happening] = []
    for event in store.events():
        found += _decided(event, who, names)
        who.follow(event)
        correction = event.correction
        if correction is not None and not names.isdisjoint(correction.names()):
            found.append(_corrected(event, correction))
    if not found:
        raise UnknownIdError(f"no event that is kept names {identity_id!r}")
    return found


def described(correction: Correction) -> str:
    """What a correction changes, in words."""
    effects = correction.effects
    moved = f"{len(effects.moves)} tracklet{'' if len(effects.moves) == 1 else 's'}"
    match correction.kind:
        case "merge":
            return ", ".join(
                (*(f"{a.identity_id} into {a.into_id}" for a in effects.merged), moved)
            )
        case "split" | "move":
            ways = sorted({(move.from_id, move.to_id) for move in effects.moves})
            names = _listed([move.tracklet_id for move in effects.moves])
            return f"{names}: " + ", ".join(f"{one} to {other}" for one, other in ways)
        case "confirm":
            homes = sorted({c.other for c in effects.imposed if c.kind == "must"})
            names = _listed([c.one for c in effects.imposed if c.kind == "must"])
            return f"{names} is {', '.join(homes)}"
        case "separate":
            return ", ".join(f"{c.one} and {c.other} are two" for c in effects.imposed)
        case "undo":
            return f"event {correction.undoes}, {moved}"
        case _:
            return _listed(correction.subject_ids)


def _corrected(event: StoreEvent, correction: Correction) -> Happening:
    return Happening(
        event=event.number,
        written_at=event.written_at,
        kind=correction.kind,
        by=correction.by,
        what=described(correction),
        why=correction.why,
        probability=correction.probability,
    )


def _decided(event: StoreEvent, who: WhoIsWho, names: set[str]) -> Iterator[Happening]:
    """What the matcher changed; decisions that only repeat one are left out."""
    for decision in event.decisions:
        known = who.decisions.get(decision.tracklet_id)
        former = None if known is None else known.identity_id
        if former == decision.identity_id or names.isdisjoint({former, decision.identity_id}):
            continue
        if former is not None:
            kind, what = "moved", f"{decision.tracklet_id}: {former} to {decision.identity_id}"
        else:
            kind = "founded" if decision.is_new else "linked"
            what = f"{decision.tracklet_id}: {decision.identity_id}"
        yield Happening(
            event.number, event.written_at, kind, "matcher", what, "", decision.probability
        )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMES
    return " ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
