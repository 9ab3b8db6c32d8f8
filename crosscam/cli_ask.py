"""Commands that ask: identities, trajectory, search, export."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from crosscam.cli_answers import FormatOption, print_rows
from crosscam.cli_moments import AsOfOption, SinceOption, UntilOption, parse_as_of, parse_moment
from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors

if TYPE_CHECKING:
    from config.schema import SiteSettings
    from matcher.store import FeatureStore

export_app = typer.Typer(
    help="Write boxes or trajectories for other programs, or a model for another runtime.",
    no_args_is_help=True,
)


@contextmanager
def opened_store(data: Path, site_file: Path | None) -> Iterator[tuple[SiteSettings, FeatureStore]]:
    """The site's settings and its store, for the time of a question."""
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
    as_of: AsOfOption = None,
    form: FormatOption = "table",
) -> None:
    """List the identities: when and where each was seen."""
    from query.as_of import identities_at

    since_at, until_at = parse_moment(since), parse_moment(until)
    moment = parse_as_of(as_of)
    with opened_store(data, site_file) as (_, store):
        if moment is None:
            found = store.identities(since=since_at, until=until_at)
        else:
            found = identities_at(store, moment, since=since_at, until=until_at)
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
    print_rows(rows, titles, form, empty="no identities")


@reported_errors
def trajectory_command(
    identity_id: Annotated[str, typer.Argument(help="An identity, e.g. P3.", metavar="ID")],
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    since: SinceOption = None,
    until: UntilOption = None,
    as_of: AsOfOption = None,
    form: FormatOption = "table",
) -> None:
    """Show a person's way: every sighting with its likeness, probability and the gap before it.

    An id that was merged into another one leads there.
    """
    from query.trajectory import gap_before_s, trajectory_of

    since_at, until_at = parse_moment(since), parse_moment(until)
    moment = parse_as_of(as_of)
    with opened_store(data, site_file) as (_, store):
        way = trajectory_of(store, identity_id, since=since_at, until=until_at, as_of=moment)
    if way.identity_id != identity_id:
        print(f"{identity_id} is part of {way.identity_id}", file=sys.stderr)
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
    print_rows(rows, titles, form, empty=f"{identity_id} has no sightings in that time")


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

    with opened_store(data, site_file) as (site, store):
        hits = search_image(site, store, image, limit=limit)
    titles = ("identity", "similarity", "probability", "nearest tracklet")
    print_rows([asdict(hit) for hit in hits], titles, form, empty="the store is empty")


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
    with opened_store(data, site_file) as (_, store):
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
    with opened_store(data, site_file) as (_, store):
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
