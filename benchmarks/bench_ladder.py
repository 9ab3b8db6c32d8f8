"""Which part loses how much: a drawn site with the truth in place of one part after the other.

    python -m benchmarks.bench_ladder [--weights MODEL] [--detector-weights FILE]

Rungs: the detector and tracker of the site; true boxes (the detector `replay` with the truth as MOT
text) with the tracker; true tracks. On each the matcher's identities are scored, and perfect
linking: every tracklet gets the person whom most of its boxes show. What perfect linking loses
on the first rung and not on the second is the detector's, between the second and the third the
tracker's, and what the matcher lacks to perfect linking is its own. Prints a JSON line a rung and
then a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.ladder_tracks import (
    Tracks,
    TrueTracker,
    box_rows_of,
    camera_tracklets,
    write_true_mot,
)
from benchmarks.measurement import machine
from benchmarks.site_simulator import placements_of
from config.load import load_site
from config.schema import DetectorSettings, EmbedderSettings, SiteSettings
from crosscam.scoring import Score, score
from crosscam.tracking_matches import match_boxes
from detector.detector import build_detector
from detector.tracker import build_tracker
from matcher.matcher import build_matcher
from matcher.tracklet import Tracklet
from reid.embedder import Embedder, build_embedder
from streams.synthetic import SyntheticSite, TruthBox, read_truth, write_site


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung's figures: with the matcher, and with perfect linking."""

    name: str
    linked: Score
    perfect: Score


def matched(site: SiteSettings, tracklets: Iterable[Tracklet]) -> dict[str, str]:
    """The matcher's latest identity of every tracklet."""
    matcher = build_matcher(site.matcher, [camera.id for camera in site.cameras])
    for tracklet in tracklets:
        matcher.offer(tracklet)
    return {p.tracklet_id: p.identity_id for p in placements_of(matcher.last_steps())}


def perfect(truth: Sequence[TruthBox], tracklets: Sequence[Tracklet]) -> dict[str, str]:
    """The person whom most boxes of a tracklet show; one that shows nobody stays alone."""
    names = {tracklet.tracklet_id: tracklet.tracklet_id for tracklet in tracklets}
    shown: dict[str, Counter[int]] = defaultdict(Counter)
    for match in match_boxes(truth, box_rows_of(tracklets, names)):
        shown[match.tracklet_id][match.person_id] += 1
    return names | {
        name: f"person {min(people, key=lambda person: (-people[person], person))}"
        for name, people in shown.items()
    }


def climb(
    site: SiteSettings, truth: Sequence[TruthBox], embedder: Embedder, folder: Path
) -> list[Rung]:
    """The three rungs, from what is to what could be."""
    true_boxes = _with_true_boxes(site, truth, folder)

    def own_tracker(camera_id: str) -> Tracks:
        return build_tracker(site.tracker, camera_id)

    def true_tracker(camera_id: str) -> Tracks:
        mine = [box for box in truth if box.camera_id == camera_id]
        return TrueTracker(mine, site.tracker.max_lost_s)

    rungs = []
    for name, settings, tracker_of in (
        ("as it is", site, own_tracker),
        ("true boxes", true_boxes, own_tracker),
        ("true tracks", true_boxes, true_tracker),
    ):
        with closing(build_detector(settings.detector, settings.cameras)) as detector:
            tracklets = camera_tracklets(settings, detector, tracker_of, embedder)
        scores = [
            score(truth, box_rows_of(tracklets, identities))
            for identities in (matched(site, tracklets), perfect(truth, tracklets))
        ]
        rungs.append(Rung(name, *scores))
    return rungs


def markdown(rungs: Sequence[Rung]) -> str:
    """The rungs, and to which part each loss of IDF1 belongs."""
    lines = [
        "| rung | linking | IDF1 | HOTA | DetA | AssA | identities |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for rung in rungs:
        for linking, figures in (("matcher", rung.linked), ("perfect", rung.perfect)):
            shares = (figures.idf1, figures.hota, figures.det_a, figures.ass_a)
            cells = " | ".join(f"{100 * share:.1f}" for share in shares)
            lines.append(f"| {rung.name} | {linking} | {cells} | {figures.num_identities} |")
    own, boxes, tracks = rungs
    losses = (
        ("detector", boxes.perfect.idf1 - own.perfect.idf1),
        ("tracker", tracks.perfect.idf1 - boxes.perfect.idf1),
        ("matcher", own.perfect.idf1 - own.linked.idf1),
        ("matcher on true tracks", tracks.perfect.idf1 - tracks.linked.idf1),
    )
    told = ", ".join(f"{part} {100 * loss:.1f}" for part, loss in losses)
    return "\n".join([*lines, "", f"Points of IDF1 lost: {told}"])


def _with_true_boxes(site: SiteSettings, truth: Sequence[TruthBox], folder: Path) -> SiteSettings:
    """The site with the truth as its detector: no box is suppressed or too small."""
    write_true_mot(truth, [camera.id for camera in site.cameras], folder)
    replay = DetectorSettings(
        kind="replay", weights=str(folder), min_score=0.0, nms_iou=1.0, min_height_px=1
    )
    return site.model_copy(update={"detector": replay})


def main() -> None:
    """Draws the site and climbs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--duration-s", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--weights", help="of the embedder; left out: as `crosscam run` takes it")
    parser.add_argument("--detector-weights", help="left out: as `crosscam run` takes it")
    arguments = parser.parse_args()
    drawn = SyntheticSite(
        num_cameras=arguments.cameras,
        num_people=arguments.people,
        duration_s=arguments.duration_s,
        seed=arguments.seed,
    )
    with tempfile.TemporaryDirectory(prefix="crosscam-ladder-") as folder:
        written = write_site(drawn, Path(folder))
        site = load_site(written.site_file).model_copy(
            update={
                "embedder": EmbedderSettings(weights=arguments.weights),
                "detector": DetectorSettings(weights=arguments.detector_weights),
            }
        )
        with closing(build_embedder(site.embedder)) as embedder:
            truth = read_truth(written.truth_file)
            rungs = climb(site, truth, embedder, Path(folder) / "truth")
            facts = machine() | {"space": embedder.space}
    for rung in rungs:
        print(json.dumps(asdict(rung) | facts))
    print("\n" + markdown(rungs))


if __name__ == "__main__":
    main()
