"""`crosscam demo`: a drawn site through the whole pipeline, scored and reported; offline."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console

from config.load import load_site
from crosscam.data_folder import make_fresh, prepare
from crosscam.lifetime import stop_event
from crosscam.progress import shown_progress
from crosscam.scoring import Score, score
from crosscam.site_parts import open_store, store_url
from crosscam.supervisor import run_site
from matcher.store import FeatureStore
from query.exports import box_rows
from query.report import write_report
from query.trajectory import trajectory
from streams.synthetic import SyntheticSite, read_truth, write_site


def run_demo(data: Path, *, seed: int) -> None:
    """Draw the site, run it, print the trajectories and the score, write the report.

    Args:
        data: Folder for the clips, the run and the report.
        seed: Of the drawn site.

    Raises:
        AppError: The folder holds something else, or scoring is not installed.
        StreamError: The clips cannot be written.
    """
    make_fresh(data)
    started = time.monotonic()
    say = Console(stderr=True, highlight=False, soft_wrap=True).print
    say("drawing a site: 4 cameras, 8 people, 30 s ...")
    written = write_site(SyntheticSite(seed=seed), data / "site")
    site = load_site(written.site_file)
    prepare(data, site, written.site_file)
    say(f"running it ({time.monotonic() - started:.0f} s so far) ...")
    stop = stop_event(with_parent=False)
    with shown_progress(Console(stderr=True)) as show:
        run_site(site, written.site_file, data, stop=stop, on_status=show)
    if stop.is_set():
        print("stopped")
        return
    report = data / "report.html"
    with store_url(site, data) as url:
        store = open_store(site, url)
        try:
            _print_trajectories(store)
            figures = score(read_truth(written.truth_file), box_rows(store, every_frame=True))
            write_report(store, report, title="Demo: a drawn site")
        finally:
            store.close()
    _print_end(figures, data, report, time.monotonic() - started)


def _print_trajectories(store: FeatureStore) -> None:
    identities = store.identities()
    begun_at = min((who.first_seen_at for who in identities), default=0.0)
    print("Who walked where (seconds since the start):")
    for who in identities:
        way = trajectory(who.identity_id, store.sightings(who.identity_id))
        steps = "  ->  ".join(
            f"{s.camera_id} {s.started_at - begun_at:.1f}-{s.ended_at - begun_at:.1f}"
            for s in way.sightings
        )
        print(f"  {who.identity_id:>4}  {steps}")


def _print_end(figures: Score, data: Path, report: Path, seconds: float) -> None:
    print(
        f"\nglobal IDF1 {100 * figures.idf1:.1f} %  (precision {100 * figures.idp:.1f}, "
        f"recall {100 * figures.idr:.1f})   HOTA {100 * figures.hota:.1f}   "
        f"{figures.num_identities} identities for {figures.num_people} people"
    )
    print(f"report: {report}   ({seconds:.0f} s in all)")
    print(f"ask it: crosscam trajectory P1 --data {data}")
    sys.stdout.flush()
