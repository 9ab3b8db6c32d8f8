"""Small real things for the pipeline's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.load import load_site
from crosscam.data_folder import prepare
from crosscam.site_parts import open_store, store_url
from detector.detections import Detections
from matcher.decision import Decision
from matcher.tracklet import TrackBoxes, Tracklet
from streams.frame import Frame

START_AT = 1_767_261_600.0

MakeDetections = Callable[..., Detections]


@pytest.fixture
def make_detections() -> MakeDetections:
    """Detections of frame INDEX at 10 a second: boxes as (x, y, width, height)."""

    def make(
        index: int, *boxes: tuple[float, float, float, float], camera_id: str = "cam1"
    ) -> Detections:
        rng = np.random.default_rng(index)
        image = rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)
        xywh = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        xyxy = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        frame = Frame(camera_id, index, START_AT + index / 10, image)
        return Detections(frame, xyxy, np.full(len(xywh), 0.9, np.float32))

    return make


@pytest.fixture
def shop_data(tmp_path: Path) -> Path:
    """The folder of a run that is over: P1 seen in a and b, P2 in a, P3 in b."""
    site_file = tmp_path / "site.yaml"
    site_file.write_text(
        "site: shop\ncameras: [{id: a, url: a.mp4}, {id: b, url: b.mp4}]\n"
        "embedder: {kind: histogram}\n",
        "utf-8",
    )
    site, data = load_site(site_file), tmp_path / "data"
    prepare(data, site, site_file)
    with store_url(site, data, create=True) as url:
        store = open_store(site, url)
        for number, (identity_id, camera_id) in enumerate(
            (("P1", "a"), ("P1", "b"), ("P2", "a"), ("P3", "b")), 1
        ):
            tracklet = _tracklet(camera_id, number)
            decision = Decision(
                tracklet_id=tracklet.tracklet_id,
                version=1,
                camera_id=camera_id,
                started_at=tracklet.started_at,
                ended_at=tracklet.ended_at,
                is_final=True,
                identity_id=identity_id,
                is_new=number != 2,
                is_first=True,
                similarity=0.8 if number == 2 else None,
                probability=0.9,
                runner_up_id=None,
                runner_up_probability=None,
                decided_at=tracklet.ended_at + 1,
            )
            store.commit([decision], {(tracklet.tracklet_id, 1): tracklet})
        store.close()
    return data


def _tracklet(camera_id: str, number: int) -> Tracklet:
    rng = np.random.default_rng(number)
    feature = rng.normal(size=32).astype(np.float16).astype(np.float32)
    image = rng.integers(0, 255, (64, 32, 3), dtype=np.uint8)
    _, jpeg = cv2.imencode(".jpg", image)
    started_at = START_AT + 10 * number
    indexes = np.arange(5, dtype=np.int64)
    return Tracklet(
        tracklet_id=f"{camera_id}-1-{number}",
        version=1,
        camera_id=camera_id,
        started_at=started_at,
        ended_at=started_at + 0.4,
        emitted_at=started_at + 1,
        boxes=TrackBoxes(
            frame_indexes=indexes,
            timestamps=started_at + indexes / 10,
            xyxy=np.tile(np.array([10, 20, 50, 120], np.float32), (5, 1)),
            scores=np.full(5, 0.5, np.float32),
        ),
        feature=feature / np.linalg.norm(feature),
        quality=0.75,
        space="test:1",
        is_final=True,
        thumbnails=(jpeg.tobytes(),),
    )
