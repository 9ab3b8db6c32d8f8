"""The topology: which ways between cameras a person can take, and how long they last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from dataclasses import dataclass

from matcher.errors import MatcherError
from matcher.presence import TOLERANCE_S, Presence, away_s, in_order
from matcher.travel_times import TravelTimes

RETURN_ODDS = 0.5
"""Factor on the odds of a link after more than `max_s`: people come back, but not all do."""


@dataclass(frozen=True, slots=True)
class CameraPair:
    """What is known of the way between two cameras, in both directions.

    Attributes:
        min_s: Shortest travel time from leaving one view to entering the other.
        max_s: Longest travel time that is still one visit.
        overlap: The views share ground: a person may be in both at once.
        is_possible: Somebody can get from one to the other without being seen elsewhere.

    Raises:
        ValueError: The values contradict each other.
    """

    min_s: float = 0.0
    max_s: float = 86400.0
    overlap: bool = False
    is_possible: bool = True

    def __post_init__(self) -> None:
        """Checks the values."""
        if not 0 <= self.min_s <= self.max_s:
            raise ValueError(f"needs 0 <= min_s <= max_s, got {self.min_s} and {self.max_s}")
        if self.overlap and not self.is_possible:
            raise ValueError("views that overlap cannot be impossible to get between")
        if self.overlap and self.min_s > 0:
            raise ValueError(f"views that overlap have min_s 0, got {self.min_s}")


class Topology:
    """The cameras of a site and the ways between them, as the settings say: they do not change.

    What was learned of travel times may come on top (`learning`): it makes links less likely, but
    rules out nothing.

    Args:
        camera_ids: All cameras.
        pairs: The two ids in any order, and what is known of them.
        default: Of all other pairs.

    Raises:
        MatcherError: A pair names an unknown camera or one camera twice, or is given twice.
    """

    def __init__(
        self,
        camera_ids: Sequence[str],
        pairs: Iterable[tuple[tuple[str, str], CameraPair]] = (),
        default: CameraPair | None = None,
    ) -> None:
        self.camera_ids = frozenset(camera_ids)
        self._default = default or CameraPair()
        self._travel_times: TravelTimes | None = None
        self._pairs: dict[tuple[str, str], CameraPair] = {}
        for cameras, pair in pairs:
            key = _key(*cameras)
            _check(key, self.camera_ids, self._pairs)
            self._pairs[key] = pair

    def learning(self, travel_times: TravelTimes) -> Topology:
        """The same topology, with what is learned of travel times now and later."""
        learning = copy(self)
        learning._travel_times = travel_times  # noqa: SLF001 - our own copy
        return learning

    def pair(self, one: str, other: str) -> CameraPair:
        """What is known of two different cameras; the default where one is not of the site."""
        return self._pairs.get(_key(one, other), self._default)

    def named(self, one: str, other: str) -> CameraPair | None:
        """What the settings say of two cameras by name; None if they name no such pair."""
        return self._pairs.get(_key(one, other))

    def excludes(self, one: Presence, other: Presence) -> bool:
        """One person cannot have made both; the order of the two does not matter.

        That would be twice in one view at a time, or too fast from one view to the other.
        """
        gap_s = away_s(one, other)
        if one.camera_id == other.camera_id:
            shorter_s = min(one.ended_at - one.started_at, other.ended_at - other.started_at)
            return -gap_s >= min(TOLERANCE_S, shorter_s / 2)
        pair = self.pair(one.camera_id, other.camera_id)
        return not pair.overlap and gap_s < pair.min_s - TOLERANCE_S

    def direct_odds(self, one: Presence, other: Presence) -> float:
        """Factor in [0, 1] on the odds of "same person" if nobody saw the person between the two.

        0 where there is no direct way, 1 for a travel time within the pair's bounds, `RETURN_ODDS`
        for one that is longer: a person who comes back may take any way. Less where travel times
        that were learned say so.
        """
        first, second = in_order(one, other)
        odds = self._told_odds(first, second)
        if odds > 0 and self._travel_times is not None:
            return min(odds, self._travel_times.odds(first, second))
        return odds

    def _told_odds(self, first: Presence, second: Presence) -> float:
        if first.camera_id == second.camera_id:
            return 1.0
        pair = self.pair(first.camera_id, second.camera_id)
        if second.started_at - first.ended_at > pair.max_s:
            return RETURN_ODDS
        return 1.0 if pair.is_possible else 0.0


def _key(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


def _check(
    key: tuple[str, str], camera_ids: frozenset[str], known: Collection[tuple[str, str]]
) -> None:
    names = " and ".join(repr(name) for name in key)
    for name in key:
        if name not in camera_ids:
            raise MatcherError(
                f"matcher.topology: the pair {names} names camera {name!r}, which the site "
                f"does not have; its cameras are {', '.join(sorted(camera_ids)) or 'none'}"
            )
    if key[0] == key[1]:
        raise MatcherError(
            f"matcher.topology: the pair {names} is one camera; name two different ones"
        )
    if key in known:
        raise MatcherError(f"matcher.topology: the pair {names} is given twice; keep one of them")
