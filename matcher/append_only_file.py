"""The server's append-only file, written anew: what was deleted stays in it until then."""

from __future__ import annotations

import time
from collections.abc import Callable

from matcher.connection import CommandRefusedError, Connection
from matcher.errors import StoreError

_LOOK_AGAIN_S = 0.05


def start_rewriting(connection: Connection) -> bool:
    """Asks the server to write its file anew, in the background; False if it keeps none.

    Raises:
        StoreError: The store cannot be used now, or does not allow it.
    """
    if _facts(connection).get("aof_enabled") != "1":
        return False
    try:
        connection.execute("BGREWRITEAOF")
    except CommandRefusedError as error:
        if "in progress" not in error.reply:
            raise
    return True


def rewrite(
    connection: Connection,
    *,
    timeout_s: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Writes the file anew from what is stored now, and waits for it; False if there is none.

    A rewriting that is under way is waited for first: it may have begun before.

    Raises:
        StoreError: It failed or is not done in time.
    """
    deadline = now() + timeout_s

    def wait() -> None:
        while _is_rewriting(connection):
            if now() > deadline:
                raise StoreError(
                    f"the store's file was not written anew within {timeout_s:.0f} s: "
                    "look at the server's log"
                )
            sleep(_LOOK_AGAIN_S)

    wait()
    if not start_rewriting(connection):
        return False
    wait()
    facts = _facts(connection)
    if facts.get("aof_last_bgrewrite_status") != "ok":
        raise StoreError(
            "the store's file could not be written anew: look at the server's log and its disk"
        )
    return True


def _is_rewriting(connection: Connection) -> bool:
    facts = _facts(connection)
    return "1" in (facts.get("aof_rewrite_in_progress"), facts.get("aof_rewrite_scheduled"))


def _facts(connection: Connection) -> dict[str, str]:
    reply = connection.execute("INFO", "persistence").decode()
    pairs = (line.split(":", 1) for line in reply.splitlines() if ":" in line)
    return {name: value.strip() for name, value in pairs}
