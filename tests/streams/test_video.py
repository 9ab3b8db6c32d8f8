from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from streams.errors import SourceCorruptError, SourceOpenError
from streams.frame import Frame, Image
from streams.source import Sampling
from streams.video import RtspStream, VideoFile

START_AT = 1_767_261_600.0
NumberOf = Callable[[Image], int]
WriteClip = Callable[..., Path]


def opened(
    path: Path, sampling: Sampling | None = None, start_at: float | None = START_AT
) -> VideoFile:
    return VideoFile("cam", path, sampling=sampling or Sampling(), start_at=start_at)


def read(source: VideoFile, start_index: int = 0) -> tuple[list[Frame], str]:
    """All frames, and what the source complains of at the end."""
    frames: list[Frame] = []
    try:
        frames.extend(source.frames(start_index))
    except SourceCorruptError as error:
        return frames, str(error)
    finally:
        source.close()
        source.close()
    return frames, ""


def test_every_frame_comes_in_order_with_its_exact_time(
    write_clip: WriteClip, number_of: NumberOf
) -> None:
    source = opened(write_clip("clip.mp4", 50, fps=25))
    assert (source.info.codec, source.info.fps, source.info.num_frames) == ("h264", 25.0, 50)
    assert (source.info.width_px, source.info.height_px) == (192, 64)
    assert (source.info.clock, source.info.is_live) == ("file", False)
    frames, complaint = read(source)
    assert complaint == ""
    assert [frame.index for frame in frames] == list(range(50))
    assert [number_of(frame.image) for frame in frames] == list(range(50))
    times = [frame.timestamp - START_AT for frame in frames]
    np.testing.assert_allclose(times, np.arange(50) / 25, atol=1e-6)
    assert source.num_clock_jumps == 0
    assert source.num_read == 50


def test_variable_rate_keeps_each_frame_time(write_clip: WriteClip, number_of: NumberOf) -> None:
    times_ms = [0, 40, 50, 300, 310, 1000, 1040, 5000, 5001, 5300]
    frames, _ = read(opened(write_clip("vfr.mp4", 10, times_ms=times_ms)))
    assert [number_of(frame.image) for frame in frames] == list(range(10))
    times = [frame.timestamp - START_AT for frame in frames]
    np.testing.assert_allclose(times, np.array(times_ms) / 1000, atol=1e-6)


def test_times_start_at_the_first_frame_whatever_its_presentation_time(
    write_clip: WriteClip,
) -> None:
    clip = write_clip("late.mkv", 5, times_ms=[7000, 7040, 7080, 7120, 7160])
    frames, complaint = read(opened(clip))
    assert frames[0].timestamp == START_AT
    assert frames[-1].timestamp == pytest.approx(START_AT + 0.16, abs=1e-6)
    assert complaint == ""


def test_stride_and_start_keep_the_indexes_of_the_file(
    write_clip: WriteClip, number_of: NumberOf
) -> None:
    clip = write_clip("clip.mp4", 30)
    frames, _ = read(opened(clip, Sampling(stride=4)), start_index=9)
    assert [frame.index for frame in frames] == [12, 16, 20, 24, 28]
    assert [number_of(frame.image) for frame in frames] == [12, 16, 20, 24, 28]
    assert frames[0].timestamp == pytest.approx(START_AT + 12 / 25, abs=1e-6)


def test_a_rate_limit_picks_the_same_frames_wherever_reading_starts(write_clip: WriteClip) -> None:
    clip = write_clip("clip.mp4", 60)
    whole, _ = read(opened(clip, Sampling(max_fps=7)))
    for start in (1, 20, 37):
        rest, _ = read(opened(clip, Sampling(max_fps=7)), start_index=start)
        assert [frame.index for frame in rest] == [f.index for f in whole if f.index >= start]


def test_a_start_behind_the_end_gives_nothing(write_clip: WriteClip) -> None:
    assert read(opened(write_clip("clip.mp4", 5)), start_index=99) == ([], "")


def test_without_a_start_time_the_file_ends_at_its_modification_time(write_clip: WriteClip) -> None:
    clip = write_clip("clip.mp4", 50, fps=25)
    os.utime(clip, (START_AT, START_AT))
    frames, _ = read(opened(clip, start_at=None))
    assert frames[0].timestamp == pytest.approx(START_AT - 2.0, abs=0.05)


def rewritten(
    clip: Path, name: str, change: Callable[[int, av.Packet[av.VideoStream]], None]
) -> Path:
    """The clip again, without decoding, each packet changed."""
    path = clip.with_name(name)
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
        for number, packet in enumerate(source.demux(source.streams.video[0])):
            if packet.dts is None:
                continue
            packet.stream = stream
            change(number, packet)
            target.mux(packet)
    return path


def test_times_stored_in_decoding_order_are_put_right(
    write_clip: WriteClip, number_of: NumberOf
) -> None:
    clip = write_clip("clip.ts", 40)

    def forget_presentation(number: int, packet: av.Packet[av.VideoStream]) -> None:
        packet.time_base = Fraction(1, 25)
        packet.pts = packet.dts = number

    frames, complaint = read(opened(rewritten(clip, "clip.avi", forget_presentation)))
    assert complaint == ""
    assert [number_of(frame.image) for frame in frames] == list(range(40))
    times = [frame.timestamp - START_AT for frame in frames]
    np.testing.assert_allclose(times, np.arange(40) / 25, atol=1e-6)


def test_a_raw_stream_without_any_times_is_spaced_by_its_rate(
    write_clip: WriteClip, number_of: NumberOf
) -> None:
    raw = write_clip("clip.h264", 20, options={"bf": "0"})
    frames, _ = read(opened(raw))
    assert [number_of(frame.image) for frame in frames] == list(range(20))
    steps = [later.timestamp - earlier.timestamp for earlier, later in pairwise(frames)]
    assert min(steps) > 0
    assert max(steps) - min(steps) < 1e-3


def test_frames_that_jump_back_in_time_go_on_and_are_counted(
    write_clip: WriteClip, number_of: NumberOf
) -> None:
    first = write_clip("first.ts", 30, options={"bf": "0"})
    joined = first.with_name("joined.ts")
    joined.write_bytes(first.read_bytes() * 2)  # the second half starts again at the first time
    source = opened(joined)
    frames, _ = read(source)
    assert [number_of(frame.image) for frame in frames] == [*range(30), *range(30)]
    steps = [later.timestamp - earlier.timestamp for earlier, later in pairwise(frames)]
    np.testing.assert_allclose(steps, 1 / 25, atol=2e-3)
    assert source.num_clock_jumps == 1


def test_frames_are_turned_upright(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:32, :64] = 255  # the left upper corner is bright
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        stream.set_display_rotation(-90)
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames, _ = read(opened(path))
    # FFmpeg's own player turns this clip clockwise: the bright corner comes to the upper right.
    image = frames[0].image
    assert image.shape == (128, 64, 3)
    assert image[16, 48].min() > 240
    assert image[16, 16].max() < 16
    assert image[112].max() < 16


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist; check the path"),
        (b"", "is empty; copy it again"),
        (b"these are only words\n" * 50, "is no video"),
        (bytes(range(256)) * 40, "is no video"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "is no video"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\nhttp://127.0.0.1:9/a.ts\n", "is no video"),
    ],
    ids=["missing", "empty", "text", "bytes", "concat list", "playlist"],
)
def test_what_is_no_video_is_refused_for_good(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "cam1.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceOpenError, match=words) as caught:
        opened(path)
    assert caught.value.is_permanent
    assert "camera cam" in str(caught.value)
    assert "cam1.mp4" in str(caught.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(SourceOpenError, match="holds no video"):
        opened(path)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_file_that_is_cut_off_gives_what_it_has_and_says_so(
    name: str, write_clip: WriteClip, number_of: NumberOf
) -> None:
    clip = write_clip(name, 250)
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    source = opened(clip)
    frames, complaint = read(source)
    numbers = [number_of(frame.image) for frame in frames]
    assert 50 < len(frames) < 200
    assert numbers[:50] == list(range(50))
    assert "cut off" in complaint
    assert f"{len(frames)} frames" in complaint
    assert name in complaint


def test_damage_in_the_middle_costs_the_damaged_frames_only(
    write_clip: WriteClip, number_of: NumberOf
) -> None:
    clip = write_clip("clip.ts", 200, options={"bf": "0"})
    content = bytearray(clip.read_bytes())
    middle = len(content) // 2
    rng = np.random.default_rng(1)
    content[middle : middle + 8000] = rng.integers(0, 256, 8000, dtype=np.uint8).tobytes()
    clip.write_bytes(bytes(content))
    source = opened(clip)
    frames, complaint = read(source)
    numbers = [number_of(frame.image) for frame in frames]
    assert numbers[:50] == list(range(50))
    assert numbers[-1] == 199
    assert 100 < len(frames) < 200
    assert source.num_decode_errors >= 1
    assert "errors, the first: data is missing or wrong near frame" in complaint
    times = [frame.timestamp for frame in frames]
    assert times == sorted(times)


def test_a_file_of_which_nothing_decodes_is_refused(write_clip: WriteClip) -> None:
    clip = write_clip("clip.mp4", 20)
    content = clip.read_bytes()
    start = content.index(b"mdat") + 4
    clip.write_bytes(content[:start] + bytes(len(content) - start))
    with pytest.raises(SourceOpenError, match="not a single frame") as caught:
        read(opened(clip))
    assert caught.value.is_permanent


# -- streams that are not there --------------------------------------------------------------------


def test_a_dead_port_is_told_without_the_password(free_port: int) -> None:
    url = f"rtsp://admin:s3cret@127.0.0.1:{free_port}/cam"
    with pytest.raises(SourceOpenError, match="connection refused") as caught:
        RtspStream("cam", url, sampling=Sampling(), timeout_s=2.0)
    assert not caught.value.is_permanent
    assert "s3cret" not in str(caught.value)
    assert f"rtsp://***@127.0.0.1:{free_port}/cam" in str(caught.value)
    assert caught.value.__cause__ is None


# -- real recordings -------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "num_frames", "length_s"),
    [("retail/cam1.mp4", 419, 418 / 18), ("pets09_s2l1.avi", 795, 79.4)],
)
def test_real_recordings(name: str, num_frames: int, length_s: float, shared_dir: Path) -> None:
    source = opened(shared_dir / "video" / name, Sampling(stride=50))
    frames, complaint = read(source)
    assert complaint == ""
    assert [frame.index for frame in frames] == list(range(0, num_frames, 50))
    assert source.num_read == num_frames
    rate = (num_frames - 1) / length_s
    times = [frame.timestamp - START_AT for frame in frames]
    np.testing.assert_allclose(times, [frame.index / rate for frame in frames], atol=1e-3)
