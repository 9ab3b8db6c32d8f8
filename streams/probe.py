"""Looks at a source once: what it delivers, or why it can't be opened."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import SecretStr

from config.schema import CameraSettings
from streams.errors import SourceCorruptError, SourceLostError, SourceOpenError
from streams.source import FrameSource, SourceInfo, open_source


def probe(
    url: str, *, timeout_s: float = 5.0, transport: Literal["tcp", "udp"] = "tcp"
) -> SourceInfo:
    """Open a source, decode its first frame, and say what it delivers.

    A live stream is listened to until its camera has reported its clock, for at most `timeout_s`.

    Args:
        url: ``rtsp(s)://…``, a file, a folder of images, or ``webcam:N``.
        timeout_s: Longest wait for an answer or a frame (0 to 120, not 0).
        transport: RTSP transport.

    Raises:
        SourceOpenError: It cannot be opened, or gives no frame; the text is for people and holds no
            credentials.
        ValueError: `timeout_s` is out of range.
    """
    if not 0 < timeout_s <= 120:
        raise ValueError(
            f"timeout of a probe: expected more than 0 s, at most 120 s, got {timeout_s}"
        )
    camera = CameraSettings(
        id="probe", url=SecretStr(url), timeout_s=timeout_s, transport=transport
    )
    source = open_source(camera)
    try:
        return _seen(source, time.monotonic() + timeout_s)
    except (SourceLostError, SourceCorruptError) as error:
        raise SourceOpenError(str(error)) from None
    finally:
        source.close()


def _seen(source: FrameSource, until: float) -> SourceInfo:
    for _ in source.frames():
        if source.info.clock != "arrival" or time.monotonic() > until:
            return source.info
    raise SourceOpenError(f"{source.camera_id}: the source gives no frame")
