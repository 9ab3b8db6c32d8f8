"""`crosscam data prepare` and `crosscam data check`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crosscam.cli_options import reported_errors

if TYPE_CHECKING:
    from training.integrity import Found

data_app = typer.Typer(
    help="Data sets for training and evaluation: extract them, check them.", no_args_is_help=True
)
_SHOWN = 20
"""Damaged images that are printed."""


@data_app.command("prepare")
@reported_errors
def prepare_command(
    data_set: Annotated[Literal["cuhk03"], typer.Argument(help="The data set.", metavar="cuhk03")],
    raw: Annotated[Path, typer.Option("--raw", help="The published file.", metavar="cuhk-03.mat")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the images.", metavar="DIR")],
    labeled: Annotated[
        bool, typer.Option("--labeled", help="Only the crops that were drawn by hand.")
    ] = False,
    detected: Annotated[
        bool, typer.Option("--detected", help="Only the crops that a detector found.")
    ] = False,
) -> None:
    """Extract the images of a raw data set; run again, it goes on where it stopped."""
    del data_set  # there is one
    from training.cuhk03_counts import all_crops
    from training.cuhk03_names import Boxes
    from training.cuhk03_prepare import prepare_cuhk03

    kinds: list[Boxes] = []
    if labeled or not detected:
        kinds.append("labeled")
    if detected or not labeled:
        kinds.append("detected")
    num_images = sum(sum(all_crops(kind).images) for kind in kinds)
    with _progress("extracting", num_images) as advance:
        extracted = prepare_cuhk03(raw, out, kinds, lambda _kind, _number: advance())
    for part in extracted:
        total = part.num_written + part.num_kept
        print(f"{part.folder}: {total} images of {part.num_official}, {part.num_written} new")
    print(
        f"next: put cuhk03_new_protocol_config_*.mat into {out} for the new protocol, then "
        f"crosscam data check cuhk03-np-{kinds[0]}:{out}"
    )


@data_app.command("check")
@reported_errors
def check_command(
    data: Annotated[
        str,
        typer.Argument(
            help="The layout and where it is, such as cuhk03-np-labeled:DIR, market1501:DIR, "
            "msmt17:DIR, csv:FILE or folder:DIR.",
            metavar="LAYOUT:PATH",
        ),
    ],
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Do not fail where something is missing.")
    ] = False,
    decode: Annotated[
        bool, typer.Option("--decode", help="Read every image to its end, too.")
    ] = False,
) -> None:
    """Print what is there against what should be; fails if the data set is not whole."""
    from training.datasets import inspect_data
    from training.integrity import accepted, integrity_table

    found = inspect_data(data)
    print(found.integrity.name)
    print(integrity_table(found.integrity))
    for note in found.data.notes:
        print(f"note: {note}")
    if decode:
        _check_images(found)
    accepted(found, allow_partial=allow_partial)


def _check_images(found: Found) -> None:
    from training.errors import DataError
    from training.images import find_corrupt

    parts = (found.data.train, found.data.query, found.data.gallery)
    with _progress("decoding", sum(len(part) for part in parts)) as advance:
        corrupt = [
            image for part in parts for image in find_corrupt(part, lambda _number: advance())
        ]
    for image in corrupt[:_SHOWN]:
        print(f"damaged: {image.reason}")
    if corrupt:
        raise DataError(
            f"{found.integrity.name}: {len(corrupt)} images cannot be read, listed above"
            + (f" are {_SHOWN}" if len(corrupt) > _SHOWN else "")
        )


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A function that counts one up on a progress bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
