"""`crosscam forget` and `crosscam export person`: what a person may ask for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crosscam.cli_ask import opened_store
from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors

if TYPE_CHECKING:
    from crosscam.forget import Proof


@reported_errors
def forget_command(
    identity_id: Annotated[str, typer.Argument(help="An identity, e.g. P3.", metavar="ID")],
    why: Annotated[
        str, typer.Option("--reason", help="Why; kept in the audit log.", metavar="TEXT")
    ],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    user: Annotated[
        str | None,
        typer.Option("--user", help="Who; left out: the login name.", metavar="NAME"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a person everywhere, for ever, and prove it by a search; only the fact is kept.

    Works through merges. Late messages of the same tracks are dropped. Code 1 if anything is left.
    """
    from crosscam.forget import forget_person
    from crosscam.operator_desk import new_command

    if not yes and sys.stdin.isatty():
        typer.confirm(f"Remove all that is known of {identity_id}? It cannot be undone", abort=True)
    command = new_command("forget", (identity_id,), by=user, why=why)
    proof = forget_person(command, data, site_file)
    _print_proof(identity_id, proof)
    if not proof.is_clean:
        raise typer.Exit(1)


@reported_errors
def export_person_command(
    identity_id: Annotated[str, typer.Argument(help="An identity, e.g. P3.", metavar="ID")],
    out: Annotated[Path, typer.Option("--out", help="A new folder.", metavar="DIR")],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
) -> None:
    """Write all that is held about one identity: JSON, thumbnails, features."""
    from query.person_export import export_person

    with opened_store(data, site_file) as (_, store):
        num_files = export_person(store, identity_id, out)
    print(f"{out}: {num_files} files", file=sys.stderr)


def _print_proof(identity_id: str, proof: Proof) -> None:
    traces = proof.traces
    print(f"event {proof.event}: {identity_id} is forgotten")
    print(
        f"searched for {traces.num_features} features, {traces.num_thumbnails} thumbnails and "
        f"{len(traces.names)} ids"
    )
    print(f"  {proof.keys.num_places} keys, {proof.keys.num_bytes} bytes")
    print(f"  {proof.files.num_places} files, {proof.files.num_bytes} bytes")
    if not proof.is_rewritten:
        print("the server keeps no append-only file; its snapshots, if any, are its operator's")
    for line in (*proof.keys.found, *proof.files.found):
        print(f"FOUND {line}")
    if proof.is_clean:
        print("nothing is left")
