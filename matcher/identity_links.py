"""What the store keeps beside who is who: ids that lead to others, constraints, forgotten ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from matcher.connection import Command, Connection
from matcher.constraints import renamed
from matcher.correction import Constraint, Effects
from matcher.keys import SiteKeys
from matcher.paging import paged
from matcher.who_is_who import followed


class IdentityLinks:
    """Reads them, and gives the commands that change them."""

    def __init__(self, connection: Connection, keys: SiteKeys) -> None:
        self._connection = connection
        self._keys = keys

    def resolve(self, identity_id: str) -> str:
        """The id to which an id leads; itself if it leads nowhere.

        Raises:
            StoreError: The store cannot be used now.
        """
        seen: set[str] = set()
        while identity_id not in seen:
            seen.add(identity_id)
            into = self._connection.execute("HGET", self._keys.aliases, identity_id)
            identity_id = identity_id if into is None else into.decode()
        return identity_id

    def aliases(self) -> dict[str, str]:
        """Every id that leads to another one, with that one.

        Raises:
            StoreError: The store cannot be used now.
        """
        rows = self._connection.execute("HGETALL", self._keys.aliases)
        return {
            name.decode(): into.decode() for name, into in zip(rows[::2], rows[1::2], strict=True)
        }

    def leading_to(self, identity_id: str) -> list[str]:
        """The ids that lead to an identity, sorted, without its own.

        Raises:
            StoreError: The store cannot be used now.
        """
        aliases = self.aliases()
        return sorted(name for name in aliases if followed(name, aliases) == identity_id)

    def constraints(self) -> dict[Constraint, int]:
        """Constraints as they were imposed, with the number of their event.

        Raises:
            StoreError: The store cannot be used now.
        """
        rows = self._connection.execute("HGETALL", self._keys.constraints)
        return {
            _constraint(field): int(number)
            for field, number in zip(rows[::2], rows[1::2], strict=True)
        }

    def constraints_now(self) -> list[Constraint]:
        """Constraints with the ids that identities have now, sorted.

        Raises:
            StoreError: The store cannot be used now.
        """
        known = self.constraints()
        if not known:
            return []
        aliases = self.aliases()
        names = {name: followed(name, aliases) for c in known for name in c.names}
        return sorted({renamed(constraint, names) for constraint in known})

    def forgotten(self) -> frozenset[str]:
        """Ids of identities and tracklets that were forgotten.

        Raises:
            StoreError: The store cannot be used now.
        """
        members = self._connection.execute("ZRANGE", self._keys.forgotten, 0, -1)
        return frozenset(member.decode() for member in members)

    def is_forgotten(self, name: str) -> bool:
        """An identity or tracklet was forgotten.

        Raises:
            StoreError: The store cannot be used now.
        """
        return self._connection.execute("ZSCORE", self._keys.forgotten, name) is not None

    def commands(self, number: int, effects: Effects) -> Iterator[Command]:
        """What brings them up to an event; may be repeated until the next one is applied."""
        for alias in effects.parted:
            yield "HDEL", self._keys.aliases, alias.identity_id
        for alias in effects.merged:
            yield self.alias_command(alias.identity_id, alias.into_id)
        for constraint in effects.lifted:
            yield "HDEL", self._keys.constraints, _field(constraint)
        for constraint in effects.imposed:
            yield "HSET", self._keys.constraints, _field(constraint), number

    def alias_command(self, identity_id: str, into_id: str) -> Command:
        """What makes an id lead to another one."""
        return "HSET", self._keys.aliases, identity_id, into_id

    def erase(self, names: Collection[str]) -> None:
        """Removes aliases and constraints in which one of these ids occurs.

        Raises:
            StoreError: The store cannot be used now; repeat it.
        """
        self._remove(
            [name for name, into in self.aliases().items() if name in names or into in names],
            [c for c in self.constraints() if not set(names).isdisjoint(c.names)],
        )

    def sweep(self, *, forgotten_before: float) -> None:
        """Removes aliases and constraints of which a side is gone, and old forgotten ids.

        Args:
            forgotten_before: Unix seconds; messages of what was forgotten before come no more.

        Raises:
            StoreError: The store cannot be used now; repeat it.
        """
        aliases, constraints = self.aliases(), self.constraints()
        names = {name for constraint in constraints for name in constraint.names}
        heads = {name: followed(name, aliases) for name in (*aliases, *names)}
        alive = self._alive({*heads.values(), *names})
        self._remove(
            [name for name in aliases if heads[name] not in alive],
            [c for c in constraints if any(heads[name] not in alive for name in c.names)],
        )
        if (before := forgotten_before) > 0:
            self._connection.execute("ZREMRANGEBYSCORE", self._keys.forgotten, "-inf", repr(before))

    def _alive(self, names: Iterable[str]) -> set[str]:
        """Those that are identities, or tracklets with a sighting."""
        alive: set[str] = set()
        for page in paged(sorted(names)):
            asked: list[Command] = [
                ("EXISTS", self._keys.sighting(name))
                if is_tracklet_id(name)
                else ("ZSCORE", self._keys.identities, name)
                for name in page
            ]
            replies = self._connection.execute_all(asked)
            alive.update(name for name, reply in zip(page, replies, strict=True) if reply)
        return alive

    def _remove(self, aliases: Collection[str], constraints: Collection[Constraint]) -> None:
        commands: list[Command] = []
        if aliases:
            commands.append(("HDEL", self._keys.aliases, *aliases))
        if constraints:
            commands.append(("HDEL", self._keys.constraints, *map(_field, constraints)))
        self._connection.execute_all(commands)


def is_tracklet_id(name: str) -> bool:
    """The name is a tracklet's, not an identity's.

    >>> is_tracklet_id("cam1-1-42"), is_tracklet_id("P7")
    (True, False)
    """
    return name.count("-") >= 2


def _field(constraint: Constraint) -> str:
    return "|".join((constraint.kind, *constraint.names))


def _constraint(field: bytes) -> Constraint:
    kind, one, other = field.decode().split("|")
    return Constraint("must" if kind == "must" else "cannot", one, other)
