"""What a reader's child process tells its parent.

The messages travel as JSON, not pickled: a decoder that a hostile stream has taken over must not be
able to run code in the parent.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from streams.frame_slots import SlotImage
from streams.source import SourceInfo


@dataclass(frozen=True, slots=True)
class Opening:
    """An attempt to open the source begins."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The source is open, or what is known of it changed."""

    info: SourceInfo
    is_new: bool


@dataclass(frozen=True, slots=True)
class FrameReady:
    """A frame lies in a slot; drops count over the child's life, the rest over the session."""

    index: int
    timestamp: float
    image: SlotImage
    num_dropped: int
    num_clock_jumps: int
    num_decode_errors: int


@dataclass(frozen=True, slots=True)
class Alive:
    """Work goes on without a frame to show: skipping, or waiting for the reader."""


@dataclass(frozen=True, slots=True)
class Paused:
    """The source is lost or cannot be opened; the next attempt is `pause_s` away."""

    message: str
    pause_s: float


@dataclass(frozen=True, slots=True)
class Damaged:
    """The file is damaged; all that decodes was given. `Ended` follows."""

    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The file is at its end. Nothing follows."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The source can't be opened, and no retry can help. Nothing follows."""

    message: str


@dataclass(frozen=True, slots=True)
class Broke:
    """The child met an error of its own and ends; another one may do better. Nothing follows."""

    message: str


Message = Opening | Opened | FrameReady | Alive | Paused | Damaged | Ended | Failed | Broke

_KINDS = {
    kind.__name__: kind
    for kind in (Opening, Opened, FrameReady, Alive, Paused, Damaged, Ended, Failed, Broke)
}


def encoded(message: Message) -> bytes:
    """The message as bytes."""
    return json.dumps([type(message).__name__, asdict(message)]).encode()


def decoded(data: bytes) -> Message:
    """The message of bytes.

    Raises:
        ValueError: They are no message of ours.
    """
    try:
        name, fields = json.loads(data)
        if name == "Opened":
            fields["info"] = SourceInfo(**fields["info"])
        elif name == "FrameReady":
            fields["image"] = SlotImage(**fields["image"])
        message: Message = _KINDS[name](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a message of a camera reader: {data[:80]!r}") from error
    return message
