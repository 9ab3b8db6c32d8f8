"""`crosscam topology`: the cameras, the ways between them, and how long people take."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from crosscam.cli_answers import print_rows
from crosscam.cli_ask import opened_store
from crosscam.cli_calibrate import told_calibration
from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors

_TITLES = (
    *("from", "to", "links", "1 in 10 under", "median", "9 in 10 under", "later returns"),
    "settings",
)


@reported_errors
def topology_command(
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Draw the graph.", metavar="FILE.svg")
    ] = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the answer is written.")
    ] = "table",
) -> None:
    """Show which ways people take between cameras and how long, as learned and as the site says.

    Seconds from leaving one view to entering the next, of those who come within an hour; 0 where
    the views overlap.
    """
    from crosscam.whole_file import write_whole
    from matcher.learner import learned
    from matcher.matcher import build_topology
    from query.camera_graph import camera_graph_svg, way_lines

    with opened_store(data, site_file) as (site, store):
        camera_ids = [camera.id for camera in site.cameras]
        topology = build_topology(site.matcher, camera_ids)
        calibration_of = told_calibration(site.matcher.calibration)
        learner = learned(store.restore(), topology, calibration_of)
    lines = way_lines(topology, learner.travel_times, camera_ids)
    if svg is not None:
        places = {c.id: (c.position.x_m, c.position.y_m) for c in site.cameras if c.position}
        write_whole(svg, camera_graph_svg(lines, camera_ids, places))
    rows = [asdict(line) for line in lines]
    print_rows(rows, _TITLES, form, empty="no ways: nothing was learned, and none is named")
