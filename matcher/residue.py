"""The search for what is left of a forgotten person: over every key of a site, and over files.

Features and thumbnails are searched for as bytes, by a telling piece of each; ids as words, in
texts only: an id as short as ``P3`` is in many an image by accident. A server that compresses or
keeps deleted stream entries hides bytes from a search of its files; the embedded one does neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matcher.connection import Command, Connection
from matcher.correction_records import decode_correction
from matcher.envelope import CORRECTION, KINDS, kind_of, unseal
from matcher.errors import RecordError
from matcher.id_words import id_words
from matcher.keys import SiteKeys
from matcher.paging import paged
from matcher.records import decode_message
from matcher.store import FeatureStore
from matcher.tracklet import Tracklet

PIECE = 48
"""Bytes of a feature or an image that are searched for."""

CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Traces:
    """What a person leaves in a store, to be searched for later.

    Attributes:
        pieces: Of features and thumbnails.
        names: Ids of the identity and of its tracklets.
        num_features: Features from which pieces come.
        num_thumbnails: Images from which pieces come.
    """

    pieces: frozenset[bytes]
    names: frozenset[str]
    num_features: int
    num_thumbnails: int


@dataclass(frozen=True, slots=True)
class Residue:
    """What was searched and found.

    Attributes:
        num_places: Keys or files.
        num_bytes: In them.
        found: What was found and where, a line each; empty is what is wanted.
    """

    num_places: int
    num_bytes: int
    found: tuple[str, ...]


class ResidueSearch:
    """Searches one site's keys."""

    def __init__(self, url: str, site: str) -> None:
        """Connects at the first call.

        Raises:
            StoreError: The URL cannot be used.
        """
        self._connection = Connection(url)
        self._keys = SiteKeys(site)

    def traces(self, store: FeatureStore, identity_id: str) -> Traces:
        """What an identity leaves now, in records and in messages that wait or were applied.

        Raises:
            StoreError: The store cannot be used now.
        """
        identity_id = store.resolve(identity_id)
        tracklet_ids = {s.tracklet_id for s in store.sightings(identity_id)}
        features = {_feature(t) for t in store.tracklets(identity_id).values()}
        images = {image for name in tracklet_ids for image in store.thumbnails(name)}
        for tracklet in self._messages():
            if tracklet.tracklet_id in tracklet_ids:
                features.add(_feature(tracklet))
                images.update(tracklet.thumbnails)
        return Traces(
            pieces=frozenset(
                [telling(data) for data in features]
                + [telling(image[len(image) // 2 :]) for image in images]
            ),
            names=frozenset((identity_id, *store.links.leading_to(identity_id), *tracklet_ids)),
            num_features=len(features),
            num_thumbnails=len(images),
        )

    def keys(self, traces: Traces) -> Residue:
        """Searches every key of the site; the list of forgotten ids may hold the ids.

        Raises:
            StoreError: The store cannot be used now.
        """
        words = id_words(traces.names)
        num_keys = num_bytes = 0
        found: list[str] = []
        for page in paged(self._all_keys(), 64):
            kinds = self._connection.execute_all([("TYPE", key) for key in page])
            for key, kind in zip(page, kinds, strict=True):
                num_keys += 1
                for data in self._content(key, kind):
                    num_bytes += len(data)
                    found += [f"{what} in the key {key}" for what in _found(data, traces, words)]
        return Residue(num_keys, num_bytes, tuple(dict.fromkeys(found)))

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _messages(self) -> Iterator[Tracklet]:
        for key in (self._keys.tracklets, self._keys.dead_letters):
            for fields in self._entries(key):
                try:
                    message = decode_message(fields[-1])
                except RecordError:
                    continue
                if isinstance(message, Tracklet):
                    yield message

    def _all_keys(self) -> Iterator[str]:
        seen: set[str] = set()
        for pattern in self._keys.patterns:
            cursor = "0"
            while True:
                reply = self._connection.execute("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
                cursor = reply[0].decode()
                for key in map(bytes.decode, reply[1]):
                    if key not in seen:
                        seen.add(key)
                        yield key
                if cursor == "0":
                    break

    def _content(self, key: str, kind: bytes) -> Iterator[bytes]:
        """All that a key holds, its name first."""
        yield key.encode()
        if key == self._keys.forgotten:
            return
        if kind == b"stream":
            for fields in self._entries(key):
                if not _is_fact(fields[-1]):
                    yield from fields
            return
        command = _READ.get(kind)
        if command is not None:
            reply = self._connection.execute(*command(key))
            yield from [] if reply is None else [reply] if isinstance(reply, bytes) else reply

    def _entries(self, key: str) -> Iterator[list[bytes]]:
        start = "-"
        while rows := self._connection.execute("XRANGE", key, start, "+", "COUNT", 256):
            start = f"({rows[-1][0].decode()}"
            yield from (fields for _, fields in rows)


def search_files(folders: Iterable[Path], traces: Traces) -> Residue:
    """Searches the files below folders for features and thumbnails.

    Args:
        folders: Those that are missing are left out.
        traces: What is searched for.

    Raises:
        OSError: A file cannot be read.
    """
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    num_bytes = 0
    found: list[str] = []
    for path in files:
        try:
            for chunk in _chunks(path):
                num_bytes += len(chunk)
                found += [f"{what} in {path}" for what in _found(chunk, traces, None)]
        except FileNotFoundError:  # the server or a worker removed it meanwhile
            continue
    return Residue(len(files), num_bytes, tuple(dict.fromkeys(found)))


def telling(data: bytes) -> bytes:
    """The piece by which some bytes are recognised: that with the most different values.

    >>> list(telling(bytes(96) + bytes(range(48)))[:3])
    [0, 1, 2]
    """
    starts = range(0, max(len(data) - PIECE, 0) + 1, PIECE // 4)
    best = max(starts, key=lambda start: len(set(data[start : start + PIECE])))
    return data[best : best + PIECE]


def _feature(tracklet: Tracklet) -> bytes:
    return tracklet.feature.astype("<f2").tobytes()


def _found(data: bytes, traces: Traces, words: re.Pattern[bytes] | None) -> Iterator[str]:
    if any(piece in data for piece in traces.pieces):
        yield "a feature or thumbnail"
    if words is not None:
        for text in _texts(data):
            if (match := words.search(text)) is not None:
                yield f"the id {match[0].decode(errors='replace')}"


def _texts(data: bytes) -> Iterator[bytes]:
    """The texts in a record; of what is no record of ours all of it."""
    try:
        kind = kind_of(data)
        yield from _strings(unseal(next(k for k, name in KINDS.items() if name == kind), data))
    except RecordError:
        yield data


def _strings(value: object) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode()
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _is_fact(record: bytes) -> bool:
    """The record is the event that somebody was forgotten."""
    try:
        return kind_of(record) == KINDS[CORRECTION] and (
            decode_correction(record).kind == "forgotten"
        )
    except RecordError:
        return False


def _chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces that overlap by as much as is searched for."""
    with path.open("rb") as file:
        tail = b""
        while block := file.read(CHUNK):
            yield tail + block
            tail = (tail + block)[-PIECE:]


_READ: dict[bytes, Callable[[str], Command]] = {
    b"string": lambda key: ("GET", key),
    b"hash": lambda key: ("HGETALL", key),
    b"set": lambda key: ("SMEMBERS", key),
    b"zset": lambda key: ("ZRANGE", key, 0, -1),
}
