"""A change of the model: people keep their ids and are found by the new one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.load import load_site
from crosscam.errors import AppError
from crosscam.re_embed import re_embed
from crosscam.site_parts import open_store, store_url
from matcher.connection import Connection
from matcher.keys import SiteKeys
from matcher.matcher import build_matcher
from query.history import audit_log
from reid.embedder import build_embedder


def test_features_come_from_the_thumbnails_and_are_marked(shop_data: Path) -> None:
    site = load_site(shop_data.parent / "site.yaml")
    with store_url(site, shop_data) as url:
        connection = Connection(url)
        connection.execute("DEL", SiteKeys("shop").thumbnails("b-1-2"))
        connection.close()

    done = re_embed(shop_data, None, by="ann", why="new model", now=lambda: 100.0)
    again = re_embed(shop_data, None, by="ann", why="", now=lambda: 100.0)

    assert (done.num_renewed, done.num_same, done.num_left, done.event) == (3, 0, 1, 5)
    assert (again.num_renewed, again.num_same, again.num_left, again.event) == (0, 3, 1, None)
    embedder = build_embedder(site.embedder)
    with store_url(site, shop_data) as url:
        store = open_store(site, url)
        tracklets = store.tracklets("P1")
        assert tracklets["a-1-1"].space == done.space == embedder.space
        assert abs(np.linalg.norm(tracklets["a-1-1"].feature) - 1) < 1e-3
        assert tracklets["b-1-2"].space == "test:1"
        marks = [sighting.is_re_embedded for sighting in store.sightings("P1")]
        assert marks == [True, False]
        (line,) = audit_log(store)
        assert (line.kind, line.by) == ("re-embedded", "ann")
        assert "3 tracklets" in line.why
        matcher = build_matcher(site.matcher, ["a", "b"])
        matcher.restore(list(store.restore()), next_identity_number=4)
        assert matcher.stats.num_identities == 3
        store.close()
    embedder.close()


def test_it_is_refused_while_a_matcher_is_active(shop_data: Path) -> None:
    site = load_site(shop_data.parent / "site.yaml")
    with store_url(site, shop_data) as url:
        connection = Connection(url)
        connection.execute("SET", SiteKeys("shop").lease, "host:1")
        with pytest.raises(AppError, match="host:1"):
            re_embed(shop_data, None, by="ann", why="", now=lambda: 100.0)
        connection.close()
