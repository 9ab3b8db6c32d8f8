from __future__ import annotations

import pytest

from streams.frame_slots import SlotImage
from streams.reader_messages import (
    Alive,
    Broke,
    Damaged,
    Ended,
    Failed,
    FrameReady,
    Message,
    Opened,
    Opening,
    Paused,
    decoded,
    encoded,
)
from streams.source import SourceInfo

MESSAGES: list[Message] = [
    Opening(),
    Opened(SourceInfo("h264", 640, 360, 25.0, "file", is_live=False, num_frames=3), is_new=True),
    FrameReady(7, 1795412090.1707201, SlotImage(2, 4096, 360, 640), 1, 2, 3),
    Alive(),
    Paused("camera ä: lost", 1.25),
    Damaged("cut off"),
    Ended(),
    Failed("no such file"),
    Broke("MemoryError: "),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_come_back_as_they_were(message: Message) -> None:
    assert decoded(encoded(message)) == message


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1, 2]", b'["Nope", {}]', b'["Ended", {"x": 1}]', b"\xff", b"null"]
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a message"):
        decoded(data)
