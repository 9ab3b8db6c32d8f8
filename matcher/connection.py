"""The one place that meets the Redis client: plain commands, our errors, no credentials in text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from matcher.errors import StoreError, StoreUnavailableError

Argument = bytes | str | int | float
Command = tuple[Argument, ...]
"""A command's name and its arguments."""

SCHEMES = ("redis", "rediss", "unix")
NO_LOGIN = (
    redis.exceptions.AuthenticationError,
    redis.exceptions.AuthorizationError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.AuthenticationWrongNumberOfArgsError,
)
COMES_BACK = (
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.TryAgainError,
)
"""Replies of a server that will answer later: it loads, or hands over to a replica."""


class CommandRefusedError(StoreError):
    """The server answered a command with an error; `reply` is its text."""

    def __init__(self, name: str, reply: str) -> None:
        super().__init__(f"{name} refused a command: {reply}")
        self.reply = reply


def redacted(url: str) -> str:
    """The address without user, password and query: fit for logs and errors.

    >>> redacted("rediss://matcher:secret@10.0.0.5:6380/0")
    'rediss://10.0.0.5:6380/0'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "(no URL)"
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


class Connection:
    """Sends commands to one server. Safe to use from several threads; not after a fork.

    Nothing is sent twice by itself: a caller that gets `StoreUnavailableError` cannot know whether
    the command was carried out, and repeats it only where that does no harm.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        """Checks the URL; connects at the first command.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``, with credentials where needed.
            timeout_s: Longest wait for a connection and for an answer.

        Raises:
            StoreError: The URL cannot be used.
        """
        address = redacted(url)
        self._name = f"the store at {address}"
        if urlsplit(url).scheme not in SCHEMES:
            raise StoreError(f"store.url {address}: expected redis://…, rediss://… or unix://…")
        try:
            self._client = redis.Redis.from_url(
                url,
                protocol=2,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
                decode_responses=False,
            )
        except (ValueError, TypeError):
            # The original text may quote the password.
            raise StoreError(f"store.url {address}: the URL cannot be read") from None
        # Replies as the protocol gives them, whatever the client's version.
        self._client.response_callbacks.clear()

    def execute(self, *command: Argument) -> Any:
        """The reply to one command: bytes, int, None or a list of these.

        Raises:
            StoreUnavailableError: No answer; whether the command was carried out is not known.
            StoreError: The server refused it.
        """
        try:
            return self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except (redis.RedisError, OSError) as error:
            raise self._translated(error) from None

    def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands that travel together, carried out in order; no transaction.

        After a failure any first part of them may have been carried out.

        Raises:
            StoreUnavailableError: No answer.
            StoreError: One of them was refused; those after it may have been carried out.
        """
        if not commands:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        try:
            replies: list[Any] = pipeline.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as error:
            raise self._translated(error) from None
        for reply in replies:
            if isinstance(reply, Exception):
                raise self._translated(reply)
        return replies

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _translated(self, error: Exception) -> StoreError:
        """Our error for one of the client's; the client's own text never holds the password."""
        text = str(error)
        if isinstance(error, NO_LOGIN):
            return StoreError(
                f"{self._name} refuses the login ({text}): check the user in store.url"
            )
        if isinstance(error, redis.exceptions.OutOfMemoryError):
            return StoreError(
                f"{self._name} is full ({text}): raise its maxmemory or keep less long"
            )
        if text.startswith(("MISCONF", "NOREPLICAS")):
            return StoreError(
                f"{self._name} takes no writes ({text}): look at its disk and replicas"
            )
        if text.startswith(("unknown command", "syntax error")):
            return StoreError(
                f"{self._name} is too old ({text}): use Valkey, or Redis 6.2 or newer"
            )
        if isinstance(error, redis.exceptions.ResponseError) and not isinstance(error, COMES_BACK):
            return CommandRefusedError(self._name, text)
        return StoreUnavailableError(
            f"{self._name} does not answer ({type(error).__name__}: {text}): is it running?"
        )
