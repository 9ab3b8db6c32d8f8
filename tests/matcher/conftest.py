"""A real server, and small things to put into it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from matcher.camera_progress import CameraProgress, CameraState
from matcher.connection import Argument, Command, Connection
from matcher.decision import Decision
from matcher.embedded import EmbeddedServer
from matcher.erasure import Eraser
from matcher.errors import StoreUnavailableError
from matcher.event_log import EventLog
from matcher.identity_links import IdentityLinks
from matcher.keys import SiteKeys
from matcher.projection import Projection
from matcher.store import FeatureStore, Retention
from matcher.tracklet import TrackBoxes, Tracklet

START_AT = 1_767_261_600.0
"""2026-01-01 10:00 UTC."""

MakeTracklet = Callable[..., Tracklet]
WEEK = Retention(identities_s=604_800.0, thumbnails_s=86_400.0, events_s=31_536_000.0)


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


@pytest.fixture
def shop(server_url: str) -> Iterator[FeatureStore]:
    """The empty store of the site ``shop``."""
    store = FeatureStore(server_url, "shop", retention=WEEK)
    yield store
    store.close()


@pytest.fixture(scope="session")
def see(make_tracklet: MakeTracklet) -> Callable[..., Tracklet]:
    """Commits a sighting: ``see(store, "P1", "cam1-1-4")`` at 10 s for each number."""

    def see(
        store: FeatureStore,
        identity_id: str,
        tracklet_id: str,
        *,
        started_s: float | None = None,
        space: str = "test:1",
        **facts: object,
    ) -> Tracklet:
        camera_id, _, number = tracklet_id.rsplit("-", 2)
        tracklet = dataclasses.replace(
            make_tracklet(
                int(number),
                camera_id=camera_id,
                started_s=10.0 * int(number) if started_s is None else started_s,
                person=sum(map(ord, tracklet_id)) + 1000 * int(number),
            ),
            space=space,
            is_final=True,
            thumbnails=(f"jpeg of {tracklet_id}, the first".encode(),),
        )
        decision = Decision(
            tracklet_id=tracklet_id,
            version=1,
            camera_id=camera_id,
            started_at=tracklet.started_at,
            ended_at=tracklet.ended_at,
            is_final=True,
            identity_id=identity_id,
            is_new=store.identity(identity_id) is None,
            is_first=True,
            similarity=0.8,
            probability=0.9,
            runner_up_id=None,
            runner_up_probability=None,
            decided_at=tracklet.emitted_at + 1,
        )
        decision = dataclasses.replace(decision, **facts)  # type: ignore[arg-type]
        store.commit([decision], {(tracklet_id, 1): tracklet})
        return tracklet

    return see


class LostConnection:
    """Loses the server at the n-th command: before it is carried out, or before it is answered."""

    def __init__(self, connection: Connection, *, after: int, is_carried_out: bool) -> None:
        self._connection = connection
        self._left = after
        self._is_carried_out = is_carried_out

    def execute(self, *command: Argument) -> Any:
        return self.execute_all([command])[0]

    def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        replies = []
        for command in commands:
            self._left -= 1
            if self._left < 0:
                if self._left == -1 and self._is_carried_out:
                    self._connection.execute(*command)
                raise StoreUnavailableError("the server was lost")
            replies.append(self._connection.execute(*command))
        return replies

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="session")
def losing() -> Callable[..., tuple[FeatureStore, Connection]]:
    """Makes a store of ``shop``, with its connection, that loses the server at the n-th command."""

    def make(
        url: str, *, after: int, is_carried_out: bool, now: Callable[[], float]
    ) -> tuple[FeatureStore, Connection]:
        store = FeatureStore(url, "shop", retention=WEEK, now=now)
        store.close()
        keys = SiteKeys("shop")
        lost = cast(
            "Connection",
            LostConnection(Connection(url), after=after, is_carried_out=is_carried_out),
        )
        store._connection = lost
        store._events = EventLog(lost, keys)
        store._projection = Projection(lost, keys, WEEK)
        store.links = IdentityLinks(lost, keys)
        store._eraser = Eraser(lost, keys, store._events, store.links)
        return store, lost

    return make


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Connection], dict[str, object]]:
    """Everything in a server, whatever it is, but the times of writing."""

    def take(connection: Connection) -> dict[str, object]:
        keys = sorted(connection.execute("KEYS", "*"))
        kinds = connection.execute_all([("TYPE", key) for key in keys])
        values = connection.execute_all(
            [_READ[kind](key) for key, kind in zip(keys, kinds, strict=True)]
        )
        lives = connection.execute_all([("PTTL", key) for key in keys])
        content: dict[str, object] = {}
        for key, kind, value, life in zip(keys, kinds, values, lives, strict=True):
            name = key.decode()
            if kind == b"stream":
                is_numbered = name.endswith("events")
                value = [(row_id * is_numbered, row[-1]) for row_id, row in value]  # noqa: PLW2901
            elif kind == b"hash":
                value = dict(zip(value[::2], value[1::2], strict=True))  # noqa: PLW2901
            content[name] = sorted(value) if kind == b"set" else value
            content[f"{name} expires"] = life > 0
        return content

    return take


_READ: dict[bytes, Callable[[bytes], Command]] = {
    b"string": lambda key: ("GET", key),
    b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
    b"set": lambda key: ("SMEMBERS", key),
    b"hash": lambda key: ("HGETALL", key),
    b"stream": lambda key: ("XRANGE", key, "-", "+"),
}
