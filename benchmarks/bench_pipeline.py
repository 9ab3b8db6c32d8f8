"""The whole pipeline on recorded clips: speed against real time, memory over loops, latency.

    python -m benchmarks.bench_pipeline SITE.yaml [--loops 1] [--runs 3] [--embedder FILE.xml]

Runs `crosscam run` as a user does. Prints one JSON line per figure:
- ``real_time_factor``: seconds of the clips per second of work, from the first to the last frame
  of the slowest camera (starting up is reported apart); 1 or more is real time;
- ``rss_mb``: memory of all processes together, highest; and its growth over the second half;
- ``identity_latency_s``: from the first frame of a track to its identity in the store, stream time.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import yaml

from benchmarks.measurement import emit
from config.load import load_site
from config.schema import SiteSettings
from crosscam.data_folder import prepare
from crosscam.site_parts import open_store, store_url
from crosscam.supervisor import RunStatus, run_site


@dataclass
class Run:
    """What was seen of one run; times in seconds of the monotonic clock."""

    started_at: float = 0.0
    first_frame_at: float = 0.0
    ended_at: float = 0.0
    stream_from: float = float("inf")
    stream_to: float = 0.0
    rss_mb: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    num_identities: int = 0

    def take(self, status: RunStatus) -> None:
        """Note a status."""
        now = time.monotonic()
        for camera in status.cameras:
            if camera["stream_at"] is not None:
                self.first_frame_at = self.first_frame_at or now
                self.stream_from = min(self.stream_from, camera["stream_at"])
                self.stream_to = max(self.stream_to, camera["stream_at"])
        if status.cameras and all(camera["state"] == "ended" for camera in status.cameras):
            self.ended_at = self.ended_at or now


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--loops", type=int, default=1, help="how often each clip is played")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--embedder", help="an exported RGA model (.xml) in place of the site's")
    options = parser.parse_args()
    runs = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="crosscam-bench-") as folder:
            site_file = options.site.resolve()
            if options.loops > 1:
                site_file = looped_site(site_file, Path(folder), options.loops)
            if options.embedder:
                site_file = with_embedder(site_file, Path(folder), options.embedder)
            runs.append(measured(site_file, Path(folder) / "data"))
    report(runs, Path(options.embedder or options.site).name, options.loops)


def measured(site_file: Path, data: Path) -> Run:
    """Run a site and watch it."""
    site = load_site(site_file)
    prepare(data, site, site_file)
    run = Run(started_at=time.monotonic())
    stop = threading.Event()
    watcher = threading.Thread(target=_watch_memory, args=(run, stop), daemon=True)
    watcher.start()
    run_site(site, site_file, data, stop=threading.Event(), on_status=run.take)
    stop.set()
    watcher.join()
    run.ended_at = run.ended_at or time.monotonic()
    _ask(site, data, run)
    return run


def report(runs: list[Run], name: str, loops: int) -> None:
    """Print the figures of some runs."""
    more = {"site": name, "loops": loops}
    # Statuses come once a second: the first one holds frames already, whose time is left out.
    factors = [
        (run.stream_to - run.stream_from) / (run.ended_at - run.first_frame_at) for run in runs
    ]
    emit("real_time_factor", factors, "s/s", **more)
    emit("start_up_s", [run.first_frame_at - run.started_at for run in runs], "s", **more)
    emit("rss_mb", [max(run.rss_mb) for run in runs], "MB", **more)
    emit("rss_growth_mb", [_growth(run.rss_mb) for run in runs], "MB", **more)
    emit("identity_latency_s", [s for run in runs for s in run.latencies_s], "s", **more)
    emit("identities", [run.num_identities for run in runs], "identities", **more)


def looped_site(site_file: Path, folder: Path, loops: int) -> Path:
    """A copy of a site whose clips are played several times over, without coding them again."""
    site = load_site(site_file)
    text = site_file.read_text(encoding="utf-8")
    for camera in site.cameras:
        url = camera.url.get_secret_value()
        looped = folder / f"{camera.id}.mp4"
        loop_clip(Path(url), looped, loops)
        pattern = re.compile(rf"(id: {re.escape(camera.id)}, url: )[^,}}]+")
        text = pattern.sub(rf"\g<1>{looped}", text)
    copy = folder / "site.yaml"
    copy.write_text(text, encoding="utf-8")
    return copy


def with_embedder(site_file: Path, folder: Path, weights: str) -> Path:
    """A copy of a site that embeds with an exported RGA model."""
    site = yaml.safe_load(site_file.read_text(encoding="utf-8"))
    site["embedder"] = {"kind": "openvino", "weights": weights}
    copy = folder / "rga-site.yaml"
    copy.write_text(yaml.safe_dump(site), encoding="utf-8")
    return copy


def loop_clip(clip: Path, out: Path, loops: int) -> None:
    """Copy the packets of a clip several times in a row."""
    with av.open(str(out), "w") as target:
        stream = None
        offset = 0
        for _ in range(loops):
            with av.open(str(clip)) as source:
                video = source.streams.video[0]
                if stream is None:
                    stream = target.add_stream_from_template(video)
                end = offset
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += offset
                    packet.dts += offset
                    end = max(end, packet.pts + (packet.duration or 1))
                    packet.stream = stream
                    target.mux(packet)
                offset = end


def _watch_memory(run: Run, stop: threading.Event) -> None:
    while not stop.wait(0.5):
        run.rss_mb.append(sum(_rss_mb(pid) for pid in _tree("self")))


def _tree(pid: str) -> list[str]:
    """A process and all that descend from it; the benchmark itself is the supervisor."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                found += _tree(child)
        except OSError:
            continue
    return found


def _rss_mb(pid: str) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * 4096 / 1e6


def _growth(rss_mb: list[float]) -> float:
    """Median of the last quarter less the median of the second quarter."""
    quarter = max(1, len(rss_mb) // 4)
    return float(
        np.median(rss_mb[-quarter:-1] or rss_mb) - np.median(rss_mb[quarter : 2 * quarter])
    )


def _ask(site: SiteSettings, data: Path, run: Run) -> None:
    with store_url(site, data) as url:
        store = open_store(site, url)
        decisions = [decision for event in store.events() for decision in event.decisions]
        run.latencies_s = [d.decided_at - d.started_at for d in decisions if d.is_first]
        run.num_identities = store.num_identities()
        store.close()


if __name__ == "__main__":
    main()
