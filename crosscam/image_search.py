"""`crosscam search`: the site's embedder and detector applied to one picture."""

from __future__ import annotations

from pathlib import Path

from config.schema import CameraSettings, DetectorSettings, SiteSettings
from detector.detector import Detector, build_detector, choose_detector
from matcher.calibration import built_in_calibration, load_calibration
from matcher.store import FeatureStore
from query.search import Hit, person_in, read_image, search_by_crop
from reid.embedder import build_embedder


def search_image(site: SiteSettings, store: FeatureStore, image: Path, *, limit: int) -> list[Hit]:
    """Identities that look like the person in an image, most alike first.

    Raises:
        ImageError: The image cannot be used.
        DetectorError: The site's detector cannot be built.
        ReidError: The site's embedder cannot be built.
        StoreError: The store cannot be reached or refuses.
    """
    picture = read_image(image)
    detector = _still_detector(site.detector)
    embedder = build_embedder(site.embedder)
    try:
        crop = person_in(picture, detector, str(image))
        stored = site.matcher.calibration
        calibration = load_calibration(stored) if stored else built_in_calibration(embedder.space)
        return search_by_crop(store, crop, embedder, calibration, limit=limit)
    finally:
        embedder.close()
        if detector is not None:
            detector.close()


def _still_detector(settings: DetectorSettings) -> Detector | None:
    """The site's detector, or the weight-free HOG where the site's needs moving pictures."""
    kind = choose_detector(settings).kind
    if kind in ("motion", "replay"):
        settings = DetectorSettings(kind="hog", min_height_px=1)
    camera = CameraSettings.model_validate({"id": "search", "url": "search"})
    return build_detector(settings, [camera])
