from __future__ import annotations

from pathlib import Path

import pytest

from matcher.append_only_file import rewrite, start_rewriting
from matcher.connection import Connection
from matcher.embedded import EmbeddedServer
from matcher.errors import StoreError


def test_deleted_bytes_are_gone_after_rewriting(server: EmbeddedServer, tmp_path: Path) -> None:
    connection = Connection(server.url)
    connection.execute("SET", "secret", b"secret bytes")
    entry_id = connection.execute("XADD", "stream", "*", "record", b"other bytes")
    connection.execute("XADD", "stream", "*", "record", b"bytes that stay")
    connection.execute("DEL", "secret")
    connection.execute("XDEL", "stream", entry_id)

    def content() -> bytes:
        folder = tmp_path / "data" / "store" / "appendonlydir"
        return b"".join(path.read_bytes() for path in folder.iterdir())

    assert b"secret bytes" in content()
    assert rewrite(connection, timeout_s=30.0)
    assert b"secret bytes" not in content()
    assert b"other bytes" not in content()
    assert b"bytes that stay" in content()
    connection.close()


def test_server_without_a_file_is_left_alone(server: EmbeddedServer) -> None:
    connection = Connection(server.url)
    connection.execute("CONFIG", "SET", "appendonly", "no")
    assert not start_rewriting(connection)
    assert not rewrite(connection, timeout_s=1.0)
    connection.close()


class Busy:
    """A server that never ends rewriting."""

    def execute(self, *_: object) -> bytes:
        return b"aof_enabled:1\r\naof_rewrite_in_progress:1\r\n"


def test_rewriting_that_does_not_end_is_an_error() -> None:
    clock = iter(range(100))
    with pytest.raises(StoreError, match="within 5 s"):
        rewrite(Busy(), timeout_s=5.0, now=lambda: next(clock), sleep=lambda _: None)  # type: ignore[arg-type]
