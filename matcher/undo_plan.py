"""The plan of an undo: what takes an event back, if nothing was built on it since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from matcher.correction import Alias, Correction, Effects, Move, cannot, must
from matcher.errors import RefusedError
from matcher.operator_command import OperatorCommand
from matcher.store import FeatureStore
from matcher.who_is_who import followed, heir


def plan_undo(command: OperatorCommand, store: FeatureStore) -> tuple[int, Effects]:
    """The number of the event that is taken back, and what does it.

    What the matcher did by itself is forbidden in the same stroke, or it would do it again.

    Raises:
        RefusedError: There is no such correction, it was undone, or later events built on it.
        StoreError: The store cannot be used now.
    """
    number = _number(command)
    correction = _correction(store, number)
    back = correction.effects.reverse()
    known = store.links.constraints()
    moves = _moves(store, number, back.moves)
    kept = Effects(
        moves=moves,
        merged=_merged(store, number, back.merged, moves),
        parted=_parted(store, number, back.parted),
        imposed=tuple(c for c in back.imposed if c not in known),
        lifted=tuple(c for c in back.lifted if c in known),
    )
    _check_homes(store, number, kept)
    if not kept:
        raise RefusedError(_nothing_left(store, number))
    told = {alias.identity_id for alias in (*kept.merged, *kept.parted)}
    merged = (*kept.merged, *(a for a in emptied(store, kept.moves) if a.identity_id not in told))
    kept = replace(kept, merged=merged)
    return number, _forbidding(correction, kept) if correction.is_automatic else kept


def emptied(store: FeatureStore, moves: Iterable[Move]) -> list[Alias]:
    """Where the ids lead of identities that all tracklets leave.

    Raises:
        StoreError: The store cannot be used now.
    """
    leaving: dict[str, dict[str, str]] = {}
    for move in moves:
        leaving.setdefault(move.from_id, {})[move.tracklet_id] = move.to_id
    return [
        Alias(identity_id, heir(left))
        for identity_id, left in leaving.items()
        if all(sighting.tracklet_id in left for sighting in store.sightings(identity_id))
    ]


def _number(command: OperatorCommand) -> int:
    if len(command.ids) != 1 or not command.ids[0].isascii() or not command.ids[0].isdigit():
        raise RefusedError(
            f"undo takes the number of one event, got {' '.join(command.ids) or 'none'}: "
            "`crosscam audit` lists them"
        )
    return int(command.ids[0])


def _correction(store: FeatureStore, number: int) -> Correction:
    event = store.event(number)
    if event is None:
        raise RefusedError(f"there is no event {number} (any more): `crosscam audit` lists them")
    if event.correction is None:
        raise RefusedError(
            f"event {number} is a window of the matcher's decisions, no correction: "
            "use `identities split` or `identities confirm`"
        )
    if event.correction.kind in ("forgotten", "re-embedded"):
        raise RefusedError(f"event {number}, {event.correction.kind}, cannot be undone")
    return event.correction


def _moves(store: FeatureStore, number: int, moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """Those of tracklets that are still kept, which must be where the event put them."""
    kept = []
    for move in moves:
        sighting = store.sighting(move.tracklet_id)
        if sighting is None:
            continue
        if sighting.identity_id != move.from_id:
            raise RefusedError(
                f"{move.tracklet_id} is {sighting.identity_id} by now, where event {number} put it "
                f"to {move.from_id}{_later(store, number, move.tracklet_id)}"
            )
        kept.append(move)
    return tuple(kept)


def _merged(
    store: FeatureStore, number: int, merged: tuple[Alias, ...], moves: tuple[Move, ...]
) -> tuple[Alias, ...]:
    """Those ids that stand for themselves still; all their tracklets must leave."""
    aliases = store.links.aliases()
    leaving = {move.tracklet_id for move in moves}
    for alias in merged:
        staying = [s for s in store.sightings(alias.identity_id) if s.tracklet_id not in leaving]
        if staying:
            raise RefusedError(
                f"{alias.identity_id} has other tracklets since event {number}, such as "
                f"{staying[0].tracklet_id}: merge it anew instead"
            )
    return tuple(a for a in merged if aliases.get(a.identity_id) != a.into_id)


def _parted(store: FeatureStore, number: int, parted: tuple[Alias, ...]) -> tuple[Alias, ...]:
    aliases = store.links.aliases()
    kept = []
    for alias in parted:
        into = aliases.get(alias.identity_id)
        if into is not None and into != alias.into_id:
            raise RefusedError(
                f"{alias.identity_id} leads to {into} by now"
                f"{_later(store, number, alias.identity_id)}"
            )
        if into is not None:
            kept.append(alias)
    return tuple(kept)


def _check_homes(store: FeatureStore, number: int, effects: Effects) -> None:
    """The identities to which tracklets go back must stand for themselves."""
    aliases = store.links.aliases()
    for alias in effects.parted:
        aliases.pop(alias.identity_id, None)
    homes = {move.to_id for move in effects.moves} | {a.into_id for a in effects.merged}
    for identity_id in sorted(homes):
        now = followed(identity_id, aliases)
        if now != identity_id:
            raise RefusedError(
                f"{identity_id} became part of {now} since event {number}"
                f"{_later(store, number, identity_id)}"
            )
        if store.links.is_forgotten(identity_id):
            raise RefusedError(f"{identity_id} was forgotten since event {number}")


def _later(store: FeatureStore, number: int, name: str) -> str:
    """Names the last later event that concerns an id."""
    found = ""
    for event in store.events(number):
        correction = event.correction
        if correction is not None and correction.undoes == number:
            found = f": event {event.number} took it back"
        elif correction is not None and name in correction.names():
            found = f", by event {event.number} ({correction.kind}): undo that first"
        elif any(d.tracklet_id == name for d in event.decisions):
            found = f", by the matcher's event {event.number}: use split or confirm instead"
    return found


def _nothing_left(store: FeatureStore, number: int) -> str:
    for event in store.events(number):
        if event.correction is not None and event.correction.undoes == number:
            return f"event {number} was undone by event {event.number} already"
    return f"nothing is left of event {number} to undo: what it changed is past its retention"


def _forbidding(correction: Correction, back: Effects) -> Effects:
    """The undo of something that the matcher did, so that it does not do it again."""
    if correction.kind == "merge":
        pairs = {(alias.identity_id, alias.into_id) for alias in correction.effects.merged}
        ruled = tuple(cannot(*pair) for pair in sorted(pairs))
    else:
        ruled = tuple(must(move.tracklet_id, move.to_id) for move in back.moves)
    known = (*back.imposed, *back.lifted)
    return replace(back, imposed=(*back.imposed, *(c for c in ruled if c not in known)))
