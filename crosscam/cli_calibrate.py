"""`crosscam calibrate`: what similarities mean on this site, from its own tracklets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crosscam.cli_answers import print_rows
from crosscam.cli_ask import opened_store
from crosscam.cli_options import DATA_OPTION, SITE_OPTION, reported_errors

if TYPE_CHECKING:
    from matcher.calibration import CalibrationOf
    from query.calibration_report import CalibrationReport

_TITLES = ("cameras", "different pairs", "median", "1 in 10", "threshold", "data")


@reported_errors
def calibrate_command(
    data: DATA_OPTION = Path("crosscam-data"),
    site_file: SITE_OPTION = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write what matcher.calibration loads.", metavar="FILE.json"),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Write a chart (.svg or .html).", metavar="FILE"),
    ] = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How the answer is written.")
    ] = "table",
) -> None:
    """Show how alike different and linked people are here, and the threshold that follows.

    Different people are those whom place and time tell apart; nobody has to label them. The running
    matcher learns the same by itself (matcher.learn); --out keeps it for a site that begins anew.
    """
    if plot is not None and plot.suffix not in (".svg", ".html"):
        raise typer.BadParameter(f"{plot}: a chart is written as .svg or .html")
    reports = _reports(data, site_file)
    if out is not None:
        _write_calibration(reports, out)
    if plot is not None:
        _write_charts(reports, plot)
    if form == "json":
        import json

        print(json.dumps([_json(report) for report in reports], indent=2))
        return
    for report in reports:
        _print(report)
    if not reports:
        print("no tracklets: run the site first")


def told_calibration(path: Path | None) -> CalibrationOf:
    """The calibration of each space before anything is learned.

    Args:
        path: The setting `matcher.calibration`.

    Raises:
        MatcherError: The file cannot be used.
    """
    from matcher.calibration import built_in_calibration, load_calibration

    if path is None:
        return built_in_calibration
    known = load_calibration(path)
    return lambda _: known


def _reports(data: Path, site_file: Path | None) -> list[CalibrationReport]:
    from matcher.matcher import build_topology
    from query.calibration_report import calibration_reports

    with opened_store(data, site_file) as (site, store):
        settings = site.matcher
        return calibration_reports(
            store.restore(),
            build_topology(settings, [camera.id for camera in site.cameras]),
            told_calibration(settings.calibration),
            false_match_rate=settings.false_match_rate,
            confirmed={c.one for c in store.links.constraints_now() if c.kind == "must"},
        )


def _write_calibration(reports: list[CalibrationReport], out: Path) -> None:
    import json

    from crosscam.errors import AppError
    from crosscam.whole_file import write_whole

    if len(reports) != 1:
        found = ", ".join(report.space for report in reports) or "no tracklets"
        raise AppError(f"--out writes the calibration of one space; the store has {found}")
    write_whole(out, json.dumps(asdict(reports[0].site), indent=2) + "\n")


def _write_charts(reports: list[CalibrationReport], plot: Path) -> None:
    from crosscam.errors import AppError
    from crosscam.whole_file import write_whole
    from query.similarity_chart import similarity_svg

    charts = [similarity_svg(report) for report in reports]
    if plot.suffix == ".html":
        style = "body{max-width:860px;margin:2em auto}svg{width:100%}"
        write_whole(
            plot,
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Calibration</title>'
            f"<style>{style}</style>{''.join(charts)}</html>\n",
        )
    elif len(charts) == 1:
        write_whole(plot, charts[0])
    else:
        raise AppError(f"an .svg holds one chart, there are {len(charts)}: write {plot.stem}.html")


def _print(report: CalibrationReport) -> None:
    links, sure = int(report.linked.sum()), int(report.confirmed.sum())
    print(f"{report.space}: {links} links, {sure} of them confirmed")
    print(
        f"a link needs probability {report.least_probability:.3f}, at even odds similarity "
        f"{report.threshold:.3f}: one of {1 / report.false_match_rate:.0f} comparisons of "
        "different people reaches it"
    )
    print_rows([asdict(line) for line in report.lines], _TITLES, "table", empty="")
    print()


def _json(report: CalibrationReport) -> dict[str, Any]:
    from matcher.different_people import LOWEST, STEP

    counts = (report.different, report.linked, report.confirmed)
    histogram = [
        {
            "similarity": round(LOWEST + STEP * step, 2),
            "different": int(different),
            "linked": int(linked),
            "confirmed": int(confirmed),
        }
        for step, (different, linked, confirmed) in enumerate(zip(*counts, strict=True))
        if different or linked or confirmed
    ]
    return {
        "space": report.space,
        "false_match_rate": report.false_match_rate,
        "least_probability": report.least_probability,
        "threshold": report.threshold,
        "before": asdict(report.base),
        "calibration": asdict(report.site),
        "pairs": [asdict(line) for line in report.lines],
        "histogram": histogram,
    }
