"""The plan: what an operator's command would change, or why it cannot be done.

It is made from what the store says now, by whoever is the site's one matcher, so that nothing
changes between the look and the deed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import assert_never

from matcher.correction import Alias, Constraint, Correction, Effects, Move, cannot, must
from matcher.errors import RefusedError
from matcher.identity_links import is_tracklet_id
from matcher.keys import camera_of
from matcher.occupancy import Occupancy
from matcher.operator_command import OperatorCommand
from matcher.presence import Presence
from matcher.projection import IDENTITY_NUMBER
from matcher.sighting import Sighting
from matcher.store import FeatureStore
from matcher.topology import Topology
from matcher.undo_plan import emptied, plan_undo
from matcher.who_is_who import followed


def plan_correction(
    command: OperatorCommand, store: FeatureStore, topology: Topology
) -> Correction:
    """The correction that carries out a command other than ``forget``.

    Raises:
        RefusedError: It names what is not there, contradicts what was ruled, or changes nothing.
        StoreError: The store cannot be used now.
    """
    undoes = None
    match command.kind:
        case "merge":
            effects = _merge(command, store, topology)
        case "split":
            effects = _split(command, store)
        case "confirm":
            effects = _confirm(command, store, topology)
        case "separate":
            effects = _separate(command, store)
        case "undo":
            undoes, effects = plan_undo(command, store)
        case "forget":
            raise RefusedError("a person is forgotten by other means")
        case _:
            assert_never(command.kind)
    _check_constraints(store, effects)
    return Correction(
        kind=command.kind,
        subject_ids=() if command.kind == "undo" else command.ids,
        by=command.by,
        why=command.why,
        made_at=command.asked_at,
        effects=effects,
        command_id=command.command_id,
        undoes=undoes,
    )


def plan_forgetting(
    command: OperatorCommand, store: FeatureStore
) -> tuple[Correction, tuple[str, ...]]:
    """The fact that a person is forgotten, and all ids of that person.

    Raises:
        RefusedError: There is no such person.
        StoreError: The store cannot be used now.
    """
    (name,) = _exactly(command, 1)
    identity_id = known_identity(store, name)
    ids = (identity_id, *store.links.leading_to(identity_id))
    fact = Correction(
        kind="forgotten",
        subject_ids=ids,
        by=command.by,
        why=command.why,
        made_at=command.asked_at,
        command_id=command.command_id,
    )
    return fact, ids


def known_identity(store: FeatureStore, name: str) -> str:
    """The id by which an identity goes now.

    Raises:
        RefusedError: There is none of this name, or it was forgotten.
        StoreError: The store cannot be used now.
    """
    if not IDENTITY_NUMBER.fullmatch(name):
        raise RefusedError(f"{name!r} is no identity: expected an id such as P3")
    identity_id = store.resolve(name)
    if store.links.is_forgotten(name) or store.links.is_forgotten(identity_id):
        raise RefusedError(f"{name} was forgotten")
    if store.identity(identity_id) is None:
        raise RefusedError(
            f"no identity {name!r}: `crosscam identities` lists the known ones; "
            "those past their retention are gone"
        )
    return identity_id


def known_tracklet(store: FeatureStore, name: str) -> Sighting:
    """The sighting of a tracklet.

    Raises:
        RefusedError: There is none of this name, or it was forgotten.
        StoreError: The store cannot be used now.
    """
    try:
        camera_of(name)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    sighting = store.sighting(name)
    if sighting is None:
        is_forgotten = store.links.is_forgotten(name)
        raise RefusedError(
            f"{name} was forgotten"
            if is_forgotten
            else f"no tracklet {name!r} is stored (any more)"
        )
    return sighting


def _merge(command: OperatorCommand, store: FeatureStore, topology: Topology) -> Effects:
    one, other = _exactly(command, 2)
    ending, into = known_identity(store, one), known_identity(store, other)
    if one == other:
        raise RefusedError(f"{one} cannot be merged with itself")
    if ending == into:
        raise RefusedError(f"{one} and {other} are one identity already: {into}")
    _check_spaces(store, ending, into)
    joining, staying = store.sightings(ending), store.sightings(into)
    vouched = _vouched(into, joining, staying)
    forced = _forced(command, store, topology, into, joining)
    known = store.links.constraints()
    return Effects(
        moves=tuple(Move(s.tracklet_id, ending, into) for s in joining),
        merged=(Alias(ending, into),),
        imposed=tuple(c for c in dict.fromkeys((*vouched, *forced)) if c not in known),
    )


def _vouched(identity_id: str, *parts: Sequence[Sighting]) -> list[Constraint]:
    """Of parts that are said to be one person, the single tracklets.

    Whoever says of a single tracklet whose it is may be right although it looks like none of the
    others; so it must stand for the person.
    """
    return [must(part[0].tracklet_id, identity_id) for part in parts if len(part) == 1]


def _split(command: OperatorCommand, store: FeatureStore) -> Effects:
    identity_id, names = _identity_and_tracklets(command, store)
    sightings = [known_tracklet(store, name) for name in names]
    strangers = [s for s in sightings if s.identity_id != identity_id]
    if strangers:
        raise RefusedError(
            f"{strangers[0].tracklet_id} is {strangers[0].identity_id}, not {identity_id}"
        )
    if len(store.sightings(identity_id)) == len(names):
        raise RefusedError(
            f"these are all tracklets of {identity_id}: a split must leave at least one"
        )
    new_id = f"P{store.next_identity_number()}"
    return Effects(
        moves=tuple(Move(name, identity_id, new_id) for name in names),
        imposed=(cannot(identity_id, new_id),),
    )


def _confirm(command: OperatorCommand, store: FeatureStore, topology: Topology) -> Effects:
    identity_id, names = _identity_and_tracklets(command, store)
    sightings = [known_tracklet(store, name) for name in names]
    joining = [s for s in sightings if s.identity_id != identity_id]
    for sighting in joining:
        _check_spaces(store, sighting.identity_id, identity_id)
    moves = [Move(s.tracklet_id, s.identity_id, identity_id) for s in joining]
    known = store.links.constraints_now()
    imposed = [must(name, identity_id) for name in names]
    if joining:
        imposed += _vouched(identity_id, store.sightings(identity_id))
    forced = _forced(command, store, topology, identity_id, joining)
    new = [c for c in dict.fromkeys((*imposed, *forced)) if c not in known]
    if not moves and not new:
        raise RefusedError(f"these tracklets are confirmed to be {identity_id} already")
    return Effects(moves=tuple(moves), merged=tuple(emptied(store, moves)), imposed=tuple(new))


def _separate(command: OperatorCommand, store: FeatureStore) -> Effects:
    names = []
    for name in _exactly(command, 2):
        is_tracklet = is_tracklet_id(name)
        names.append(
            known_tracklet(store, name).tracklet_id if is_tracklet else known_identity(store, name)
        )
    people = [
        known_tracklet(store, name).identity_id if is_tracklet_id(name) else name for name in names
    ]
    if people[0] == people[1]:
        raise RefusedError(
            f"{command.ids[0]} and {command.ids[1]} are one identity now, {people[0]}: take the "
            f"tracklets that are somebody else's out with `identities split {people[0]} TRACKLET`"
        )
    constraint = cannot(*names)
    if constraint in store.links.constraints_now():
        raise RefusedError(f"{names[0]} and {names[1]} are separated already")
    return Effects(imposed=(constraint,))


def _exactly(command: OperatorCommand, num: int) -> tuple[str, ...]:
    if len(command.ids) != num:
        raise RefusedError(f"{command.kind} takes {num} ids, got {len(command.ids)}")
    return command.ids


def _identity_and_tracklets(
    command: OperatorCommand, store: FeatureStore
) -> tuple[str, tuple[str, ...]]:
    if len(command.ids) < 2:
        raise RefusedError(f"{command.kind} takes an identity and at least one tracklet")
    return known_identity(store, command.ids[0]), tuple(dict.fromkeys(command.ids[1:]))


def _check_spaces(store: FeatureStore, one: str, other: str) -> None:
    spaces = [_space(store, name) for name in (one, other)]
    if None not in spaces and spaces[0] != spaces[1]:
        raise RefusedError(
            f"{one} is of the space {spaces[0]}, {other} of {spaces[1]}: features of two models "
            "are never compared; `crosscam re-embed` brings both into one"
        )


def _space(store: FeatureStore, identity_id: str) -> str | None:
    """Of the newest tracklet that is kept; None if none is."""
    for sighting in reversed(store.sightings(identity_id)):
        tracklet = store.tracklet(sighting.tracklet_id)
        if tracklet is not None:
            return tracklet.space
    return None


def _forced(
    command: OperatorCommand,
    store: FeatureStore,
    topology: Topology,
    into: str,
    joining: Sequence[Sighting],
) -> tuple[Constraint, ...]:
    """Constraints that keep together what place and time would part; none if they do not.

    Raises:
        RefusedError: Place and time speak against it, and it is not forced.
    """
    occupancy = Occupancy()
    for sighting in store.sightings(into):
        occupancy.add(sighting)
    clashes = [(s, other) for s in joining for other in occupancy.conflicts(s, topology)]
    if clashes and not command.is_forced:
        raise RefusedError(_clash(*clashes[0]))
    names = {name for s, other in clashes for name in (s.tracklet_id, other.tracklet_id)}
    return tuple(must(name, into) for name in sorted(names))


def _clash(one: Presence, other: Presence) -> str:
    where = (
        f"both in {one.camera_id}"
        if one.camera_id == other.camera_id
        else "too far from each other"
    )
    return (
        f"{one.tracklet_id} and {other.tracklet_id} cannot be one person: {where} at that time; "
        "--force if they are nevertheless"
    )


def _check_constraints(store: FeatureStore, effects: Effects) -> None:
    """Every constraint must hold afterwards.

    Raises:
        RefusedError: One would not.
    """
    constraints = store.links.constraints()
    for constraint in effects.lifted:
        constraints.pop(constraint, None)
    for constraint in effects.imposed:
        constraints.setdefault(constraint, 0)
    if not constraints:
        return
    aliases = store.links.aliases()
    for alias in effects.parted:
        aliases.pop(alias.identity_id, None)
    aliases.update({alias.identity_id: alias.into_id for alias in effects.merged})
    moved = {move.tracklet_id: move.to_id for move in effects.moves}

    def person(name: str) -> str | None:
        if not is_tracklet_id(name):
            return followed(name, aliases)
        sighting = store.sighting(name)
        return moved.get(name) or (None if sighting is None else sighting.identity_id)

    for constraint, number in constraints.items():
        one, other = map(person, constraint.names)
        if one and other and (constraint.kind == "must") != (one == other):
            raise RefusedError(_contradiction(constraint, number, effects.imposed))


def _contradiction(constraint: Constraint, number: int, own: Collection[Constraint]) -> str:
    one, other = constraint.names
    ruled = (
        f"{one} was confirmed to be {other}"
        if constraint.kind == "must"
        else f"{one} and {other} were declared to be different people"
    )
    if constraint in own and not number:
        return f"that contradicts itself: {one} and {other} would be {_both(constraint)}"
    return f"{ruled} by event {number}: undo that first (`crosscam identities undo {number}`)"


def _both(constraint: Constraint) -> str:
    return "two" if constraint.kind == "must" else "one"
