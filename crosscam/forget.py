"""`crosscam forget`: a person is taken out everywhere, and a search proves it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from crosscam.data_folder import site_of
from crosscam.operator_desk import carry_out_in
from crosscam.site_parts import open_store, store_url
from matcher.append_only_file import rewrite
from matcher.connection import Connection
from matcher.operator_command import OperatorCommand
from matcher.residue import Residue, ResidueSearch, Traces, search_files

REWRITE_S = 600.0
TRIES = 4
PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What was forgotten, and what a search found afterwards.

    Attributes:
        event: Number of the event that keeps the fact.
        traces: What was searched for.
        keys: Over all keys of the site.
        files: Over the store's and the spool's files in the run's folder.
        is_rewritten: The server wrote its append-only file anew; False if it keeps none.
    """

    event: int
    traces: Traces
    keys: Residue
    files: Residue
    is_rewritten: bool

    @property
    def is_clean(self) -> bool:
        """Nothing was found."""
        return not self.keys.found and not self.files.found


def forget_person(command: OperatorCommand, data: Path, site_file: Path | None) -> Proof:
    """Has the site's matcher forget a person, waits for the store's file, and searches.

    Raises:
        RefusedError: There is no such person.
        StoreError: The store cannot be reached, or its file could not be written anew.
    """
    site = site_of(data, site_file)
    with store_url(site, data) as url:
        store = open_store(site, url)
        search = ResidueSearch(url, site.site)
        connection = Connection(url)
        try:
            traces = search.traces(store, command.ids[0])
            event = carry_out_in(command, site, url, store)
            for attempt in range(TRIES):
                if attempt:  # a message of the person that was on its way came late
                    time.sleep(PAUSE_S)
                is_rewritten = rewrite(connection, timeout_s=REWRITE_S)
                proof = Proof(
                    event=event.number,
                    traces=traces,
                    keys=search.keys(traces),
                    files=search_files([data / "store", data / "spool"], traces),
                    is_rewritten=is_rewritten,
                )
                if proof.is_clean:
                    break
            return proof
        finally:
            connection.close()
            search.close()
            store.close()
