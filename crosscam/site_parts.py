"""What the processes of a site are made of: settings translated into parts, once, here."""

from __future__ import annotations

import hashlib
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from config.schema import CameraSettings, SiteSettings
from crosscam.tracklets import PublishPolicy
from matcher.camera_progress import CameraProgress
from matcher.embedded import open_embedded
from matcher.store import FeatureStore, Retention
from streams.address import is_live, redacted

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a camera goes on.

    Attributes:
        epoch: Number of the tracker's life; part of every tracklet's name.
        start_index: First frame to work on; 0 for live cameras.
        is_done: A recorded camera that was worked on to its end before.
    """

    epoch: int
    start_index: int
    is_done: bool


def publish_policy(site: SiteSettings) -> PublishPolicy:
    """When tracks are published."""
    return PublishPolicy(
        first_after_s=site.crops.first_after_s,
        min_crops=site.crops.min_crops,
        max_crops=site.crops.max_crops,
        update_every_s=site.crops.update_every_s,
        num_thumbnails=site.crops.thumbnails,
        max_length_s=site.tracker.max_length_s,
    )


def store_url(
    site: SiteSettings, data: Path, *, create: bool = False
) -> AbstractContextManager[str]:
    """The store's URL, for as long as the context lasts; an embedded server is found or started.

    Args:
        site: The site's settings.
        data: The run's folder.
        create: Make the embedded store where there is none, instead of refusing.
    """
    url = site.store.url.get_secret_value()
    return open_embedded(data, create=create) if url == "embedded" else nullcontext(url)


def open_store(site: SiteSettings, url: str) -> FeatureStore:
    """The site's store behind a URL."""
    days = site.retention
    return FeatureStore(
        url,
        site.site,
        timeout_s=site.store.connect_timeout_s,
        retention=Retention(
            identities_s=days.identities_days * _DAY_S,
            thumbnails_s=days.thumbnails_days * _DAY_S,
            events_s=days.events_days * _DAY_S,
        ),
    )


def camera_is_live(camera: CameraSettings) -> bool:
    """Streams and webcams are live; files and folders are recorded."""
    return is_live(camera.url.get_secret_value())


def source_fingerprint(camera: CameraSettings, stride: int) -> str:
    """Names what a camera reads, without credentials; changes when a file or its sampling does."""
    url = camera.url.get_secret_value()
    if camera_is_live(camera):
        return redacted(url)
    path = Path(url)
    try:
        stat = path.stat()
        content = f"{stat.st_size}:{stat.st_mtime_ns}"
    except OSError:
        content = "missing"
    sampling = f"{camera.start_at}:{camera.max_fps}:{stride}"
    digest = hashlib.sha256(f"{path.resolve()}:{content}:{sampling}".encode()).hexdigest()[:16]
    return f"{path.name}:{digest}"


def resumption(camera: CameraSettings, source: str, last: CameraProgress | None) -> Resumption:
    """Where a camera goes on after what the store knows of it.

    Live cameras begin a new epoch at every start, numbered by the clock so that no store is needed
    to choose it. Recorded ones go on behind the last published frame.
    """
    if camera_is_live(camera):
        return Resumption(epoch=int(time.time()), start_index=0, is_done=False)
    if last is None:
        return Resumption(epoch=1, start_index=0, is_done=False)
    if last.source != source:
        return Resumption(epoch=last.epoch + 1, start_index=0, is_done=False)
    is_done = last.state == "ended"
    return Resumption(last.epoch + 1, last.next_index, is_done)
