"""The match process: the site's one matcher, between the tracklet stream and the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from config.schema import SiteSettings
from crosscam.site_parts import open_store, store_url
from matcher.match_status import MatchStatus
from matcher.matcher import build_matcher
from matcher.service import MatchService

logger = logging.getLogger(__name__)


def run_match(
    site: SiteSettings,
    data: Path,
    *,
    stop: threading.Event,
    until_ended: bool,
    on_status: Callable[[MatchStatus], None],
) -> None:
    """Link tracklets until `stop` is set and the stream is drained, or all cameras have ended.

    Raises:
        StoreError: The embedded store cannot be started, or the store refuses.
    """
    matcher = build_matcher(site.matcher, [camera.id for camera in site.cameras])
    with store_url(site, data, create=True) as url:
        store = open_store(site, url)
        service = MatchService(
            url,
            site.site,
            matcher=matcher,
            store=store,
            max_delay_s=site.matcher.max_delay_s,
            camera_ids=[camera.id for camera in site.cameras],
        )
        try:
            service.run(stop, until_ended=until_ended, on_status=on_status)
        finally:
            service.close()
            store.close()
