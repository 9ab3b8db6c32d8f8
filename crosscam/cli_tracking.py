"""`crosscam evaluate-tracking`: how well identities fit the truth over all cameras."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crosscam.cli_options import SITE_OPTION, reported_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosscam.tracking_figures import Latency, TrackingFigures
    from matcher.store import FeatureStore


@reported_errors
def evaluate_tracking_command(
    truth: Annotated[
        Path,
        typer.Option(
            "--truth",
            help="True boxes: CSV of a drawn site, MOT text, or a folder with a CAMERA.txt each.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    boxes: Annotated[
        Path | None,
        typer.Option(
            "--boxes",
            help="Found boxes: CSV of `export boxes --every-frame`, MOT text, or such a folder.",
            metavar="FILE",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="A run's folder, in place of --boxes.", metavar="DIR"),
    ] = None,
    site_file: SITE_OPTION = None,
    fps: Annotated[
        float, typer.Option("--fps", help="Frames a second of MOT text.", min=0.001)
    ] = 25.0,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the answer is written.")
    ] = "table",
) -> None:
    """Say how well identities fit the true people of all cameras: IDF1, HOTA, switches.

    Of a run also what was first decided, before any correction, and how soon it was right.
    """
    from crosscam.tracking_boxes import load_truth

    if (boxes is None) == (data is None):
        raise typer.BadParameter("give either --boxes FILE or --data DIR")
    true = load_truth(truth, fps)
    if boxes is not None:
        from crosscam.tracking_boxes import load_boxes, same_cameras
        from crosscam.tracking_figures import tracking_figures

        found, true = same_cameras(load_boxes(boxes, fps), true)
        _print({"boxes": tracking_figures(true, found)}, None, form)
        return
    from crosscam.tracking_boxes import same_cameras
    from crosscam.tracking_figures import at_emission, latency, tracking_figures
    from crosscam.tracking_history import placements
    from query.exports import box_rows

    with _opened(data or Path(), site_file) as store:
        found, true = same_cameras(list(box_rows(store, every_frame=True)), true)
        history = list(placements(store.events()))
    figures = {
        "at emission": tracking_figures(true, at_emission(found, history)),
        "after correction": tracking_figures(true, found),
    }
    _print(figures, latency(true, found, history), form)


@contextmanager
def _opened(data: Path, site_file: Path | None) -> Iterator[FeatureStore]:
    from crosscam.data_folder import site_of
    from crosscam.site_parts import open_store, store_url

    site = site_of(data, site_file)
    with store_url(site, data) as url:
        store = open_store(site, url)
        try:
            yield store
        finally:
            store.close()


def _print(figures: dict[str, TrackingFigures], soon: Latency | None, form: str) -> None:
    if form == "json":
        found: dict[str, Any] = {name.replace(" ", "_"): _json(f) for name, f in figures.items()}
        print(json.dumps(found | ({} if soon is None else {"latency": asdict(soon)})))
        return
    from crosscam.cli_figures import print_table

    some = next(iter(figures.values())).score
    print(f"{some.num_people} people in view; figures over all cameras, boxes match from IoU 0.5")
    titles = (
        "identities", "IDF1", "IDP", "IDR", "HOTA", "DetA", "AssA", "switches in a camera",
        "across cameras", "new ids per person",
    )  # fmt: skip
    print_table(titles, [_cells(name, each) for name, each in figures.items()])
    if soon is not None:
        print(_latency_text(soon))


def _cells(name: str, figures: TrackingFigures) -> list[str]:
    score = figures.score
    shares = (score.idf1, score.idp, score.idr, score.hota, score.det_a, score.ass_a)
    return [
        name,
        *(f"{100 * share:.1f}" for share in shares),
        str(figures.num_switches_within),
        str(figures.num_switches_across),
        f"{figures.new_identities_per_person:.2f}",
    ]


def _latency_text(soon: Latency) -> str:
    known = f"right identity known in {soon.num_right} of {soon.num_stays} stays in a camera"
    if soon.median_s is None or soon.p95_s is None:
        return known
    return f"{known}, after {soon.median_s:.1f} s (median), {soon.p95_s:.1f} s (95 %)"


def _json(figures: TrackingFigures) -> dict[str, Any]:
    return {
        **asdict(figures.score),
        "num_switches_within": figures.num_switches_within,
        "num_switches_across": figures.num_switches_across,
        "new_identities_per_person": figures.new_identities_per_person,
    }
