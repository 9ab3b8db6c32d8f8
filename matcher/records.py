"""What the store and the stream hold, as versioned bytes.

A record is two bytes of magic, the kind, the version, a CRC-32 of the rest, and a msgpack list. Nothing in it can
run (no pickle). Features are float16: what was decoded once is encoded again to the same bytes, so a matcher that
restarts from the store sees the very numbers that it saw in the stream.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any, assert_never

import msgpack
import numpy as np

from matcher.camera_progress import CameraGap, CameraProgress
from matcher.compact_boxes import pack_boxes, unpack_boxes
from matcher.decision import Decision
from matcher.errors import RecordError
from matcher.sighting import Sighting
from matcher.tracklet import Tracklet

Message = Tracklet | CameraProgress | CameraGap
"""What camera workers publish."""

MAGIC = b"cX"
VERSION = 1
HEADER = struct.Struct("<2scBI")
"""Magic, kind, version, CRC-32 of the body."""

TRACKLET, PROGRESS, GAP, THUMBNAILS, SIGHTING, DECISIONS = b"T", b"P", b"G", b"J", b"S", b"D"
KINDS = {
    TRACKLET: "tracklet",
    PROGRESS: "camera progress",
    GAP: "camera gap",
    THUMBNAILS: "thumbnails",
    SIGHTING: "sighting",
    DECISIONS: "decisions",
}


def encode_message(message: Message) -> bytes:
    """The bytes of what a worker publishes.

    Raises:
        ValueError: A value cannot be kept: a box that is no number, a feature too large for float16.
    """
    match message:
        case Tracklet():
            return encode_tracklet(message)
        case CameraProgress():
            return _seal(
                PROGRESS,
                [
                    message.camera_id,
                    message.watermark_at,
                    message.next_index,
                    message.epoch,
                    message.state,
                    message.is_live,
                    message.source,
                ],
            )
        case CameraGap():
            return _seal(
                GAP, [message.camera_id, message.started_at, message.ended_at, message.reason]
            )
        case _:
            assert_never(message)


def decode_message(record: bytes) -> Message:
    """What a worker published.

    Raises:
        RecordError: The bytes are cut off, damaged, of another version, or not ours.
    """
    match kind_of(record):
        case "tracklet":
            return decode_tracklet(record)
        case "camera progress":
            return decode_progress(record)
        case "camera gap":
            return decode_gap(record)
        case kind:
            raise RecordError(f"expected a message of a camera worker, found {kind}")


def kind_of(record: bytes) -> str:
    """What a record holds, in words.

    Raises:
        RecordError: The header is cut off or not ours.
    """
    if len(record) < HEADER.size or not record.startswith(MAGIC):
        raise RecordError(f"{len(record)} bytes are no record of crosscam")
    kind = record[2:3]
    if kind not in KINDS:
        raise RecordError(f"a record of the unknown kind {kind!r}: written by a newer crosscam?")
    return KINDS[kind]


def encode_tracklet(tracklet: Tracklet, *, with_thumbnails: bool = True) -> bytes:
    """The bytes of a tracklet: about 2 bytes a feature number, 8 bytes a box, and the thumbnails.

    Raises:
        ValueError: A box is no number, or a feature is too large for float16.
    """
    num_boxes, boxes = pack_boxes(tracklet.boxes)
    feature = tracklet.feature.astype("<f2")
    if not np.isfinite(feature).all():
        raise ValueError(f"tracklet {tracklet.tracklet_id!r}: a feature is not finite")
    return _seal(
        TRACKLET,
        [
            tracklet.tracklet_id,
            tracklet.version,
            tracklet.camera_id,
            tracklet.started_at,
            tracklet.ended_at,
            tracklet.emitted_at,
            num_boxes,
            boxes,
            feature.tobytes(),
            tracklet.quality,
            tracklet.space,
            tracklet.is_final,
            list(tracklet.thumbnails) if with_thumbnails else [],
        ],
    )


def decode_tracklet(record: bytes) -> Tracklet:
    """A tracklet; its feature is float32 with the precision of float16, its boxes as `compact_boxes` keeps them.

    Raises:
        RecordError: The bytes are no tracklet.
    """
    body = _open(TRACKLET, record, 13)
    try:
        return Tracklet(
            tracklet_id=body[0],
            version=body[1],
            camera_id=body[2],
            started_at=body[3],
            ended_at=body[4],
            emitted_at=body[5],
            boxes=unpack_boxes(body[6], body[7]),
            feature=np.frombuffer(body[8], "<f2").astype(np.float32),
            quality=body[9],
            space=body[10],
            is_final=body[11],
            thumbnails=tuple(body[12]),
        )
    except (ValueError, TypeError) as error:
        raise RecordError(f"a tracklet holds what it cannot: {error}") from error


def decode_progress(record: bytes) -> CameraProgress:
    """A camera's progress.

    Raises:
        RecordError: The bytes are no progress.
    """
    return CameraProgress(*_open(PROGRESS, record, 7))


def decode_gap(record: bytes) -> CameraGap:
    """A camera's gap.

    Raises:
        RecordError: The bytes are no gap.
    """
    return CameraGap(*_open(GAP, record, 4))


def encode_thumbnails(thumbnails: Sequence[bytes]) -> bytes:
    """The bytes of a tracklet's JPEG images."""
    return _seal(THUMBNAILS, list(thumbnails))


def decode_thumbnails(record: bytes) -> tuple[bytes, ...]:
    """JPEG images, best first.

    Raises:
        RecordError: The bytes are no thumbnails.
    """
    return tuple(_open(THUMBNAILS, record))


def encode_sighting(sighting: Sighting) -> bytes:
    """The bytes of a sighting."""
    return _seal(
        SIGHTING,
        [
            sighting.identity_id,
            sighting.tracklet_id,
            sighting.camera_id,
            sighting.started_at,
            sighting.ended_at,
            sighting.similarity,
            sighting.probability,
            sighting.runner_up_id,
            sighting.runner_up_probability,
            sighting.version,
            sighting.is_final,
            sighting.num_boxes,
            sighting.num_thumbnails,
            sighting.quality,
        ],
    )


def decode_sighting(record: bytes) -> Sighting:
    """A sighting.

    Raises:
        RecordError: The bytes are no sighting.
    """
    return Sighting(*_open(SIGHTING, record, 14))


def encode_decisions(decisions: Sequence[Decision]) -> bytes:
    """The bytes of one window's decisions, in their order; no biometric data."""
    return _seal(
        DECISIONS,
        [
            [
                decision.tracklet_id,
                decision.version,
                decision.camera_id,
                decision.started_at,
                decision.ended_at,
                decision.is_final,
                decision.identity_id,
                decision.is_new,
                decision.is_first,
                decision.similarity,
                decision.probability,
                decision.runner_up_id,
                decision.runner_up_probability,
                decision.decided_at,
            ]
            for decision in decisions
        ],
    )


def decode_decisions(record: bytes) -> tuple[Decision, ...]:
    """The decisions of one window.

    Raises:
        RecordError: The bytes are no decisions.
    """
    rows = _open(DECISIONS, record)
    try:
        return tuple(
            Decision(
                tracklet_id=row[0],
                version=row[1],
                camera_id=row[2],
                started_at=row[3],
                ended_at=row[4],
                is_final=row[5],
                identity_id=row[6],
                is_new=row[7],
                is_first=row[8],
                similarity=row[9],
                probability=row[10],
                runner_up_id=row[11],
                runner_up_probability=row[12],
                decided_at=row[13],
            )
            for row in rows
        )
    except (IndexError, TypeError) as error:
        raise RecordError("decisions hold what they cannot") from error


def _seal(kind: bytes, body: list[Any]) -> bytes:
    packed: bytes = msgpack.packb(body, use_bin_type=True)
    return HEADER.pack(MAGIC, kind, VERSION, zlib.crc32(packed)) + packed


def _open(kind: bytes, record: bytes, num_fields: int | None = None) -> list[Any]:
    """The list inside a record of this kind."""
    found = kind_of(record)
    if found != KINDS[kind]:
        raise RecordError(f"expected {KINDS[kind]}, found {found}")
    _, _, version, checksum = HEADER.unpack_from(record)
    if version != VERSION:
        raise RecordError(
            f"{found} of version {version}; this crosscam reads version {VERSION}: use the newer one"
        )
    packed = record[HEADER.size :]
    if zlib.crc32(packed) != checksum:
        raise RecordError(f"the bytes of {found} are cut off or damaged")
    try:
        body = msgpack.unpackb(packed, raw=False)
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise RecordError(f"the bytes of {found} cannot be unpacked") from error
    if not isinstance(body, list) or (num_fields is not None and len(body) != num_fields):
        raise RecordError(f"{found} does not have the fields of version {VERSION}")
    return body
