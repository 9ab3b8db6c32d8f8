"""Moments on the command line: since when, until when, as of when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="From this moment: ISO 8601, or 10m, 2h, 1d ago.", metavar="WHEN"),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Up to this moment; see --since.", metavar="WHEN")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="As it was known then: a moment (see --since) or the number of an event.",
        metavar="WHEN",
    ),
]

_AGO = re.compile(r"^(\d+(?:\.\d+)?)(s|m|h|d)$")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_moment(text: str | None) -> float | None:
    """A moment as Unix seconds, from ISO 8601 (UTC if no zone) or ``10m``, ``2h``, ``1d`` ago.

    Raises:
        typer.BadParameter: It is neither.
    """
    if text is None:
        return None
    ago = _AGO.match(text.strip())
    if ago:
        return datetime.now(UTC).timestamp() - float(ago[1]) * _UNIT_S[ago[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no moment: write 2026-01-31T10:00:00Z, or 10m, 2h, 1d for ago"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_as_of(text: str | None) -> int | float | None:
    """The number of an event, or a moment as Unix seconds.

    >>> parse_as_of("17"), parse_as_of("2026-01-01T10:00:00Z"), parse_as_of(None)
    (17, 1767261600.0, None)

    Raises:
        typer.BadParameter: It is neither.
    """
    if text is not None and text.strip().isascii() and text.strip().isdigit():
        return int(text)
    return parse_moment(text)
