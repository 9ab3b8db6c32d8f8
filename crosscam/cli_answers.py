"""How answers are printed: as a table for people, as JSON or CSV for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

FormatOption = Annotated[
    Literal["table", "json", "csv"], typer.Option("--format", help="How the answer is written.")
]


def print_rows(
    rows: Sequence[dict[str, Any]], titles: Sequence[str], form: str, *, empty: str
) -> None:
    """Prints rows of the same columns.

    Args:
        rows: Values by name; N = 0 prints `empty`, an empty list, or nothing.
        titles: Of the columns of a table.
        form: ``table``, ``json`` or ``csv``.
        empty: What a table without rows says.
    """
    if form == "json":
        import json

        print(json.dumps(rows, indent=2))
    elif form == "csv":
        import csv

        if rows:
            writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    elif rows:
        _print_table(rows, titles)
    else:
        print(empty)


def _print_table(rows: Sequence[dict[str, Any]], titles: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title, value in zip(titles, rows[0].values(), strict=True):
        table.add_column(title, justify="right" if isinstance(value, (int, float)) else "left")
    for row in rows:
        table.add_row(*(cell(name, value) for name, value in row.items()))
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def cell(name: str, value: object) -> str:
    """A value as people read it, by the name of its column.

    >>> cell("started_at", 1767261600.0), cell("probability", 0.98765), cell("gap_s", None)
    ('2026-01-01 10:00:00.000Z', '0.988', '-')
    """
    if value is None:
        return "-"
    if name.endswith("_at") and isinstance(value, float):
        moment = datetime.fromtimestamp(value, UTC)
        return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00") + "Z"
    if isinstance(value, float):
        return f"{value:.1f}" if name == "seconds" or name.endswith("_s") else f"{value:.3f}"
    return str(value)
