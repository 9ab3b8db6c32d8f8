"""The command `crosscam`. Commands import what is heavy themselves, so that help is quick."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crosscam import __version__
from crosscam.cli_ask import export_app, search_command, trajectory_command
from crosscam.cli_calibrate import calibrate_command
from crosscam.cli_config import config_app
from crosscam.cli_data import data_app
from crosscam.cli_embed import embed_command, export_command
from crosscam.cli_evaluate import benchmark_command, evaluate_command
from crosscam.cli_forget import export_person_command, forget_command
from crosscam.cli_history import audit_command, explain_command, history_command
from crosscam.cli_identities import identities_app
from crosscam.cli_options import DATA_OPTION, SITE_ARGUMENT, reported_errors
from crosscam.cli_re_embed import re_embed_command
from crosscam.cli_topology import topology_command
from crosscam.cli_tracking import evaluate_tracking_command
from crosscam.cli_train import release_command, train_command

if TYPE_CHECKING:
    from config.schema import CameraSettings, SiteSettings
    from crosscam.pipeline import LaneStatus
    from crosscam.supervisor import RunStatus
    from matcher.match_status import MatchStatus

app = typer.Typer(
    name="crosscam",
    help="Who walked where: people in camera streams, linked to identities across cameras.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.add_typer(config_app, name="config")
app.add_typer(data_app, name="data")
app.add_typer(export_app, name="export")
app.add_typer(identities_app, name="identities")
app.command("trajectory")(trajectory_command)
app.command("search")(search_command)
app.command("explain")(explain_command)
app.command("history")(history_command)
app.command("audit")(audit_command)
app.command("forget")(forget_command)
app.command("re-embed")(re_embed_command)
app.command("calibrate")(calibrate_command)
app.command("topology")(topology_command)
app.command("evaluate-tracking")(evaluate_tracking_command)
app.command("embed")(embed_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command("benchmark")(benchmark_command)
export_app.command("person")(export_person_command)
export_app.command("model")(export_command)
export_app.command("weights")(release_command)

StatusOption = Annotated[
    Literal["line", "json"],
    typer.Option("--status", help="How progress is printed: lines for people, or JSON lines."),
]
ParentOption = Annotated[bool, typer.Option("--with-parent", hidden=True)]


def _version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"crosscam {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        typer.Option(help="Least severity of log lines on standard error.", envvar="CROSSCAM_LOG"),
    ] = "warning",
) -> None:
    del version
    from crosscam.telemetry import set_up_logging

    set_up_logging(log_level)


@app.command("run")
@reported_errors
def run_command(
    site_file: SITE_ARGUMENT,
    data: DATA_OPTION = Path("crosscam-data"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete what an earlier run left in the data folder.")
    ] = False,
) -> None:
    """Run a whole site on this machine: cameras, matcher and, if the site says so, the store.

    Ends when all files have ended; Ctrl-C ends cleanly and loses nothing. Running it again goes on
    where it stopped.
    """
    from rich.console import Console

    from config.load import load_site
    from crosscam.data_folder import make_fresh, prepare
    from crosscam.lifetime import stop_event
    from crosscam.progress import shown_progress
    from crosscam.supervisor import run_site

    site = load_site(site_file)
    if fresh:
        make_fresh(data)
    prepare(data, site, site_file)
    console = Console(stderr=True)
    stop = stop_event(with_parent=False)
    with shown_progress(console) as show:
        status = run_site(site, site_file, data, stop=stop, on_status=show)
    _print_end(status, data, was_stopped=stop.is_set())


def _print_end(status: RunStatus, data: Path, *, was_stopped: bool) -> None:
    said = "stopped" if was_stopped else "all cameras have ended"
    print(
        f"{said}: {status.matcher.get('num_identities', 0)} identities from "
        f"{status.matcher.get('num_tracklets', 0)} tracklets"
    )
    for camera in status.cameras:
        if camera["state"] == "lost" or camera["is_troubled"]:
            print(f"  {camera['camera_id']} {camera['state']}: {camera['message']}")
    print(f"next: crosscam identities --data {data}")


@app.command("worker")
@reported_errors
def worker_command(
    site_file: SITE_ARGUMENT,
    data: DATA_OPTION = Path("crosscam-data"),
    camera: Annotated[
        list[str] | None, typer.Option("--camera", help="Only this camera; may be repeated.")
    ] = None,
    status: StatusOption = "line",
    with_parent: ParentOption = False,
) -> None:
    """Run the cameras of a site (or some of them) and publish their tracklets."""
    from config.load import load_site
    from crosscam.health import Heartbeat
    from crosscam.lifetime import stop_event
    from crosscam.worker import run_worker

    site = load_site(site_file)
    cameras = _chosen(site, camera)
    stop = stop_event(with_parent=with_parent)
    heart = Heartbeat(data, "worker-" + "+".join(sorted(c.id for c in cameras)))

    def on_status(lanes: list[LaneStatus]) -> None:
        heart.beat()
        line = "; ".join(
            f"{lane.camera_id} {lane.state} {lane.num_frames} frames" for lane in lanes
        )
        _print_status([asdict(lane) for lane in lanes], status, line)

    run_worker(site, data, cameras=cameras, stop=stop, on_status=on_status)
    heart.end()


@app.command("match")
@reported_errors
def match_command(
    site_file: SITE_ARGUMENT,
    data: DATA_OPTION = Path("crosscam-data"),
    until_ended: Annotated[
        bool, typer.Option("--until-ended", help="End when all cameras of the site have ended.")
    ] = False,
    status: StatusOption = "line",
    with_parent: ParentOption = False,
) -> None:
    """Run the site's matcher: link published tracklets to identities. One per site is active."""
    from config.load import load_site
    from crosscam.health import Heartbeat
    from crosscam.lifetime import stop_event
    from crosscam.match import run_match

    site = load_site(site_file)
    stop = stop_event(with_parent=with_parent)
    heart = Heartbeat(data, "match")

    def on_status(now: MatchStatus) -> None:
        heart.beat()
        line = f"{now.num_identities} identities from {now.num_tracklets} tracklets"
        _print_status(asdict(now), status, line)

    run_match(site, data, stop=stop, until_ended=until_ended, on_status=on_status)
    heart.end()


def _chosen(site: SiteSettings, wanted: list[str] | None) -> list[CameraSettings]:
    known = {camera.id: camera for camera in site.cameras}
    unknown = [camera_id for camera_id in wanted or [] if camera_id not in known]
    if unknown:
        raise typer.BadParameter(
            f"the site has no camera {', '.join(unknown)}; it has {', '.join(known)}"
        )
    return [known[camera_id] for camera_id in wanted] if wanted else list(site.cameras)


def _print_status(status: Any, form: Literal["line", "json"], line: str) -> None:
    try:
        print(json.dumps(status) if form == "json" else line, flush=True)
    except BrokenPipeError:  # the parent died; its end of our standard input tells us to stop
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


@app.command("probe")
@reported_errors
def probe_command(
    url: Annotated[str, typer.Argument(help="rtsp(s)://…, a video file, a folder, or webcam:N.")],
    timeout_s: Annotated[float, typer.Option(help="Seconds to wait for the source.")] = 5.0,
) -> None:
    """Say what a camera or file delivers (codec, size, fps, clock), or why it can't be opened."""
    from streams.probe import probe

    info = probe(url, timeout_s=timeout_s)
    print(f"kind   {'live' if info.is_live else 'recorded'}")
    print(f"codec  {info.codec}")
    print(f"size   {info.width_px} x {info.height_px}")
    print(f"fps    {'not declared' if info.fps is None else f'{info.fps:g}'}")
    print(f"clock  {info.clock}")
    if info.num_frames is not None:
        print(f"frames {info.num_frames}")


@app.command("demo")
@reported_errors
def demo_command(
    data: DATA_OPTION = Path("crosscam-demo"),
    seed: Annotated[int, typer.Option(help="Another seed draws another site.")] = 7,
) -> None:
    """Draw a site (4 cameras, 8 people), run it, score it against the truth, write a report."""
    from crosscam.demo import run_demo

    run_demo(data, seed=seed)


@app.command("health")
@reported_errors
def health_command(data: DATA_OPTION = Path("crosscam-data")) -> None:
    """Say whether the processes that work on a folder are alive; code 1 if not (for containers)."""
    from crosscam.health import silent_processes

    problems = silent_processes(data)
    print("\n".join(problems) or "healthy")
    if problems:
        raise typer.Exit(1)


@app.command("doctor")
@reported_errors
def doctor_command() -> None:
    """Check this machine: libraries, devices, weights, store; one cure per finding."""
    from crosscam.doctor import examine

    findings = examine()
    for finding in findings:
        print(finding)
    if any(finding.is_fault for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the console command."""
    app()


if __name__ == "__main__":
    main()
