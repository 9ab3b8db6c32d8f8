"""A real server, and small things to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from matcher.camera_progress import CameraProgress, CameraState
from matcher.connection import Connection
from matcher.embedded import EmbeddedServer
from matcher.tracklet import TrackBoxes, Tracklet

START_AT = 1_767_261_600.0
"""2026-01-01 10:00 UTC."""

MakeTracklet = Callable[..., Tracklet]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of one server for all tests that do not harm it; see `server_url`."""
    server = EmbeddedServer(tmp_path_factory.mktemp("store"))
    url = server.start()
    connection = Connection(url)
    connection.execute("CONFIG", "SET", "appendfsync", "no")  # nobody kills this one
    connection.close()
    yield url
    server.stop()


@pytest.fixture
def server_url(shared_server: str) -> Iterator[str]:
    """URL of a server that is empty at the beginning."""
    connection = Connection(shared_server)
    connection.execute("FLUSHALL")
    yield shared_server
    connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of this test's own, which it may kill."""
    server = EmbeddedServer(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connection(server_url: str) -> Iterator[Connection]:
    """A connection to the empty server."""
    connection = Connection(server_url)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def make_tracklet() -> MakeTracklet:
    """Makes ``cam1-1-NUMBER`` with 10 boxes at 10 a second and 2 thumbnails."""

    def make(
        number: int,
        *,
        version: int = 1,
        camera_id: str = "cam1",
        started_s: float = 0.0,
        person: int = 0,
    ) -> Tracklet:
        rng = np.random.default_rng(person)
        feature = rng.normal(size=32).astype(np.float16).astype(np.float32)
        feature /= np.linalg.norm(feature)
        started_at = START_AT + started_s
        timestamps = started_at + np.arange(10) / 10
        return Tracklet(
            tracklet_id=f"{camera_id}-1-{number}",
            version=version,
            camera_id=camera_id,
            started_at=started_at,
            ended_at=float(timestamps[-1]),
            emitted_at=started_at + 1.0,
            boxes=TrackBoxes(
                frame_indexes=np.arange(10, dtype=np.int64),
                timestamps=timestamps,
                xyxy=np.tile(np.array([10, 20, 50, 120], np.float32), (10, 1)),
                scores=np.full(10, 0.5, np.float32),
            ),
            feature=feature,
            quality=0.75,
            space="test:1",
            is_final=False,
            thumbnails=(b"first jpeg", b"second jpeg"),
        )

    return make


@pytest.fixture(scope="session")
def make_progress() -> Callable[..., CameraProgress]:
    """Makes a recorded camera's progress."""

    def make(
        watermark_s: float,
        *,
        camera_id: str = "cam1",
        state: CameraState = "running",
        is_live: bool = False,
    ) -> CameraProgress:
        return CameraProgress(
            camera_id=camera_id,
            watermark_at=START_AT + watermark_s,
            next_index=round(watermark_s * 10),
            epoch=1,
            state=state,
            is_live=is_live,
            source="film.mp4:1",
        )

    return make
