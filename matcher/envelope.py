"""The envelope of every record: versioned, checked bytes.

Two bytes of magic, the kind, the version, a CRC-32 of the rest, and a msgpack list. Nothing in it
can run (no pickle).
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import msgpack

from matcher.errors import RecordError

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


def seal(kind: bytes, body: list[Any]) -> bytes:
    """The bytes of a record."""
    packed: bytes = msgpack.packb(body, use_bin_type=True)
    return HEADER.pack(MAGIC, kind, VERSION, zlib.crc32(packed)) + packed


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


def unseal(kind: bytes, record: bytes, num_fields: int | None = None) -> list[Any]:
    """The list inside a record of this kind.

    Raises:
        RecordError: The bytes are cut off, damaged, of another kind or version, or not ours.
    """
    found = kind_of(record)
    if found != KINDS[kind]:
        raise RecordError(f"expected {KINDS[kind]}, found {found}")
    _, _, version, checksum = HEADER.unpack_from(record)
    if version != VERSION:
        raise RecordError(
            f"{found} of version {version}; this crosscam reads version {VERSION}: use a newer one"
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
