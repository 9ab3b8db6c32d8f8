"""What the matcher did by itself can be taken back, and is then not done again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher.connection import Connection
from matcher.correction import MATCHER, Alias, Correction, Effects, Move, cannot, must
from matcher.errors import RefusedError
from matcher.keys import SiteKeys
from matcher.operator_command import OperatorCommand
from matcher.store import FeatureStore
from matcher.tracklet import Tracklet
from matcher.undo_plan import plan_undo

See = Callable[..., Tracklet]


def undo(number: int) -> OperatorCommand:
    return OperatorCommand("c1", "undo", (str(number),), "ann", "", 1.0)


def automatic(kind: str, effects: Effects) -> Correction:
    return Correction(kind, ("P2", "P1"), MATCHER, "", 1.0, effects, is_automatic=True)  # type: ignore[arg-type]


def test_undone_merge_of_the_matcher_separates_the_two(shop: FeatureStore, see: See) -> None:
    see(shop, "P1", "cam1-1-1")
    see(shop, "P2", "cam1-1-2")
    effects = Effects(moves=(Move("cam1-1-2", "P2", "P1"),), merged=(Alias("P2", "P1"),))
    number = shop.correct(automatic("merge", effects))

    assert plan_undo(undo(number), shop) == (
        number,
        Effects(
            moves=(Move("cam1-1-2", "P1", "P2"),),
            parted=(Alias("P2", "P1"),),
            imposed=(cannot("P1", "P2"),),
        ),
    )


def test_undone_split_of_the_matcher_confirms_the_tracklet(shop: FeatureStore, see: See) -> None:
    see(shop, "P1", "cam1-1-1")
    see(shop, "P1", "cam1-1-2")
    number = shop.correct(automatic("split", Effects(moves=(Move("cam1-1-2", "P1", "P2"),))))

    assert plan_undo(undo(number), shop) == (
        number,
        Effects(
            moves=(Move("cam1-1-2", "P2", "P1"),),
            merged=(Alias("P2", "P1"),),
            imposed=(must("cam1-1-2", "P1"),),
        ),
    )


def test_what_expired_is_left_out(shop: FeatureStore, see: See, connection: Connection) -> None:
    see(shop, "P1", "cam1-1-1")
    see(shop, "P2", "cam1-1-2")
    see(shop, "P2", "cam1-1-3")
    moves = (Move("cam1-1-2", "P2", "P1"), Move("cam1-1-3", "P2", "P1"))
    number = shop.correct(automatic("move", Effects(moves=moves)))
    connection.execute("DEL", SiteKeys("shop").sighting("cam1-1-2"))
    _, effects = plan_undo(undo(number), shop)
    assert effects.moves == (Move("cam1-1-3", "P1", "P2"),)
    connection.execute("DEL", SiteKeys("shop").sighting("cam1-1-3"))
    with pytest.raises(RefusedError, match="past its retention"):
        plan_undo(undo(number), shop)


def test_tracklet_that_the_matcher_moved_since_is_not_moved_back(
    shop: FeatureStore, see: See
) -> None:
    see(shop, "P1", "cam1-1-1")
    see(shop, "P2", "cam1-1-2")
    number = shop.correct(automatic("move", Effects(moves=(Move("cam1-1-2", "P2", "P1"),))))
    see(shop, "P3", "cam1-1-2")
    with pytest.raises(RefusedError, match=r"is P3 by now.*the matcher's event 4: use split"):
        plan_undo(undo(number), shop)
