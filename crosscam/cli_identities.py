"""`crosscam identities`: list them, and put right who is who."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crosscam.cli_answers import FormatOption
from crosscam.cli_ask import identities_command
from crosscam.cli_moments import AsOfOption, SinceOption, UntilOption
from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors

if TYPE_CHECKING:
    from matcher.operator_command import CommandKind

identities_app = typer.Typer(
    help="List the identities, or put right who is who.", invoke_without_command=True
)

WhyOption = Annotated[
    str, typer.Option("--reason", help="Why; kept in the audit log.", metavar="TEXT")
]
UserOption = Annotated[
    str | None, typer.Option("--user", help="Who; left out: the login name.", metavar="NAME")
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Even where place and time speak against it.")
]
TrackletsArgument = Annotated[
    list[str], typer.Argument(help="Tracklets, e.g. cam1-1-42.", metavar="TRACKLET...")
]


@identities_app.callback()
def _listed(
    context: typer.Context,
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    since: SinceOption = None,
    until: UntilOption = None,
    as_of: AsOfOption = None,
    form: FormatOption = "table",
) -> None:
    """List the identities: when and where each was seen. Or put right who is who.

    Every correction is an event with a number, a user and a reason; `crosscam audit` lists them.
    """
    if context.invoked_subcommand is None:
        identities_command(data, site_file, since, until, as_of, form)


@identities_app.command("merge")
@reported_errors
def merge_command(
    one: Annotated[str, typer.Argument(help="The identity that ends.", metavar="A")],
    other: Annotated[str, typer.Argument(help="What it becomes part of.", metavar="B")],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    why: WhyOption = "",
    user: UserOption = None,
    force: ForceOption = False,
) -> None:
    """Say that two identities are one person: A becomes part of B, and its id leads there."""
    _give("merge", (one, other), data, site_file, why, user, is_forced=force)


@identities_app.command("split")
@reported_errors
def split_command(
    identity_id: Annotated[str, typer.Argument(help="An identity, e.g. P3.", metavar="ID")],
    tracklet_ids: TrackletsArgument,
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    why: WhyOption = "",
    user: UserOption = None,
) -> None:
    """Take tracklets out of an identity; they are a new one, and not the same person."""
    _give("split", (identity_id, *tracklet_ids), data, site_file, why, user)


@identities_app.command("confirm")
@reported_errors
def confirm_command(
    identity_id: Annotated[str, typer.Argument(help="An identity, e.g. P3.", metavar="ID")],
    tracklet_ids: TrackletsArgument,
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    why: WhyOption = "",
    user: UserOption = None,
    force: ForceOption = False,
) -> None:
    """Say that tracklets are an identity: they come to it, and stay."""
    _give("confirm", (identity_id, *tracklet_ids), data, site_file, why, user, is_forced=force)


@identities_app.command("separate")
@reported_errors
def separate_command(
    one: Annotated[str, typer.Argument(help="An identity or a tracklet.", metavar="A")],
    other: Annotated[str, typer.Argument(help="Another one.", metavar="B")],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    why: WhyOption = "",
    user: UserOption = None,
) -> None:
    """Say that two are different people: they are never made one."""
    _give("separate", (one, other), data, site_file, why, user)


@identities_app.command("undo")
@reported_errors
def undo_command(
    number: Annotated[int, typer.Argument(help="Number of the event.", metavar="EVENT", min=1)],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    why: WhyOption = "",
    user: UserOption = None,
) -> None:
    """Take a correction back, by an operator or by the matcher; an undo can be undone too."""
    _give("undo", (str(number),), data, site_file, why, user)


def _give(
    kind: CommandKind,
    ids: Sequence[str],
    data: Path,
    site_file: Path | None,
    why: str,
    user: str | None,
    *,
    is_forced: bool = False,
) -> None:
    from crosscam.operator_desk import carry_out, new_command
    from query.history import described

    event = carry_out(
        new_command(kind, ids, by=user, why=why, is_forced=is_forced), data, site_file
    )
    if event.correction is not None:
        print(f"event {event.number}: {kind} {described(event.correction)}")
