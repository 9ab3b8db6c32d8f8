"""Cameras on the network, against a real RTSP server on loopback that is killed and frozen."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.schema import CameraSettings
from streams.errors import SourceOpenError
from streams.frame import Frame, Image
from streams.probe import probe
from streams.reader import CameraEvent, CameraReader
from streams.source import open_source

pytestmark = pytest.mark.rtsp

MakeCamera = Callable[..., CameraSettings]
Serve = Callable[..., "subprocess.Popen[bytes]"]
TIMEOUT_S = 2.0
SLACK_S = 0.5
PATIENCE_S = 30.0


class Watched:
    """A reader with all that it gave so far."""

    def __init__(self, camera: CameraSettings, stride: int = 1) -> None:
        self.reader = CameraReader(camera, stride=stride)
        self.frames: list[Frame] = []
        self.events: list[CameraEvent] = []
        self.reader.start()

    def watch(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._take()

    def wait_for(self, kind: str, patience_s: float = PATIENCE_S) -> CameraEvent:
        """The next event of a kind."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            event = self._take()
            if event is not None and event.kind == kind:
                return event
        pytest.fail(f"not {kind} within {patience_s} s: {self.reader.stats}, {self.events}")

    def _take(self) -> CameraEvent | None:
        item = self.reader.poll(0.1)
        if isinstance(item, Frame):
            self.frames.append(item)
            return None
        if item is not None:
            self.events.append(item)
        return item


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    started: list[Watched] = []

    def start(camera: CameraSettings, stride: int = 1) -> Watched:
        started.append(Watched(camera, stride))
        return started[-1]

    yield start
    for watched in started:
        watched.reader.close()


def url_of(port: int, login: str = "", path: str = "cam") -> str:
    return f"rtsp://{login}127.0.0.1:{port}/{path}"


def check_order(frames: list[Frame]) -> None:
    indexes = [frame.index for frame in frames]
    times = [frame.timestamp for frame in frames]
    assert indexes == sorted(set(indexes))
    assert times == sorted(set(times))


def test_a_stream_is_dated_by_its_camera_and_every_frame_counts(
    serve: Serve, free_port: int, camera: MakeCamera, watch: Callable[..., Watched]
) -> None:
    serve(free_port, "--login", "user:secret")
    watched = watch(camera(url_of(free_port, "user:secret@"), timeout_s=5.0), stride=2)
    opened = watched.wait_for("opened")
    assert "320 x 240, 25 frames/s, clock: arrival" in opened.message
    watched.watch(4.0)
    stats = watched.reader.stats
    assert stats.info is not None
    assert stats.info.clock == "rtcp"
    assert stats.num_reopens == 0
    assert [event.kind for event in watched.events] == ["opened"]
    check_order(watched.frames)
    assert all(frame.index % 2 == 0 for frame in watched.frames)
    last = watched.frames[-1]
    assert abs(time.time() - last.timestamp) < 2.0
    # Stream time and wall time run alike.
    first = next(frame for frame in watched.frames if frame.index > 75)
    assert (last.index - first.index) / 25 == pytest.approx(
        last.timestamp - first.timestamp, abs=0.1
    )


def test_the_newest_frame_wins_and_the_others_are_counted(
    serve: Serve, free_port: int, camera: MakeCamera, watch: Callable[..., Watched]
) -> None:
    serve(free_port)
    watched = watch(camera(url_of(free_port)))
    watched.wait_for("opened")
    watched.watch(1.0)
    time.sleep(2.0)
    waiting = watched.reader.poll(0.0)
    assert isinstance(waiting, Frame)
    assert time.time() - waiting.timestamp < 1.0
    dropped = waiting.index - watched.frames[-1].index - 1
    assert dropped > 30
    assert watched.reader.stats.num_dropped >= dropped


@pytest.mark.slow
def test_a_killed_camera_is_lost_at_once_and_comes_back_with_its_gap(
    serve: Serve, free_port: int, camera: MakeCamera, watch: Callable[..., Watched]
) -> None:
    server = serve(free_port)
    watched = watch(camera(url_of(free_port), timeout_s=TIMEOUT_S, reopen_max_s=1.0))
    watched.wait_for("opened")
    watched.watch(1.0)
    server.kill()
    server.wait()
    lost = watched.wait_for("lost", 2 * TIMEOUT_S)
    assert "closed the stream" in lost.message
    last_at = watched.frames[-1].timestamp
    assert lost.at == last_at
    assert lost.gap is None
    watched.watch(3.0)
    serve(free_port)
    back_at = time.monotonic()
    recovered = watched.wait_for("recovered")
    assert time.monotonic() - back_at < 5.0
    watched.watch(0.5)
    assert recovered.gap is not None
    assert recovered.gap[0] == last_at
    assert recovered.gap[1] == recovered.at
    assert 2.5 < recovered.gap[1] - recovered.gap[0] < 10.0
    assert watched.frames[-1].timestamp > recovered.at
    check_order(watched.frames)
    assert [event.kind for event in watched.events] == ["opened", "lost", "recovered"]
    assert watched.reader.stats.num_reopens >= 1
    assert watched.reader.stats.num_restarts == 0


@pytest.mark.slow
def test_a_frozen_camera_is_lost_in_time_and_comes_back(
    serve: Serve, free_port: int, camera: MakeCamera, watch: Callable[..., Watched]
) -> None:
    server = serve(free_port)
    watched = watch(camera(url_of(free_port), timeout_s=TIMEOUT_S, reopen_max_s=1.0))
    watched.wait_for("opened")
    watched.watch(1.0)
    server.send_signal(signal.SIGSTOP)
    frozen_at = time.monotonic()
    watched.wait_for("lost", 2 * TIMEOUT_S + SLACK_S)
    assert time.monotonic() - frozen_at < 2 * TIMEOUT_S
    watched.watch(2 * TIMEOUT_S + 1.0)  # FFmpeg gives up, tries again, hangs in the open call
    server.send_signal(signal.SIGCONT)
    thawed_at = time.monotonic()
    recovered = watched.wait_for("recovered")
    assert time.monotonic() - thawed_at < 5.0
    assert recovered.gap is not None
    assert recovered.gap[1] - recovered.gap[0] > 3 * TIMEOUT_S
    watched.watch(0.5)
    check_order(watched.frames)
    assert [event.kind for event in watched.events] == ["opened", "lost", "recovered"]


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_child_that_dies_or_hangs_is_replaced_and_the_gap_is_told(
    serve: Serve,
    free_port: int,
    camera: MakeCamera,
    watch: Callable[..., Watched],
    kill: signal.Signals,
) -> None:
    serve(free_port)
    watched = watch(camera(url_of(free_port), timeout_s=1.0, reopen_max_s=1.0))
    watched.wait_for("opened")
    watched.watch(0.5)
    pid = watched.reader.stats.pid
    assert pid is not None
    os.kill(pid, kill)
    watched.wait_for("lost")
    assert watched.wait_for("recovered").gap is not None
    watched.watch(0.5)
    check_order(watched.frames)
    assert watched.reader.stats.num_restarts == 1


def test_a_stream_that_ends_is_lost_and_starts_again(
    serve: Serve,
    free_port: int,
    camera: MakeCamera,
    watch: Callable[..., Watched],
    write_clip: Callable[..., Path],
    number_of: Callable[[Image], int],
) -> None:
    clip = write_clip("clip.mp4", 50, options={"bf": "0"})
    serve(free_port, "--clip", str(clip))
    watched = watch(camera(url_of(free_port), timeout_s=TIMEOUT_S, reopen_max_s=1.0))
    watched.wait_for("lost")
    numbers = [number_of(frame.image) for frame in watched.frames]
    assert numbers[-1] == 49
    assert numbers == sorted(numbers)
    watched.wait_for("recovered")
    watched.watch(0.5)
    check_order(watched.frames)


def test_a_camera_that_is_not_there_yet_is_lost_until_it_comes(
    serve: Serve, free_port: int, camera: MakeCamera, watch: Callable[..., Watched]
) -> None:
    watched = watch(camera(url_of(free_port, "u:s3cret@"), timeout_s=TIMEOUT_S, reopen_max_s=1.0))
    lost = watched.wait_for("lost")
    assert "connection refused" in lost.message
    assert "s3cret" not in lost.message
    serve(free_port)
    recovered = watched.wait_for("recovered")
    assert recovered.gap is not None
    assert recovered.gap[0] == lost.at
    assert [event.kind for event in watched.events] == ["lost", "opened", "recovered"]


@pytest.mark.parametrize(
    ("login", "path", "words"),
    [
        ("user:wr0ng@", "cam", r"wrong or missing user name or password \(401\)"),
        ("", "cam", r"wrong or missing user name or password \(401\)"),
        ("user:secret@", "nope", r"no stream of this path \(404\)"),
    ],
)
def test_refusals_are_explained_without_the_password(
    serve: Serve, free_port: int, camera: MakeCamera, login: str, path: str, words: str
) -> None:
    serve(free_port, "--login", "user:secret")
    with pytest.raises(SourceOpenError, match=words) as caught:
        open_source(camera(url_of(free_port, login, path)))
    assert not caught.value.is_permanent
    assert "wr0ng" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_frozen_camera_does_not_hold_up_who_opens_it(
    serve: Serve, free_port: int, camera: MakeCamera
) -> None:
    serve(free_port).send_signal(signal.SIGSTOP)
    began_at = time.monotonic()
    with pytest.raises(SourceOpenError, match="cannot open"):
        open_source(camera(url_of(free_port), timeout_s=1.0))
    assert time.monotonic() - began_at < 3.0


def test_a_port_that_speaks_no_rtsp_is_told(free_port: int) -> None:
    server = subprocess.Popen(
        ["/usr/bin/python3", "-m", "http.server", str(free_port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(1.0)
        with pytest.raises(SourceOpenError, match="cannot open"):
            probe(url_of(free_port), timeout_s=2.0)
    finally:
        server.kill()
        server.wait()
