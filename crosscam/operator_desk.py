"""How the command line gives the site's matcher an operator's command, and what becomes of it."""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from config.schema import SiteSettings
from crosscam.data_folder import site_of
from crosscam.site_parts import open_store, store_url
from matcher.command_client import CommandClient
from matcher.errors import StoreError
from matcher.event_log import StoreEvent
from matcher.operator_command import CommandKind, OperatorCommand
from matcher.store import FeatureStore
from matcher.topology import Topology

WAIT_S = 30.0
"""Longest wait for a matcher that runs."""


def new_command(
    kind: CommandKind, ids: Sequence[str], *, by: str | None, why: str, is_forced: bool = False
) -> OperatorCommand:
    """A command of this moment; `by` None: the user who is logged in."""
    return OperatorCommand(
        command_id=secrets.token_hex(8),
        kind=kind,
        ids=tuple(ids),
        by=by or login_name(),
        why=why,
        asked_at=time.time(),
        is_forced=is_forced,
    )


def carry_out(command: OperatorCommand, data: Path, site_file: Path | None) -> StoreEvent:
    """The event that carried a command out.

    Raises:
        RefusedError: It cannot be done; nothing was changed.
        StoreError: The store cannot be reached, or the matcher did not answer in time.
    """
    site = site_of(data, site_file)
    with store_url(site, data) as url:
        store = open_store(site, url)
        try:
            return carry_out_in(command, site, url, store)
        finally:
            store.close()


def carry_out_in(
    command: OperatorCommand, site: SiteSettings, url: str, store: FeatureStore
) -> StoreEvent:
    """Like `carry_out`, with a store that is open."""
    client = CommandClient(url, site.site, store=store, topology=lambda: _topology(site))
    try:
        number = client.carry_out(command, timeout_s=WAIT_S)
    finally:
        client.close()
    event = store.event(number)
    if event is None:
        raise StoreError(f"event {number} was written and cannot be found: look at the server")
    return event


def login_name() -> str:
    """The user who is logged in; ``unknown`` where the system names nobody."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _topology(site: SiteSettings) -> Topology:
    # Loads the matcher, which is not needed where one runs.
    from matcher.matcher import build_topology  # noqa: PLC0415

    return build_topology(site.matcher, [camera.id for camera in site.cameras])
