"""`crosscam run`: the store, the match process and the workers of a site on one machine."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crosscam.children import EXIT_USER_ERROR, Child
from matcher.embedded import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.schema import SiteSettings

logger = logging.getLogger(__name__)

_TICK_S = 0.1
_STOP_TIMEOUT_S = 60.0


class RunError(Exception):
    """A process of the run ended with a mistake that a restart cannot cure; the text is its own."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run is doing.

    Attributes:
        cameras: Statuses of the cameras as the workers print them.
        matcher: Status of the match process; empty before its first.
        restarts: Restarts by the name of the process.
    """

    cameras: list[dict[str, Any]]
    matcher: dict[str, Any]
    restarts: dict[str, int]


def run_site(
    site: SiteSettings,
    site_file: Path,
    data: Path,
    *,
    stop: threading.Event,
    on_status: Callable[[RunStatus], None],
) -> RunStatus:
    """Run a whole site until its files end or `stop` is set; nothing that was published is lost.

    Args:
        site: The settings of `site_file`.
        site_file: Given to the child processes.
        data: The run's folder: store, spool, logs.
        stop: Ends the run cleanly: workers publish what is open, the matcher drains the stream.
        on_status: Called about ten times a second.

    Returns:
        The last status.

    Raises:
        RunError: A child said that the user has to act.
        StoreError: The embedded store cannot be started.
    """
    common = [str(site_file), "--data", str(data), "--status", "json", "--with-parent"]
    worker = Child("worker", ["worker", *common], data / "logs" / "worker.log")
    match = Child("match", ["match", *common], data / "logs" / "match.log")
    with _store(site, data) as keep_alive:
        try:
            match.start()
            worker.start()
            _attend([worker, match], [worker], stop, keep_alive, on_status)
            _end(worker, match, keep_alive, on_status)
            _end(match, worker, keep_alive, on_status)
        finally:
            worker.kill()
            match.kill()
    return _status(worker, match)


@contextmanager
def _store(site: SiteSettings, data: Path) -> Iterator[Callable[[], object]]:
    """The embedded server, if the site uses one; gives what keeps it alive."""
    if site.store.url.get_secret_value() != "embedded":
        yield lambda: None
        return
    server = EmbeddedServer(data)
    server.start()
    try:
        yield server.ensure_alive
    finally:
        server.stop()


def _attend(
    children: list[Child],
    until: list[Child],
    stop: threading.Event,
    keep_alive: Callable[[], object],
    on_status: Callable[[RunStatus], None],
) -> None:
    """Keep everything alive until all of `until` have ended, or `stop` is set."""
    while not stop.is_set() and any(child.exit_code is None for child in until):
        keep_alive()
        for child in children:
            child.check()
            if child.exit_code == EXIT_USER_ERROR:
                raise RunError(child.last_words())
        on_status(_status(*children))
        stop.wait(_TICK_S)


def _end(
    child: Child,
    other: Child,
    keep_alive: Callable[[], object],
    on_status: Callable[[RunStatus], None],
) -> None:
    """Ask a child to end, and keep the rest alive until it has."""
    child.stop()
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while not child.wait(_TICK_S):
        keep_alive()
        other.check()
        on_status(_status(child, other))
        if time.monotonic() > deadline:
            logger.error("%s did not end within %.0f s", child.name, _STOP_TIMEOUT_S)
            child.kill()


def _status(*children: Child) -> RunStatus:
    by_name = {child.name: child for child in children}
    worker, match = by_name["worker"], by_name["match"]
    return RunStatus(
        cameras=worker.status if isinstance(worker.status, list) else [],
        matcher=match.status if isinstance(match.status, dict) else {},
        restarts={child.name: child.num_restarts for child in children},
    )
