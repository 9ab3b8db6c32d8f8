"""Video files and RTSP streams, decoded with PyAV.

One decoding thread a source: with several cameras on few cores, FFmpeg's frame threads cost 10 to
20 % more CPU time for the same frames. Only sampled frames are converted to BGR.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from streams.address import redacted
from streams.damage import Damage, Declared
from streams.errors import SourceCorruptError, SourceLostError, SourceOpenError
from streams.frame import Frame, Image
from streams.presentation import in_presentation_order
from streams.refusal import check_file, why_not
from streams.sampler import FrameSampler
from streams.source import Sampling, SourceInfo
from streams.timeline import FileTimeline, LiveTimeline

logger = logging.getLogger(__name__)

_RTSP_PROTOCOLS = "rtsp,rtsps,tcp,tls,udp,rtp,srtp"
# Not the formats that name other files or hosts (concat, hls, sdp …).
_FILE_FORMATS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,nut,mxf,dv,ivf,obu,h264,hevc,m4v,"
    "mjpeg,mpjpeg,gif,rm,wtv,dhav,yuv4mpegpipe"
)
_MAX_PIXELS = 64_000_000  # a small hostile file must not fill the memory
_ASSUMED_FPS = 25.0
_REORDER_DEPTH = 8
_MIN_REACH_S = 0.5  # the declared rate can be far too high
# FFmpeg gives up after two waits; a little less lets it do so before the watchdog (2 timeouts).
_READ_SHARE = 0.95


class VideoFile:
    """A video file: every coded frame counts, every sampled one that decodes is given, in order."""

    def __init__(
        self, camera_id: str, path: Path, *, sampling: Sampling, start_at: float | None
    ) -> None:
        """Open the file.

        Args:
            camera_id: The camera's id.
            path: The file.
            sampling: Which frames are kept.
            start_at: Capture time of the first frame, Unix seconds; None: the file's modification
                time minus its length.

        Raises:
            SourceOpenError: It is missing, empty, unreadable or no video (permanent).
        """
        self._camera_id = camera_id
        self._path = path
        self._sampling = sampling
        check_file(camera_id, path)
        options = {"protocol_whitelist": "file", "format_whitelist": _FILE_FORMATS}
        try:
            self._container = _opened(f"file:{path.absolute()}", options=options, timeout=None)
        except av.error.FFmpegError as error:
            raise SourceOpenError(
                f"camera {camera_id}: {path} is no video that can be read, or it is cut off or "
                f"damaged where its index is ({error.strerror}); "
                "play it, or copy it again from where it was recorded",
                is_permanent=True,
            ) from error
        self._stream = _video_stream(self._container, camera_id, str(path))
        self._info = _info(self._stream, is_live=False)
        self._picture = _Picture()
        length_s = _length_s(self._container, self._stream)
        is_own = self._stream.duration is not None or len(self._container.streams) == 1
        self._declared = Declared(
            num_frames=self._info.num_frames,
            length_s=length_s if is_own else None,  # else it may be the length of the sound
            period_s=1 / (self._info.fps or _ASSUMED_FPS),
        )
        if start_at is None:
            start_at = path.stat().st_mtime - (length_s or 0.0)
        self._timeline = FileTimeline(start_at, self._declared.period_s)
        self._damage = Damage()
        self._num_read = 0

    @property
    def camera_id(self) -> str:
        """The camera's id."""
        return self._camera_id

    @property
    def info(self) -> SourceInfo:
        """What the file says of itself."""
        return self._info

    @property
    def num_clock_jumps(self) -> int:
        """How often presentation time went back."""
        return self._timeline.num_jumps

    @property
    def num_decode_errors(self) -> int:
        """Damaged places so far."""
        return self._damage.num_errors

    @property
    def num_read(self) -> int:
        """Frames decoded so far."""
        return self._num_read

    def frames(self, start_index: int = 0) -> Iterator[Frame]:
        """The sampled frames from an index on; what lies before is decoded, not converted.

        Raises:
            SourceOpenError: Not a single frame can be decoded (permanent).
            SourceCorruptError: Frames are damaged or missing; raised at the end.
        """
        sampler = FrameSampler(self._sampling)
        index, last_pts_s = -1, 0.0
        for index, (decoded, pts_s) in enumerate(self._presented_frames()):
            if decoded is None:
                continue
            self._num_read += 1
            last_pts_s = max(last_pts_s, pts_s or 0.0)
            timestamp = self._timeline.timestamp(pts_s)
            if sampler.keeps(index, timestamp) and index >= start_index:
                image = self._picture.bgr(decoded)
                self._info = _with_size(self._info, image)
                yield Frame(self._camera_id, index, timestamp, image)
        self._check_end(index + 1, last_pts_s)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _presented_frames(self) -> Iterator[tuple[av.VideoFrame | None, float | None]]:
        timed = ((frame, frame.time if frame else None) for frame in self._coded_frames())
        depth = _REORDER_DEPTH if self._stream.codec_context.has_b_frames else 0
        reach_s = max(depth * self._declared.period_s, _MIN_REACH_S)
        return in_presentation_order(timed, depth=depth, reach_s=reach_s)

    def _coded_frames(self) -> Iterator[av.VideoFrame | None]:
        """A frame for each coded one, in the order of presentation; None: it does not decode."""
        packets = self._container.demux(self._stream)
        index = 0
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                self._damage.note(error.strerror, index)
                return
            if packet.is_corrupt:
                self._damage.note("data is missing or wrong", index)
            try:
                decoded = packet.decode()
            except av.error.FFmpegError as error:
                self._damage.note(error.strerror, index)
                index += 1
                yield None
                continue
            index += len(decoded)
            yield from decoded

    def _check_end(self, num_frames: int, last_pts_s: float) -> None:
        if self._num_read == 0:
            raise SourceOpenError(
                f"camera {self._camera_id}: not a single frame of {self._path} can be decoded "
                f"({self._info.codec}{self._damage}); copy it again or convert it to H.264",
                is_permanent=True,
            )
        # Containers count their length from the first frame or from zero.
        first_s = float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        cut_off = self._declared.what_is_missing(num_frames, last_pts_s - min(0.0, first_s))
        if cut_off or self._damage.num_errors:
            raise SourceCorruptError(
                f"camera {self._camera_id}: {self._num_read} frames of {self._path} were read"
                f"{self._damage}{cut_off}; copy it again if the rest is needed"
            )


class RtspStream:
    """A camera on the network: gives every frame that arrives, until it is lost."""

    def __init__(
        self,
        camera_id: str,
        url: str,
        *,
        sampling: Sampling,
        transport: Literal["tcp", "udp"] = "tcp",
        timeout_s: float = 5.0,
    ) -> None:
        """Connect to the camera.

        Args:
            camera_id: The camera's id.
            url: ``rtsp(s)://…``, credentials percent-encoded.
            sampling: Which frames are kept.
            transport: How the frames travel.
            timeout_s: Longest wait for an answer or a frame. FFmpeg can overrun it: somebody
                outside must watch (`streams.reader`).

        Raises:
            SourceOpenError: The camera does not answer, refuses, or sends no video.
        """
        self._camera_id = camera_id
        self._address = redacted(url)
        self._sampling = sampling
        options = {
            "rtsp_transport": transport,
            "protocol_whitelist": _RTSP_PROTOCOLS,
            "allowed_media_types": "video",
        }
        try:
            self._container = _opened(url, options=options, timeout=timeout_s)
        except av.error.FFmpegError as error:
            # `from None`: PyAV's own text holds the URL with the password.
            raise SourceOpenError(
                f"camera {camera_id}: cannot open {self._address}: {_why(error)}"
            ) from None
        self._stream = _video_stream(self._container, camera_id, self._address)
        self._info = _info(self._stream, is_live=True)
        self._picture = _Picture()
        self._timeline = LiveTimeline(on_distrust=self._warn_of_clock)
        self._num_read = 0
        self._num_decode_errors = 0

    @property
    def camera_id(self) -> str:
        """The camera's id."""
        return self._camera_id

    @property
    def info(self) -> SourceInfo:
        """What is known of the stream; its clock becomes ``rtcp`` once the camera reports it."""
        return self._info

    @property
    def num_clock_jumps(self) -> int:
        """How often presentation time went back."""
        return self._timeline.num_jumps

    @property
    def num_decode_errors(self) -> int:
        """Packets that did not decode so far."""
        return self._num_decode_errors

    @property
    def num_read(self) -> int:
        """Frames that arrived so far."""
        return self._num_read

    def frames(self, start_index: int = 0) -> Iterator[Frame]:  # noqa: ARG002 - live: no past
        """The sampled frames as they arrive.

        Raises:
            SourceLostError: The camera closed the stream, broke it off, or sent nothing in time.
        """
        sampler = FrameSampler(self._sampling)
        for index, decoded in enumerate(self._arriving_frames()):
            self._num_read += 1
            start_realtime_us = self._container.start_time_realtime
            timestamp = self._timeline.timestamp(
                decoded.time,
                arrived_at=time.time(),
                start_realtime=None if not start_realtime_us else start_realtime_us / 1e6,
            )
            if sampler.keeps(index, timestamp):
                image = self._picture.bgr(decoded)
                self._info = _with_size(self._info, image)
                if self._info.clock != self._timeline.clock:
                    self._info = replace(self._info, clock=self._timeline.clock)
                yield Frame(self._camera_id, index, timestamp, image)

    def close(self) -> None:
        """Take leave of the camera."""
        self._container.close()

    def _arriving_frames(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.error.FFmpegError as error:
                raise SourceLostError(
                    f"camera {self._camera_id}: {self._address} broke off: {_why(error)}"
                ) from None
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                self._num_decode_errors += 1
                continue
            yield from decoded
        raise SourceLostError(f"camera {self._camera_id}: {self._address} closed the stream")

    def _warn_of_clock(self, error_s: float) -> None:
        logger.warning(
            "camera %s: its clock is %+.0f s off this machine's and is not used; set it (NTP). "
            "Frames are dated by their arrival",
            self._camera_id,
            error_s,
        )


class _Picture:
    """Turns decoded frames upright and to BGR; keeps the scaler between frames of one size."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def bgr(self, decoded: av.VideoFrame) -> Image:
        """(H, W, 3) uint8."""
        image = self._reformatter.reformat(decoded, format="bgr24").to_ndarray()
        quarter_turns = round(decoded.rotation / 90) % 4
        upright = np.rot90(image, quarter_turns) if quarter_turns else image
        return np.ascontiguousarray(upright, dtype=np.uint8)


def _opened(url: str, *, options: dict[str, str], timeout: float | None) -> Any:
    return av.open(
        url,
        options=options,
        timeout=None if timeout is None else (timeout, _READ_SHARE * timeout),
        metadata_errors="replace",
    )


def _video_stream(container: Any, camera_id: str, shown: str) -> Any:
    if not container.streams.video:
        container.close()
        raise SourceOpenError(
            f"camera {camera_id}: {shown} holds no video that this machine can decode",
            is_permanent="://" not in shown,
        )
    stream = container.streams.video[0]
    stream.codec_context.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(_MAX_PIXELS)}
    return stream


def _info(stream: Any, *, is_live: bool) -> SourceInfo:
    codec = stream.codec_context
    fps: Fraction | None = stream.average_rate or stream.guessed_rate
    return SourceInfo(
        codec=codec.name,
        width_px=codec.width,
        height_px=codec.height,
        fps=float(fps) if fps else None,
        clock="arrival" if is_live else "file",
        is_live=is_live,
        num_frames=None if is_live else stream.frames or None,
    )


def _with_size(info: SourceInfo, image: Image) -> SourceInfo:
    height_px, width_px = image.shape[:2]
    if (info.width_px, info.height_px) == (width_px, height_px):
        return info
    return replace(info, width_px=width_px, height_px=height_px)


def _length_s(container: Any, stream: Any) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else float(container.duration / av.time_base)


def _why(error: av.error.FFmpegError) -> str:
    return why_not(type(error).__name__, error.strerror)
