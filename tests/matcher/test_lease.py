from __future__ import annotations

import os
import signal
import time

import pytest

from matcher import lease as lease_module
from matcher.connection import Connection
from matcher.embedded import EmbeddedServer
from matcher.errors import StoreUnavailableError
from matcher.lease import Lease


@pytest.fixture
def brief_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "LEASE_S", 0.4)


def test_only_one_holds_it_and_the_next_gets_it_when_it_is_given_back(server_url: str) -> None:
    first, second = Lease(server_url, "lease", "first"), Lease(server_url, "lease", "second")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert second.holder() == "first"
    first.release()
    assert second.acquire()
    second.release()
    assert second.is_held is False


@pytest.mark.usefixtures("brief_lease")
def test_it_is_renewed_while_it_is_held(server_url: str) -> None:
    first, second = Lease(server_url, "lease", "first"), Lease(server_url, "lease", "second")
    assert first.acquire()
    time.sleep(0.8)
    assert not second.acquire()
    assert first.is_held
    first.release()
    second.release()


@pytest.mark.usefixtures("brief_lease")
def test_it_runs_out_when_its_holder_dies(server_url: str, connection: Connection) -> None:
    connection.execute("SET", "lease", "dead", "PX", 200)
    heir = Lease(server_url, "lease", "heir")
    assert not heir.acquire()
    time.sleep(0.3)
    assert heir.acquire()
    heir.release()


@pytest.mark.usefixtures("brief_lease")
def test_holder_notices_that_another_took_it(server_url: str, connection: Connection) -> None:
    first = Lease(server_url, "lease", "first")
    assert first.acquire()
    connection.execute("SET", "lease", "second")
    time.sleep(0.3)
    assert not first.is_held
    assert not first.acquire()
    first.release()
    assert connection.execute("GET", "lease") == b"second"


@pytest.mark.usefixtures("brief_lease")
def test_it_is_taken_again_after_the_store_was_away(server: EmbeddedServer) -> None:
    lease = Lease(server.url, "lease", "first")
    assert lease.acquire()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(0.5)
    while not server.ensure_alive():
        pass
    time.sleep(0.3)
    assert lease.is_held
    assert lease.holder() == "first"
    lease.release()


def test_store_that_is_away_is_an_error_when_taking_and_none_when_giving_back() -> None:
    lease = Lease("unix:///no/such.socket", "lease", "first")
    with pytest.raises(StoreUnavailableError):
        lease.acquire()
    lease.release()
