"""Commands reach a matcher that runs as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import load_site
from crosscam.forget import forget_person
from crosscam.operator_desk import carry_out, login_name, new_command
from crosscam.site_parts import open_store, store_url
from matcher.connection import Connection
from matcher.errors import RefusedError
from matcher.keys import SiteKeys


@pytest.fixture
def running(shop_data: Path) -> Iterator[Path]:
    """The folder of a site whose matcher runs."""
    site_file = shop_data.parent / "site.yaml"
    matcher = subprocess.Popen(
        [sys.executable, "-m", "crosscam.cli", "match", site_file, "--data", shop_data],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not _is_active(shop_data):
            assert matcher.poll() is None
            time.sleep(0.1)
        yield shop_data
    finally:
        matcher.terminate()
        matcher.wait(30)


def _is_active(data: Path) -> bool:
    if not (data / "store" / "server.json").exists():
        return False
    with store_url(load_site(data.parent / "site.yaml"), data) as url:
        connection = Connection(url)
        holder = connection.execute("GET", SiteKeys("shop").lease)
        connection.close()
    return holder is not None


def test_running_matcher_merges_undoes_and_forgets(running: Path) -> None:
    event = carry_out(new_command("merge", ["P2", "P1"], by="ann", why="coat"), running, None)
    assert event.number == 5
    assert event.correction is not None
    assert event.correction.by == "ann"
    with pytest.raises(RefusedError, match="one identity already"):
        carry_out(new_command("merge", ["P2", "P1"], by=None, why=""), running, None)
    undone = carry_out(new_command("undo", ["5"], by=None, why=""), running, None)
    assert undone.correction is not None
    assert undone.correction.by == login_name()

    proof = forget_person(new_command("forget", ["P1"], by="ann", why="asked"), running, None)

    assert proof.is_clean, (proof.keys.found, proof.files.found)
    assert proof.is_rewritten
    assert (proof.event, proof.traces.num_features) == (7, 2)
    site = load_site(running.parent / "site.yaml")
    with store_url(site, running) as url:
        store = open_store(site, url)
        assert [identity.identity_id for identity in store.identities()] == ["P2", "P3"]
        store.close()
