from __future__ import annotations

import time
from collections.abc import Callable

from matcher.connection import Connection
from matcher.correction import Alias, Correction, Effects, Move, cannot, must
from matcher.keys import SiteKeys
from matcher.store import FeatureStore, Retention
from matcher.tracklet import Tracklet
from matcher.who_is_who import WhoIsWho

See = Callable[..., Tracklet]


def correction(effects: Effects) -> Correction:
    return Correction("merge", ("P2", "P1"), "ann", "", 1.0, effects)


def test_nothing_leads_anywhere_at_first(shop: FeatureStore) -> None:
    assert shop.resolve("P1") == "P1"
    assert shop.links.leading_to("P1") == []
    assert shop.links.constraints_now() == []
    assert shop.links.forgotten() == frozenset()
    shop.links.erase(["P1"])
    shop.links.sweep(forgotten_before=1e12)


def test_id_of_an_identity_that_its_last_tracklet_left_leads_there(
    shop: FeatureStore, see: See
) -> None:
    """The matcher finds, by better crops, that the new identity was an old one."""
    see(shop, "P1", "cam1-1-1")
    see(shop, "P2", "cam1-1-2")
    first = see(shop, "P3", "cam1-1-3")
    see(shop, "P1", "cam1-1-3")
    assert first.tracklet_id == "cam1-1-3"
    assert shop.resolve("P3") == "P1"
    assert shop.resolve("P2") == "P2"
    who = WhoIsWho()
    for event in shop.events():
        who.follow(event)
    assert who.aliases == shop.links.aliases() == {"P3": "P1"}


def test_sweep_takes_out_what_expired(server_url: str, connection: Connection, see: See) -> None:
    short = Retention(identities_s=0.6, thumbnails_s=0.6, events_s=100.0)
    store = FeatureStore(server_url, "shop", retention=short)
    see(store, "P1", "cam1-1-1")
    see(store, "P2", "cam1-1-2")
    store.correct(
        correction(
            Effects(
                moves=(Move("cam1-1-2", "P2", "P1"),),
                merged=(Alias("P2", "P1"),),
                imposed=(must("cam1-1-2", "P1"), cannot("P1", "P4")),
            )
        )
    )
    see(store, "P4", "cam1-1-4")
    store.sweep()
    assert store.links.aliases() == {"P2": "P1"}
    assert set(store.links.constraints()) == {must("cam1-1-2", "P1"), cannot("P1", "P4")}
    time.sleep(0.4)
    see(store, "P1", "cam1-1-5")
    time.sleep(0.3)
    store.sweep()
    assert store.links.aliases() == {"P2": "P1"}
    assert store.links.constraints() == {}
    time.sleep(0.6)
    store.sweep()
    assert connection.execute("EXISTS", SiteKeys("shop").aliases) == 0
    store.close()


def test_corrected_sighting_does_not_live_longer_for_it(
    server_url: str, connection: Connection, see: See
) -> None:
    store = FeatureStore(server_url, "shop", retention=Retention(100.0, 100.0, 100.0))
    see(store, "P1", "cam1-1-1")
    see(store, "P2", "cam1-1-2")
    key = SiteKeys("shop").sighting("cam1-1-2")
    connection.execute("PEXPIRE", key, 5000)
    store.correct(correction(Effects(moves=(Move("cam1-1-2", "P2", "P1"),))))
    assert 0 < connection.execute("PTTL", key) <= 5000
    connection.execute("DEL", key)
    store.correct(correction(Effects(moves=(Move("cam1-1-2", "P1", "P2"),))))
    assert connection.execute("EXISTS", key) == 0
    store.close()
