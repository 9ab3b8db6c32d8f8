from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator

import pytest
import redis

from matcher.connection import CommandRefusedError, Connection, redacted
from matcher.embedded import EmbeddedServer
from matcher.errors import StoreError, StoreUnavailableError

Connect = Callable[..., Connection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes connections that are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(url: str, timeout_s: float = 5.0) -> Connection:
            return stack.enter_context(contextlib.closing(Connection(url, timeout_s=timeout_s)))

        yield make


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://matcher:s3cret@host:6379/0", "redis://host:6379/0"),
        ("rediss://:s3cret@host", "rediss://host"),
        ("redis://user:p@s3cret@host", "redis://host"),
        ("redis://host?password=s3cret", "redis://host"),
        ("unix://user:s3cret@/run/store.socket?db=0", "unix:///run/store.socket"),
        ("s3cret", "(no URL)"),
    ],
)
def test_address_shows_no_credentials(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_replies_are_plain(connection: Connection) -> None:
    assert connection.execute("PING") == b"PONG"
    assert connection.execute("GET", "nothing") is None
    assert connection.execute_all([("SET", "a", b"\x00\xff"), ("GET", "a"), ("STRLEN", "a")]) == [
        b"OK",
        b"\x00\xff",
        2,
    ]
    assert connection.execute_all([]) == []


def test_refused_command_gives_the_reply(connection: Connection) -> None:
    connection.execute("SET", "text", "x")
    with pytest.raises(CommandRefusedError, match="WRONGTYPE"):
        connection.execute("ZADD", "text", 1, "member")


def test_refused_command_among_many_does_not_show_the_others_data(connection: Connection) -> None:
    with pytest.raises(CommandRefusedError) as refusal:
        connection.execute_all([("SET", "text", "private"), ("ZADD", "text", 1, "private")])
    assert "private" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["redis://user:s3cret@127.0.0.1:1", "unix://u:s3cret@/no/such.socket"]
)
def test_server_that_is_away_is_said_without_credentials(url: str, connect: Connect) -> None:
    with pytest.raises(StoreUnavailableError, match="is it running") as error:
        connect(url, timeout_s=0.5).execute("PING")
    assert "s3cret" not in f"{error.value!r} {error.value.__cause__!r}"


def test_server_that_does_not_answer_is_given_up_after_the_timeout(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StoreUnavailableError, match="imeout"):
            connect(f"redis://127.0.0.1:{port}", timeout_s=0.2).execute("PING")


@pytest.mark.parametrize(
    "url",
    ["", "embedded", "http://s3cret@host", "redis://u:s3cret@host:port", "rediss://h:99999999"],
)
def test_unusable_url_is_refused_without_credentials(url: str, connect: Connect) -> None:
    with pytest.raises(StoreError, match=r"store\.url") as error:
        connect(url)
    assert "s3cret" not in repr(error.value)


def test_wrong_password_is_said_with_a_cure_and_without_the_password(
    server: EmbeddedServer, caplog: pytest.LogCaptureFixture, connect: Connect
) -> None:
    caplog.set_level(logging.DEBUG)
    connect(server.url).execute("CONFIG", "SET", "requirepass", "right")
    for url in (server.url, server.url.replace("unix://", "unix://matcher:s3cret@")):
        with pytest.raises(StoreError, match=r"refuses the login.*store\.url") as error:
            connect(url).execute("PING")
        assert not isinstance(error.value, StoreUnavailableError)
        assert "s3cret" not in f"{error.value!r} {caplog.text}"
    connect(server.url.replace("unix://", "unix://:right@")).execute(
        "CONFIG", "SET", "requirepass", ""
    )


def test_forbidden_command_is_said_with_a_cure(server: EmbeddedServer, connect: Connect) -> None:
    connection = connect(server.url)
    connection.execute("ACL", "SETUSER", "reader", "on", ">word", "~*", "+get")
    reader = connect(server.url.replace("unix://", "unix://reader:word@"))
    with pytest.raises(StoreError, match="refuses the login"):
        reader.execute("SET", "key", "value")


def test_full_store_is_said_with_a_cure(server: EmbeddedServer, connect: Connect) -> None:
    connection = connect(server.url)
    connection.execute("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreError, match=r"is full.*maxmemory"):
        connection.execute("SET", "key", "value")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left"),
            StoreError,
            r"takes no writes.*No space left.*look at its disk",
        ),
        (redis.exceptions.ResponseError("NOREPLICAS Not enough"), StoreError, "replicas"),
        (redis.exceptions.OutOfMemoryError("command not allowed"), StoreError, "is full"),
        (
            redis.exceptions.ResponseError("unknown command 'XAUTOCLAIM'"),
            StoreError,
            r"too old.*6\.2",
        ),
        (redis.exceptions.BusyLoadingError("loading"), StoreUnavailableError, "is it running"),
        (redis.exceptions.ReadOnlyError("replica"), StoreUnavailableError, "is it running"),
        (ConnectionResetError("reset"), StoreUnavailableError, "reset"),
    ],
    ids=["disk full", "no replicas", "memory full", "old", "loading", "replica", "reset"],
)
def test_refusal_is_told_from_absence(
    error: Exception, kind: type[StoreError], text: str, connect: Connect
) -> None:
    translated = connect("redis://host")._translated(error)
    assert type(translated) is kind
    assert re.search(text, str(translated))


def test_connection_is_made_again_after_the_server_came_back(
    server: EmbeddedServer, connect: Connect
) -> None:
    connection = connect(server.url)
    connection.execute("SET", "key", "value")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(StoreUnavailableError):
        connection.execute("GET", "key")
    while not server.ensure_alive():
        pass
    assert connection.execute("GET", "key") == b"value"
