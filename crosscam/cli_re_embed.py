"""`crosscam re-embed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors


@reported_errors
def re_embed_command(
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    why: Annotated[
        str, typer.Option("--reason", help="Why; kept in the audit log.", metavar="TEXT")
    ] = "",
    user: Annotated[
        str | None,
        typer.Option("--user", help="Who; left out: the login name.", metavar="NAME"),
    ] = None,
) -> None:
    """Compute stored features again with the site's embedder, from the thumbnails.

    For a change of the model: people keep their ids and are found by the new one. No matcher may
    run. Without it, the old features simply expire; two models are never compared.
    """
    import time

    from crosscam.operator_desk import login_name
    from crosscam.re_embed import re_embed

    done = re_embed(data, site_file, by=user or login_name(), why=why, now=time.time)
    event = "" if done.event is None else f"event {done.event}: "
    print(
        f"{event}{done.num_renewed} tracklets are now in the space {done.space}, {done.num_same} "
        f"were already, {done.num_left} have no thumbnails and stay in their old space"
    )
