"""What the stream and the store hold of cameras and tracklets, as versioned bytes.

Features are float16. What was decoded once is encoded again to the same bytes, so a matcher that
restarts from the store sees the very numbers that it saw in the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import numpy as np

from matcher.camera_progress import CameraGap, CameraProgress
from matcher.compact_boxes import pack_boxes, unpack_boxes
from matcher.envelope import GAP, PROGRESS, SIGHTING, THUMBNAILS, TRACKLET, kind_of, seal, unseal
from matcher.errors import RecordError
from matcher.reasons import pack_reasons, unpack_reasons
from matcher.sighting import Sighting
from matcher.tracklet import Tracklet

Message = Tracklet | CameraProgress | CameraGap
"""What camera workers publish."""


def encode_message(message: Message) -> bytes:
    """The bytes of what a worker publishes.

    Raises:
        ValueError: A value cannot be kept: a box or a feature that is no number.
    """
    match message:
        case Tracklet():
            return encode_tracklet(message)
        case CameraProgress():
            return seal(
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
            return seal(
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


def encode_tracklet(tracklet: Tracklet, *, with_thumbnails: bool = True) -> bytes:
    """The bytes of a tracklet: about 2 bytes a feature number, 8 bytes a box, and the thumbnails.

    Raises:
        ValueError: A box is no number, or a feature is too large for float16.
    """
    num_boxes, boxes = pack_boxes(tracklet.boxes)
    feature = tracklet.feature.astype("<f2")
    if not np.isfinite(feature).all():
        raise ValueError(f"tracklet {tracklet.tracklet_id!r}: a feature is not finite")
    return seal(
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
    """A tracklet, with the precision of float16 in its feature and of `compact_boxes` in its boxes.

    Raises:
        RecordError: The bytes are no tracklet.
    """
    body = unseal(TRACKLET, record, 13)
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
    return CameraProgress(*unseal(PROGRESS, record, 7))


def decode_gap(record: bytes) -> CameraGap:
    """A camera's gap.

    Raises:
        RecordError: The bytes are no gap.
    """
    return CameraGap(*unseal(GAP, record, 4))


def encode_thumbnails(thumbnails: Sequence[bytes]) -> bytes:
    """The bytes of a tracklet's JPEG images."""
    return seal(THUMBNAILS, list(thumbnails))


def decode_thumbnails(record: bytes) -> tuple[bytes, ...]:
    """JPEG images, best first.

    Raises:
        RecordError: The bytes are no thumbnails.
    """
    return tuple(unseal(THUMBNAILS, record))


def encode_sighting(sighting: Sighting) -> bytes:
    """The bytes of a sighting."""
    return seal(
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
            pack_reasons(sighting.reasons),
            sighting.corrected_by,
            sighting.is_re_embedded,
        ],
    )


def decode_sighting(record: bytes) -> Sighting:
    """A sighting.

    Raises:
        RecordError: The bytes are no sighting.
    """
    facts = unseal(SIGHTING, record, 17)
    facts[14:] = [unpack_reasons(facts[14]), facts[15], bool(facts[16])]
    return Sighting(*facts)
