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
HEADER = struct.Struct("<2scBI")
"""Magic, kind, version, CRC-32 of the body."""

TRACKLET, PROGRESS, GAP, THUMBNAILS, SIGHTING, DECISIONS = b"T", b"P", b"G", b"J", b"S", b"D"
CORRECTION, COMMAND, ANSWER, ERASURE = b"C", b"O", b"A", b"F"
KINDS = {
    TRACKLET: "tracklet",
    PROGRESS: "camera progress",
    GAP: "camera gap",
    THUMBNAILS: "thumbnails",
    SIGHTING: "sighting",
    DECISIONS: "decisions",
    CORRECTION: "correction",
    COMMAND: "operator command",
    ANSWER: "answer",
    ERASURE: "erasure",
}
VERSIONS = {SIGHTING: 2, DECISIONS: 2}
"""The newest version of each kind, 1 where none is named; older ones stay readable."""


def seal(kind: bytes, body: list[Any]) -> bytes:
    """The bytes of a record."""
    packed: bytes = msgpack.packb(body, use_bin_type=True)
    return HEADER.pack(MAGIC, kind, _newest(kind), zlib.crc32(packed)) + packed


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

    Args:
        kind: Of the record.
        record: Its bytes.
        num_fields: Of the newest version; what an older one lacks is None.

    Raises:
        RecordError: The bytes are cut off, damaged, of another kind or version, or not ours.
    """
    found = kind_of(record)
    if found != KINDS[kind]:
        raise RecordError(f"expected {KINDS[kind]}, found {found}")
    _, _, version, checksum = HEADER.unpack_from(record)
    newest = _newest(kind)
    if not 1 <= version <= newest:
        raise RecordError(
            f"{found} of version {version}; this crosscam reads version {newest}: use a newer one"
        )
    packed = record[HEADER.size :]
    if zlib.crc32(packed) != checksum:
        raise RecordError(f"the bytes of {found} are cut off or damaged")
    try:
        body = msgpack.unpackb(packed, raw=False)
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise RecordError(f"the bytes of {found} cannot be unpacked") from error
    num_missing = 0 if num_fields is None or not isinstance(body, list) else num_fields - len(body)
    if not isinstance(body, list) or num_missing < 0 or (num_missing and version == newest):
        raise RecordError(f"{found} does not have the fields of version {version}")
    return body + [None] * num_missing


def _newest(kind: bytes) -> int:
    return VERSIONS.get(kind, 1)
