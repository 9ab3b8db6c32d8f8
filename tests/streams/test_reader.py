from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from config.schema import CameraSettings
from streams.frame import Frame, Image
from streams.reader import CameraEvent, CameraReader

MakeCamera = Callable[..., CameraSettings]
WriteClip = Callable[..., Path]
NumberOf = Callable[[Image], int]
START = "2026-01-01T10:00:00Z"
START_AT = 1_767_261_600.0
PATIENCE_S = 60.0


@pytest.fixture
def read() -> Iterator[Callable[..., CameraReader]]:
    """Starts readers; all are closed after the test."""
    readers: list[CameraReader] = []

    def start(
        camera: CameraSettings, stride: int = 1, start_index: int = 0, num_slots: int = 4
    ) -> CameraReader:
        reader = CameraReader(camera, stride=stride, start_index=start_index, num_slots=num_slots)
        readers.append(reader)
        reader.start()
        return reader

    yield start
    for reader in readers:
        reader.close()


def items(reader: CameraReader) -> Iterator[Frame | CameraEvent]:
    """Everything that a recorded camera gives, to its end."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        item = reader.poll(0.5)
        if item is None:
            continue
        yield item
        if isinstance(item, CameraEvent) and item.kind in ("ended", "failed"):
            return
    pytest.fail(f"no end within {PATIENCE_S} s: {reader.stats}")


def frames_and_events(reader: CameraReader) -> tuple[list[Frame], list[CameraEvent]]:
    found = list(items(reader))
    return (
        [item for item in found if isinstance(item, Frame)],
        [item for item in found if isinstance(item, CameraEvent)],
    )


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_file_comes_over_whole_between_opened_and_ended(
    read: Callable[..., CameraReader],
    camera: MakeCamera,
    write_clip: WriteClip,
    number_of: NumberOf,
) -> None:
    reader = read(camera(write_clip("clip.mp4", 40), start_at=START))
    found = list(items(reader))
    opened, *frames, ended = found
    assert isinstance(opened, CameraEvent)
    assert isinstance(ended, CameraEvent)
    assert (opened.kind, opened.at) == ("opened", START_AT)
    assert opened.info is not None
    assert opened.info.num_frames == 40
    assert ended.kind == "ended"
    assert ended.at == pytest.approx(START_AT + 39 / 25, abs=1e-6)
    for number, frame in enumerate(frames):
        assert isinstance(frame, Frame)
        assert (frame.index, number_of(frame.image)) == (number, number)
        assert frame.timestamp == pytest.approx(START_AT + number / 25, abs=1e-6)
        assert not frame.image.flags.writeable
    stats = reader.stats
    assert (stats.num_frames, stats.num_dropped, stats.num_reopens) == (40, 0, 0)
    assert stats.last_frame_at == ended.at
    assert reader.poll(0.0) is None


def test_a_slow_taker_loses_nothing_and_early_frames_stay_valid(
    read: Callable[..., CameraReader],
    camera: MakeCamera,
    write_clip: WriteClip,
    number_of: NumberOf,
) -> None:
    reader = read(camera(write_clip("clip.mp4", 30), timeout_s=1.0), num_slots=2)
    wait_for(lambda: reader.stats.last_frame_at is not None)
    time.sleep(3.0)  # longer than the watchdog waits: who waits for us does not hang
    frames, _ = frames_and_events(reader)
    assert [number_of(frame.image) for frame in frames] == list(range(30))
    assert reader.stats.num_restarts == 0


def test_stride_and_start(
    read: Callable[..., CameraReader], camera: MakeCamera, write_clip: WriteClip
) -> None:
    frames, _ = frames_and_events(read(camera(write_clip("clip.mp4", 20)), 3, 7))
    assert [frame.index for frame in frames] == [9, 12, 15, 18]


def test_sizes_may_change_from_image_to_image(
    read: Callable[..., CameraReader], camera: MakeCamera, tmp_path: Path
) -> None:
    sizes = [(10, 20), (400, 300), (1, 1), (800, 601), (10, 20)]
    for number, (height, width) in enumerate(sizes):
        image = np.full((height, width, 3), number * 50, np.uint8)
        PillowImage.fromarray(image).save(tmp_path / f"{number}.png")
    frames, _ = frames_and_events(read(camera(tmp_path)))
    assert [frame.image.shape[:2] for frame in frames] == sizes
    assert [int(frame.image.max()) for frame in frames] == [0, 50, 100, 150, 200]
    assert [int(frame.image.min()) for frame in frames] == [0, 50, 100, 150, 200]


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_child_that_dies_or_hangs_is_replaced_and_no_frame_is_lost_or_given_twice(
    read: Callable[..., CameraReader],
    camera: MakeCamera,
    write_clip: WriteClip,
    number_of: NumberOf,
    kill: signal.Signals,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clip = write_clip("clip.mp4", 60)
    reader = read(camera(clip, start_at=START, timeout_s=1.0), num_slots=3)
    frames: list[Frame] = []
    kinds: list[str] = []
    with caplog.at_level(logging.WARNING):
        for item in items(reader):
            if isinstance(item, CameraEvent):
                kinds.append(item.kind)
                continue
            frames.append(item)
            pid = reader.stats.pid
            if item.index in (10, 35) and pid is not None:
                os.kill(pid, kill)
    assert [frame.index for frame in frames] == list(range(60))
    assert [number_of(frame.image) for frame in frames] == list(range(60))
    np.testing.assert_allclose(
        [frame.timestamp - START_AT for frame in frames], np.arange(60) / 25, atol=1e-6
    )
    assert kinds == ["opened", "ended"]
    assert reader.stats.num_restarts == 2
    assert "camera cam: its reader" in caplog.text


def test_a_child_that_never_gets_further_fails_the_camera(
    read: Callable[..., CameraReader], camera: MakeCamera, write_clip: WriteClip
) -> None:
    reader = read(camera(write_clip("clip.mp4", 30)), num_slots=2)
    event: CameraEvent | None = None
    until = time.monotonic() + PATIENCE_S
    while event is None and time.monotonic() < until:
        pid = reader.stats.pid
        if pid is not None and is_running(pid):
            os.kill(pid, signal.SIGKILL)  # before it has given a frame
        item = reader.poll(0.02)
        event = item if isinstance(item, CameraEvent) and item.kind == "failed" else None
    assert event is not None
    assert "SIGKILL 5 times at frame 0; it may break the decoder" in event.message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/nowhere/cam1.mp4", "does not exist"),
        ("http://admin:s3cret@127.0.0.1:1/v.mp4", "http: is not allowed"),
    ],
)
def test_what_cannot_be_opened_fails_at_once_and_for_good(
    read: Callable[..., CameraReader], camera: MakeCamera, url: str, words: str
) -> None:
    reader = read(camera(url))
    frames, events = frames_and_events(reader)
    assert frames == []
    assert [event.kind for event in events] == ["failed"]
    assert words in events[0].message
    assert "s3cret" not in events[0].message
    assert reader.stats.num_restarts == 0


def test_a_file_that_is_cut_off_is_corrupt_before_it_ends(
    read: Callable[..., CameraReader], camera: MakeCamera, write_clip: WriteClip
) -> None:
    clip = write_clip("clip.mp4", 100)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    frames, events = frames_and_events(read(camera(clip)))
    assert 20 < len(frames) < 100
    assert [event.kind for event in events] == ["opened", "corrupt", "ended"]
    assert f"{len(frames)} frames of" in events[1].message


def test_close_ends_the_child_in_the_middle_of_a_file_and_may_be_called_twice(
    read: Callable[..., CameraReader], camera: MakeCamera, write_clip: WriteClip
) -> None:
    reader = read(camera(write_clip("clip.mp4", 300)))
    wait_for(lambda: reader.stats.last_frame_at is not None)
    pid = reader.stats.pid
    assert pid is not None
    began_at = time.monotonic()
    reader.close()
    reader.close()
    assert time.monotonic() - began_at < 4.0
    assert not is_running(pid)
    assert reader.poll(5.0) is None
    assert time.monotonic() - began_at < 4.5


def test_close_ends_a_frozen_child(
    read: Callable[..., CameraReader], camera: MakeCamera, write_clip: WriteClip
) -> None:
    reader = read(camera(write_clip("clip.mp4", 300), timeout_s=30.0))
    wait_for(lambda: reader.stats.last_frame_at is not None)
    pid = reader.stats.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    began_at = time.monotonic()
    reader.close()
    assert time.monotonic() - began_at < 5.0
    assert not is_running(pid)


def test_the_child_of_a_killed_process_ends_by_itself(write_clip: WriteClip) -> None:
    code = """
import sys, time
from config.schema import CameraSettings
from streams.reader import CameraReader
reader = CameraReader(CameraSettings(id="cam", url=sys.argv[1]), stride=1)
reader.start()
while reader.stats.last_frame_at is None:
    time.sleep(0.02)
print(reader.stats.pid, flush=True)
time.sleep(60)
"""
    clip = write_clip("clip.mp4", 300)
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(clip)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.communicate()
    wait_for(lambda: not is_running(pid))


def test_a_reader_that_was_never_started_can_be_closed(camera: MakeCamera) -> None:
    reader = CameraReader(camera("a.mp4"), stride=1)
    assert reader.poll(0.0) is None
    reader.close()


def test_nothing_is_left_behind(camera: MakeCamera, write_clip: WriteClip) -> None:
    clip = write_clip("clip.mp4", 10)

    def run() -> None:
        reader = CameraReader(camera(clip), stride=1)
        reader.start()
        list(items(reader))
        reader.close()

    run()
    num_open = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        run()
    assert len(list(Path("/proc/self/fd").iterdir())) <= num_open


def test_the_password_is_in_no_process_list(
    read: Callable[..., CameraReader], camera: MakeCamera, free_port: int
) -> None:
    reader = read(camera(f"rtsp://admin:s3cret@127.0.0.1:{free_port}/cam"))
    wait_for(lambda: reader.stats.pid is not None)
    process = Path(f"/proc/{reader.stats.pid}")
    assert b"reader_process" in (process / "cmdline").read_bytes()
    assert b"s3cret" not in (process / "cmdline").read_bytes()
    assert b"s3cret" not in (process / "environ").read_bytes()


@pytest.mark.parametrize(
    "values",
    [{"stride": 0}, {"stride": 1, "start_index": -1}, {"stride": 1, "num_slots": 1}],
)
def test_impossible_values_are_refused(values: dict[str, int], camera: MakeCamera) -> None:
    with pytest.raises(ValueError, match="reader of camera cam"):
        CameraReader(camera("a.mp4"), **values)
