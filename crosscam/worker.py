"""The worker process: some cameras of a site, from their readers to the published tracklets."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from config.schema import CameraSettings, SiteSettings
from crosscam.pipeline import CameraLane, CameraWorker, LaneStatus
from crosscam.site_parts import (
    camera_is_live,
    open_store,
    publish_policy,
    resumption,
    source_fingerprint,
    store_url,
)
from crosscam.tracklets import TrackletMaker
from detector.detector import build_detector
from detector.tracker import build_tracker
from matcher.camera_progress import CameraProgress
from matcher.errors import StoreUnavailableError
from matcher.publisher import Publisher
from reid.batching import EmbeddingHost
from reid.embedder import build_embedder
from streams.reader import CameraReader

logger = logging.getLogger(__name__)


def run_worker(
    site: SiteSettings,
    data: Path,
    *,
    cameras: Sequence[CameraSettings],
    stop: threading.Event,
    on_status: Callable[[list[LaneStatus]], None],
) -> None:
    """Work on some cameras until they end or `stop` is set.

    Args:
        site: The site's settings.
        data: The run's folder (embedded store, spool).
        cameras: The cameras of this worker.
        stop: Ends the work cleanly.
        on_status: Called about once a second.

    Raises:
        DetectorError: The detector cannot be built.
        ReidError: The embedder cannot be built.
        StoreError: The embedded store cannot be started, or the store refuses.
    """
    detector = build_detector(site.detector, cameras)
    embedder = build_embedder(site.embedder)
    logger.info("detector: %s; embedder: %s", detector.name, embedder.name)
    host = EmbeddingHost(
        embedder, max_batch=site.embedder.max_batch, max_wait_ms=site.embedder.max_wait_ms
    )
    names = "+".join(sorted(camera.id for camera in cameras))
    lanes: list[CameraLane] = []
    with store_url(site, data, create=True) as url:
        publisher = Publisher(
            url,
            site.site,
            spool_folder=data / "spool" / names,
            spool_max_mb=site.store.spool_max_mb,
        )
        try:
            last = _last_progress(site, url, publisher, cameras, stop)
            lanes = [
                lane for camera in cameras if (lane := _lane(site, camera, last.get(camera.id)))
            ]
            for lane in lanes:
                lane.reader.start()
            worker = CameraWorker(
                lanes, detector, host, publisher, publish_policy(site), embedder.space
            )
            worker.run(stop, on_status)
        finally:
            for lane in lanes:
                lane.reader.close()
            host.close()
            publisher.close()
            detector.close()


def _last_progress(
    site: SiteSettings,
    url: str,
    publisher: Publisher,
    cameras: Sequence[CameraSettings],
    stop: threading.Event,
) -> dict[str, CameraProgress]:
    """What was published of the recorded cameras before; waits while the store is away.

    What an earlier life left in the spool is newer than what the store has.
    """
    recorded = [camera for camera in cameras if not camera_is_live(camera)]
    if not recorded:
        return {}
    pause_s, is_told = 0.2, False
    while not stop.is_set():
        try:
            store = open_store(site, url)
            try:
                found = {
                    camera.id: publisher.newest_progress(camera.id)
                    or store.camera_progress(camera.id)
                    for camera in recorded
                }
            finally:
                store.close()
        except StoreUnavailableError as error:
            if not is_told:
                logger.warning("%s; trying again until it answers", error)
                is_told = True
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 5.0)
        else:
            return {camera_id: last for camera_id, last in found.items() if last is not None}
    return {}


def _lane(
    site: SiteSettings, camera: CameraSettings, last: CameraProgress | None
) -> CameraLane | None:
    source = source_fingerprint(camera, site.detector.stride)
    where = resumption(camera, source, last)
    if where.is_done:
        logger.info("camera %s: worked on to its end before", camera.id)
        return None
    if where.start_index:
        logger.info("camera %s: goes on at frame %d", camera.id, where.start_index)
    reader = CameraReader(camera, stride=site.detector.stride, start_index=where.start_index)
    return CameraLane(
        camera_id=camera.id,
        source=source,
        is_live=camera_is_live(camera),
        epoch=where.epoch,
        reader=reader,
        tracker=build_tracker(site.tracker, camera.id),
        maker=TrackletMaker(camera.id, where.epoch, publish_policy(site)),
        last_index=where.start_index - 1,
    )
