from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matcher import publisher as publisher_module
from matcher.camera_progress import CameraGap, CameraProgress
from matcher.connection import Connection
from matcher.embedded import EmbeddedServer
from matcher.errors import StoreError
from matcher.keys import SiteKeys
from matcher.publisher import Publisher
from matcher.records import decode_message
from matcher.tracklet import Tracklet

MakeTracklet = Callable[..., Tracklet]
MakeProgress = Callable[..., CameraProgress]

KEYS = SiteKeys("shop")


def published_numbers(url: str) -> list[int]:
    """Numbers of the tracklets in the stream, in its order."""
    connection = Connection(url)
    rows = connection.execute("XRANGE", KEYS.tracklets, "-", "+")
    connection.close()
    messages = [decode_message(fields[1]) for _, fields in rows]
    return [int(m.tracklet_id.split("-")[2]) for m in messages if isinstance(m, Tracklet)]


def without_repeats(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def wait_until(is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def kill(server: EmbeddedServer) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)


def make_publisher(url: str, folder: Path, spool_max_mb: int = 16) -> Publisher:
    return Publisher(url, "shop", spool_folder=folder, spool_max_mb=spool_max_mb)


@pytest.fixture
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "LONGEST_PAUSE_S", 0.2)


def test_messages_reach_the_store_in_order(
    server_url: str, tmp_path: Path, make_tracklet: MakeTracklet, make_progress: MakeProgress
) -> None:
    with make_publisher(server_url, tmp_path) as publisher:
        for number in range(300):
            publisher.publish(make_tracklet(number))
        publisher.publish(make_progress(1.0))
        publisher.publish(CameraGap("cam1", 1.0, None, "lost"))
        assert publisher.flush(10)
        assert publisher.stats.num_published == publisher.stats.num_stored == 302
        assert publisher.stats.num_spooled == 0
        assert publisher.stats.is_connected
    assert published_numbers(server_url) == list(range(300))


def test_message_whose_names_could_break_out_of_a_key_is_refused(
    server_url: str, tmp_path: Path, make_tracklet: MakeTracklet
) -> None:
    with make_publisher(server_url, tmp_path) as publisher:
        with pytest.raises(ValueError, match="camera"):
            publisher.publish(CameraGap("cam1}:x", 1.0, None, "silent"))
        with pytest.raises(ValueError, match="of camera 'cam1'"):
            publisher.publish(
                dataclasses.replace(make_tracklet(1, camera_id="cam2"), camera_id="cam1")
            )
    assert published_numbers(server_url) == []


def test_nothing_to_flush_is_flushed(server_url: str, tmp_path: Path) -> None:
    with make_publisher(server_url, tmp_path) as publisher:
        assert publisher.flush(1.0)


@pytest.mark.usefixtures("brief_pauses")
def test_store_that_is_away_at_the_start_gets_everything_later(
    tmp_path: Path, make_tracklet: MakeTracklet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = EmbeddedServer(tmp_path)
    url = server.start()
    kill(server)
    with make_publisher(url, tmp_path / "spool") as publisher:
        for number in range(20):
            publisher.publish(make_tracklet(number))
        wait_until(lambda: publisher.stats.num_spooled == 20)
        assert not publisher.stats.is_connected
        assert not publisher.flush(0.05)
        server.ensure_alive()
        assert publisher.flush(10)
        assert publisher.stats.is_connected
        assert publisher.stats.spool_bytes == 0
    assert published_numbers(url) == list(range(20))
    assert caplog.text.count("messages go to the spool") == 1
    assert caplog.text.count("store is back") == 1
    server.stop()


@pytest.mark.usefixtures("brief_pauses")
def test_spool_is_sent_by_the_next_process_before_its_own_messages(
    tmp_path: Path, make_tracklet: MakeTracklet, make_progress: MakeProgress
) -> None:
    server = EmbeddedServer(tmp_path)
    url = server.start()
    kill(server)
    with make_publisher(url, tmp_path / "spool") as first:
        for number in range(5):
            first.publish(make_tracklet(number))
        first.publish(make_progress(7.0))
        first.close(timeout_s=0.0)
    server.ensure_alive()
    with make_publisher(url, tmp_path / "spool") as second:
        assert second.newest_progress("cam1") == make_progress(7.0)
        assert second.newest_progress("cam2") is None
        second.publish(make_tracklet(5))
        assert second.flush(10)
        assert second.stats.num_stored == 7
    assert published_numbers(url) == list(range(6))
    server.stop()


@pytest.mark.usefixtures("brief_pauses")
def test_server_killed_in_the_middle_again_and_again_loses_nothing_and_keeps_the_order(
    tmp_path: Path, make_tracklet: MakeTracklet
) -> None:
    server = EmbeddedServer(tmp_path)
    url = server.start()
    is_done = threading.Event()

    def kill_and_restart() -> None:
        while not is_done.wait(0.15):
            kill(server)
            time.sleep(0.05)
            server.ensure_alive()

    publisher = make_publisher(url, tmp_path / "spool")
    killer = threading.Thread(target=kill_and_restart)
    killer.start()
    try:
        for number in range(600):
            publisher.publish(make_tracklet(number))
            time.sleep(0.003)
    finally:
        is_done.set()
        killer.join()
    server.ensure_alive()
    assert publisher.flush(20)
    publisher.close()
    numbers = published_numbers(url)
    assert without_repeats(numbers) == list(range(600))
    server.stop()


@pytest.mark.usefixtures("brief_pauses")
def test_what_was_flushed_is_in_the_store_after_a_kill(
    server: EmbeddedServer, tmp_path: Path, make_tracklet: MakeTracklet
) -> None:
    with make_publisher(server.url, tmp_path / "spool") as publisher:
        for number in range(50):
            publisher.publish(make_tracklet(number))
        assert publisher.flush(10)
        kill(server)
        wait_until(server.ensure_alive)
        assert published_numbers(server.url) == list(range(50))


@pytest.mark.usefixtures("brief_pauses")
def test_full_spool_makes_publish_wait_until_the_store_is_back(
    server: EmbeddedServer,
    tmp_path: Path,
    make_tracklet: MakeTracklet,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(publisher_module, "QUEUE_BYTES", 2_000)
    kill(server)
    publisher = make_publisher(server.url, tmp_path / "spool", spool_max_mb=0)
    published: list[int] = []

    def publish_all() -> None:
        for number in range(30):
            publisher.publish(make_tracklet(number))
            published.append(number)

    camera = threading.Thread(target=publish_all)
    camera.start()
    wait_until(lambda: publisher.stats.is_blocked)
    time.sleep(0.3)
    assert camera.is_alive()
    assert len(published) < 30
    server.ensure_alive()
    camera.join(10)
    assert publisher.flush(10)
    assert not publisher.stats.is_blocked
    publisher.close()
    assert published_numbers(server.url) == list(range(30))
    assert caplog.text.count("messages wait in memory") == 1


@pytest.mark.usefixtures("brief_pauses")
def test_store_that_is_full_is_treated_like_one_that_is_away(
    server: EmbeddedServer, tmp_path: Path, make_tracklet: MakeTracklet
) -> None:
    connection = Connection(server.url)
    connection.execute("CONFIG", "SET", "maxmemory", "1")
    with make_publisher(server.url, tmp_path / "spool") as publisher:
        publisher.publish(make_tracklet(1))
        wait_until(lambda: publisher.stats.num_spooled == 1)
        connection.execute("CONFIG", "SET", "maxmemory", "0")
        assert publisher.flush(10)
    assert published_numbers(server.url) == [1]


def test_closing_with_neither_store_nor_disk_says_how_much_is_lost(
    server: EmbeddedServer, tmp_path: Path, make_tracklet: MakeTracklet
) -> None:
    kill(server)
    publisher = make_publisher(server.url, tmp_path / "spool", spool_max_mb=0)
    publisher.publish(make_tracklet(1))
    publisher.publish(make_tracklet(2))
    with pytest.raises(StoreError, match="2 messages are lost"):
        publisher.close(timeout_s=0.1)


def test_closed_publisher_takes_nothing(
    server_url: str, tmp_path: Path, make_tracklet: MakeTracklet
) -> None:
    publisher = make_publisher(server_url, tmp_path)
    publisher.close()
    publisher.close()
    with pytest.raises(StoreError, match="closed"):
        publisher.publish(make_tracklet(1))


def test_closing_wakes_a_camera_that_waits(
    server: EmbeddedServer,
    tmp_path: Path,
    make_tracklet: MakeTracklet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publisher_module, "QUEUE_BYTES", 1)
    kill(server)
    publisher = make_publisher(server.url, tmp_path / "spool", spool_max_mb=0)
    publisher.publish(make_tracklet(1))
    refused = threading.Event()

    def publish_another() -> None:
        try:
            publisher.publish(make_tracklet(2))
        except StoreError:
            refused.set()

    camera = threading.Thread(target=publish_another)
    camera.start()
    with pytest.raises(StoreError, match="1 messages are lost"):
        publisher.close(timeout_s=0.1)
    camera.join(10)
    assert refused.is_set()


def test_second_worker_on_the_same_spool_is_refused(server_url: str, tmp_path: Path) -> None:
    publisher = make_publisher(server_url, tmp_path)
    with pytest.raises(StoreError, match="in use by process"):
        make_publisher(server_url, tmp_path)
    publisher.close()


def test_spool_folder_removed_by_somebody_does_not_end_the_publisher(
    server_url: str, tmp_path: Path, make_tracklet: MakeTracklet
) -> None:
    with make_publisher(server_url, tmp_path / "spool") as publisher:
        shutil.rmtree(tmp_path / "spool")
        publisher.publish(make_tracklet(1))
        assert publisher.flush(10)


@pytest.mark.usefixtures("brief_pauses")
def test_password_is_in_no_log(
    tmp_path: Path, make_tracklet: MakeTracklet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with make_publisher("redis://worker:s3cret@127.0.0.1:1/0", tmp_path) as publisher:
        publisher.publish(make_tracklet(1))
        wait_until(lambda: publisher.stats.num_spooled == 1)
        publisher.close(timeout_s=0.0)
    text = "".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "127.0.0.1:1" in text
    assert "s3cret" not in text
