"""Commands that ask: identities, trajectory, search, export."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import typer

from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors

if TYPE_CHECKING:
    from config.schema import SiteSettings
    from matcher.store import FeatureStore

export_app = typer.Typer(
    help="Write boxes or trajectories for other programs, or a model for another runtime.",
    no_args_is_help=True,
)

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


FormatOption = Annotated[
    Literal["table", "json", "csv"], typer.Option("--format", help="How the answer is written.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="From this moment: ISO 8601, or 10m, 2h, 1d ago.", metavar="WHEN"),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Up to this moment; see --since.", metavar="WHEN")
]


@contextmanager
def _opened(data: Path, site_file: Path | None) -> Iterator[tuple[SiteSettings, FeatureStore]]:
    from crosscam.data_folder import site_of
    from crosscam.site_parts import open_store, store_url

    site = site_of(data, site_file)
    with store_url(site, data) as url:
        store = open_store(site, url)
        try:
            yield site, store
        finally:
            store.close()


@reported_errors
def identities_command(
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = "table",
) -> None:
    """List the identities: when and where each was seen."""
    since_at, until_at = parse_moment(since), parse_moment(until)
    with _opened(data, site_file) as (_, store):
        found = store.identities(since=since_at, until=until_at)
    rows = [
        {
            "identity_id": who.identity_id,
            "first_seen_at": who.first_seen_at,
            "last_seen_at": who.last_seen_at,
            "camera_ids": " ".join(who.camera_ids) if form != "json" else list(who.camera_ids),
            "num_sightings": who.num_sightings,
        }
        for who in found
    ]
    titles = ("identity", "first seen", "last seen", "cameras", "sightings")
    _print_rows(rows, titles, form, empty="no identities")


@reported_errors
def trajectory_command(
    identity_id: Annotated[str, typer.Argument(help="An identity, e.g. P3.", metavar="ID")],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = "table",
) -> None:
    """Show a person's way: every sighting with its likeness, probability and the gap before it."""
    from query.trajectory import gap_before_s, trajectory_of

    since_at, until_at = parse_moment(since), parse_moment(until)
    with _opened(data, site_file) as (_, store):
        way = trajectory_of(store, identity_id, since=since_at, until=until_at)
    rows = [
        {
            "started_at": sighting.started_at,
            "camera_id": sighting.camera_id,
            "seconds": sighting.ended_at - sighting.started_at,
            "similarity": sighting.similarity,
            "probability": sighting.probability,
            "gap_s": gap_before_s(way.sightings, position),
            "runner_up_id": sighting.runner_up_id,
            "runner_up_probability": sighting.runner_up_probability,
            "tracklet_id": sighting.tracklet_id,
        }
        for position, sighting in enumerate(way.sightings)
    ]
    titles = (
        "time",
        "camera",
        "seconds",
        "similarity",
        "probability",
        "gap s",
        "runner-up",
        "its prob.",
        "tracklet",
    )
    _print_rows(rows, titles, form, empty=f"{identity_id} has no sightings in that time")


@reported_errors
def search_command(
    image: Annotated[Path, typer.Argument(help="A photo or crop (JPEG, PNG, WebP).")],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    limit: Annotated[int, typer.Option(help="Longest answer.", min=1, max=1000)] = 10,
    form: FormatOption = "table",
) -> None:
    """Search by image: which identities look like the person in it?

    An upright picture is taken as a crop of one person; in any other the surest person is searched.
    """
    from crosscam.image_search import search_image

    with _opened(data, site_file) as (site, store):
        hits = search_image(site, store, image, limit=limit)
    titles = ("identity", "similarity", "probability", "nearest tracklet")
    _print_rows([asdict(hit) for hit in hits], titles, form, empty="the store is empty")


@export_app.command("boxes")
@reported_errors
def export_boxes_command(
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: Annotated[Literal["csv", "jsonl", "mot"], typer.Option("--format")] = "csv",
    camera: Annotated[str | None, typer.Option("--camera", help="Only this camera.")] = None,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="Fill frames between detections in (score 0).")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="File; standard output if none.")
    ] = None,
) -> None:
    """Write every box of every identity."""
    from query.exports import box_rows, write_boxes

    since_at, until_at = parse_moment(since), parse_moment(until)
    with _opened(data, site_file) as (_, store):
        rows = box_rows(store, since=since_at, until=until_at, every_frame=every_frame)
        wanted = (row for row in rows if camera is None or row.camera_id == camera)
        _write_out(out, lambda file: write_boxes(wanted, file, form))


@export_app.command("trajectories")
@reported_errors
def export_trajectories_command(
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: Annotated[Literal["csv", "jsonl"], typer.Option("--format")] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", help="File; standard output if none.")
    ] = None,
) -> None:
    """Write every sighting of every identity, in order of time."""
    from query.exports import sighting_rows, write_sightings

    since_at, until_at = parse_moment(since), parse_moment(until)
    with _opened(data, site_file) as (_, store):
        rows = sighting_rows(store, since=since_at, until=until_at)
        _write_out(out, lambda file: write_sightings(rows, file, form))


def _write_out(out: Path | None, write: Callable[[IO[str]], int]) -> None:
    """Write to standard output, or to a file that appears whole or not at all."""
    if out is None:
        write(sys.stdout)
        return
    temporary = out.with_name(f".{out.name}.new")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            count = write(file)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    print(f"{out}: {count} rows", file=sys.stderr)


def _print_rows(
    rows: Sequence[dict[str, Any]], titles: Sequence[str], form: str, *, empty: str
) -> None:
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
        table.add_row(*(_cell(name, value) for name, value in row.items()))
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    if name.endswith("_at") and isinstance(value, float):
        moment = datetime.fromtimestamp(value, UTC)
        return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00") + "Z"
    if isinstance(value, float):
        return f"{value:.1f}" if name in ("seconds", "gap_s") else f"{value:.3f}"
    return str(value)
