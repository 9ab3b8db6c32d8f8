"""A real store with two people in it, and tracklets to put more in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from matcher.decision import Decision
from matcher.embedded import EmbeddedServer
from matcher.store import FeatureStore, Retention
from matcher.tracklet import TrackBoxes, Tracklet

START_AT = 1_767_261_600.0
"""2026-01-01 10:00 UTC."""

SPACE = "test-space:1"

AddSighting = Callable[..., Tracklet]


@pytest.fixture(scope="session")
def query_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all questions."""
    server = EmbeddedServer(tmp_path_factory.mktemp("query"))
    yield server.start()
    server.stop()


@pytest.fixture
def store(query_server: str, request: pytest.FixtureRequest) -> Iterator[FeatureStore]:
    """An empty store: every test is a site of its own."""
    site = f"site-{abs(hash(request.node.name))}"
    week_s = 7 * 86400.0
    store = FeatureStore(
        query_server,
        site,
        retention=Retention(identities_s=week_s, thumbnails_s=week_s, events_s=week_s),
        now=lambda: START_AT + 60,
    )
    yield store
    store.close()


@pytest.fixture
def add_sighting(store: FeatureStore) -> AddSighting:
    """Commits one sighting: ``add_sighting("P1", "cam1", start_s, seconds)``."""

    def add(
        identity_id: str,
        camera_id: str,
        started_s: float,
        seconds: float = 1.0,
        probability: float = 0.9,
    ) -> Tracklet:
        tracklet = _tracklet(identity_id, camera_id, START_AT + started_s, seconds)
        is_new = not any(who.identity_id == identity_id for who in store.identities())
        decision = Decision(
            tracklet_id=tracklet.tracklet_id,
            version=1,
            camera_id=camera_id,
            started_at=tracklet.started_at,
            ended_at=tracklet.ended_at,
            is_final=True,
            identity_id=identity_id,
            is_new=is_new,
            is_first=True,
            similarity=None if is_new else 0.8,
            probability=probability,
            runner_up_id=None,
            runner_up_probability=None,
            decided_at=tracklet.ended_at + 1,
        )
        store.commit([decision], {(tracklet.tracklet_id, 1): tracklet})
        return tracklet

    return add


def feature_of(identity_id: str) -> np.ndarray:
    """A unit feature per identity, (32,) float32."""
    rng = np.random.default_rng(int(identity_id[1:]))
    feature = rng.normal(size=32).astype(np.float32)
    return (feature / np.linalg.norm(feature)).astype(np.float32)


def _tracklet(identity_id: str, camera_id: str, started_at: float, seconds: float) -> Tracklet:
    indexes = np.array([0, 2, 4], dtype=np.int64)
    _, jpeg = cv2.imencode(".jpg", np.full((64, 32, 3), 90, np.uint8))
    return Tracklet(
        tracklet_id=f"{camera_id}-1-{int(started_at * 10) % 100000}",
        version=1,
        camera_id=camera_id,
        started_at=started_at,
        ended_at=started_at + seconds,
        emitted_at=started_at + seconds,
        boxes=TrackBoxes(
            frame_indexes=indexes,
            timestamps=started_at + indexes / 4 * seconds,
            xyxy=np.array([[10, 20, 30, 80], [12, 20, 32, 80], [16, 20, 36, 80]], np.float32),
            scores=np.full(3, 0.75, np.float32),
        ),
        feature=feature_of(identity_id),
        quality=0.5,
        space=SPACE,
        is_final=True,
        thumbnails=(jpeg.tobytes(),),
    )
