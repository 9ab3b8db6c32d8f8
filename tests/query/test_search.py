"""Search by image: what is read, what is refused, how hits are ranked."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from matcher.calibration import Calibration
from matcher.store import FeatureStore
from matcher.tracklet import Tracklet
from query.errors import ImageError
from query.search import decode_image, read_image, search_by_feature

Add = Callable[..., Tracklet]


CALIBRATION = Calibration(midpoint=0.5, slope=20.0, one_percent=0.6, decade=0.1)


def test_a_picture_is_read_as_bgr(tmp_path: Path) -> None:
    file = tmp_path / "blue.png"
    cv2.imwrite(str(file), np.full((8, 4, 3), (200, 10, 20), np.uint8))

    assert read_image(file)[0, 0].tolist() == [200, 10, 20]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "not a JPEG"),
        (b"GIF89a" + b"\0" * 40, "not a JPEG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "not a JPEG|broken"),
    ],
    ids=["empty", "gif", "png-header-alone"],
)
def test_what_is_no_image_is_refused_by_name(data: bytes, expected: str) -> None:
    with pytest.raises(ImageError, match=f"query.jpg: .*({expected})"):
        decode_image(data, "query.jpg")


def test_a_cut_off_jpeg_is_refused() -> None:
    _, jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))

    with pytest.raises(ImageError, match="broken"):
        decode_image(jpeg.tobytes()[: len(jpeg) // 2], "cut.jpg")


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    file = io.BytesIO()
    Image.new("1", (12000, 12000)).save(file, "PNG")

    with pytest.raises(ImageError, match=r"bomb\.png"):
        decode_image(file.getvalue(), "bomb.png")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nobody\.jpg"):
        read_image(tmp_path / "nobody.jpg")


def test_hits_are_ranked_by_likeness_one_per_identity(
    store: FeatureStore, add_sighting: Add
) -> None:
    first = add_sighting("P1", "cam1", 0)
    add_sighting("P2", "cam1", 5)
    add_sighting("P1", "cam2", 9)

    hits = search_by_feature(store, first.feature, first.space, CALIBRATION, limit=5)

    assert [hit.identity_id for hit in hits] == ["P1", "P2"]
    assert hits[0].similarity == pytest.approx(1.0, abs=1e-2)
    assert hits[0].probability > 0.99
    assert hits[1].probability < 0.5


def test_features_of_another_space_are_never_compared(
    store: FeatureStore, add_sighting: Add
) -> None:
    tracklet = add_sighting("P1", "cam1", 0)

    assert search_by_feature(store, tracklet.feature, "other:1", CALIBRATION) == []
