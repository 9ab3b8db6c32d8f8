"""Search by image: who in the store looks like the person in this picture?"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from detector.detector import Detector
from matcher.calibration import Calibration
from matcher.store import FeatureStore
from query.errors import ImageError
from reid.embedder import Crop, Embedder, Embeddings
from streams.frame import Frame, Image

_MAX_BYTES = 10 * 1024 * 1024
_MAX_PIXELS = 25_000_000
_CROP_ASPECT = 1.6
_FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True, slots=True)
class Hit:
    """An identity that looks like the picture.

    Attributes:
        identity_id: Who.
        similarity: Cosine similarity of the picture and the nearest tracklet, in [-1, 1].
        probability: Calibrated probability of "same person" for this similarity, in [0, 1].
        tracklet_id: The nearest tracklet.
    """

    identity_id: str
    similarity: float
    probability: float
    tracklet_id: str


def read_image(path: Path) -> Image:
    """An image file as (H, W, 3) uint8 BGR, turned as its EXIF data says.

    Raises:
        ImageError: Missing, not JPEG, PNG or WebP, broken, over 10 MB or over 25 megapixels.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ImageError(f"{path}: larger than 10 MB; make it smaller")
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> Image:
    """An encoded image as (H, W, 3) uint8 BGR; see `read_image`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PillowImage.DecompressionBombWarning)
            image = PillowImage.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > _MAX_PIXELS:
                raise ImageError(f"{name}: over 25 megapixels; make it smaller")
            rgb = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (UnidentifiedImageError, PillowImage.DecompressionBombError) as error:
        raise ImageError(f"{name}: not a JPEG, PNG or WebP image") from error
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombWarning) as error:
        raise ImageError(f"{name}: a broken image ({error})") from error
    return np.ascontiguousarray(rgb[:, :, ::-1])


def person_in(image: Image, detector: Detector | None, name: str) -> Crop:
    """The crop to search by: a picture of upright shape as it is, else the surest person in it.

    Raises:
        ImageError: The picture is wider than a person and nobody is found in it.
        DetectorError: The detector failed.
    """
    height, width = image.shape[:2]
    if detector is None or height >= _CROP_ASPECT * width:
        return image
    found = detector.detect([Frame("search", 0, 0.0, image)])[0]
    if not len(found):
        raise ImageError(
            f"{name}: nobody is found in it; cut the person out and search by the crop"
        )
    x1, y1, x2, y2 = found.boxes[0].astype(int)
    return np.ascontiguousarray(image[y1 : y2 + 1, x1 : x2 + 1])


def search_by_crop(
    store: FeatureStore,
    crop: Crop,
    embedder: Embedder,
    calibration: Calibration,
    *,
    limit: int = 10,
) -> list[Hit]:
    """Identities that look like a crop, most alike first.

    Raises:
        StoreError: The store cannot be reached or refuses.
        ReidError: The embedder failed.
    """
    feature = embedder.embed([crop])[0]
    return search_by_feature(store, feature, embedder.space, calibration, limit=limit)


def search_by_feature(
    store: FeatureStore,
    feature: Embeddings,
    space: str,
    calibration: Calibration,
    *,
    limit: int = 10,
) -> list[Hit]:
    """Identities nearest to a (D,) unit feature; tracklets of other spaces are left out."""
    best: dict[str, Hit] = {}
    for tracklet_id, identity_id, its_space, its_feature in store.features():
        if its_space != space:
            continue
        similarity = float(np.clip(feature @ its_feature, -1, 1))
        known = best.get(identity_id)
        if known is None or similarity > known.similarity:
            probability = float(calibration.probability(similarity))
            best[identity_id] = Hit(identity_id, similarity, probability, tracklet_id)
    ranked = sorted(best.values(), key=lambda hit: (-hit.similarity, hit.identity_id))
    return ranked[:limit]
