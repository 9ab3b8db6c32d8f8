from __future__ import annotations

import struct
import zlib

import msgpack
import pytest

from matcher.correction import Alias, Correction, Effects, Move, cannot, must
from matcher.correction_records import decode_correction, encode_correction
from matcher.decision import Decision
from matcher.decision_records import decode_decisions, encode_decisions
from matcher.envelope import CORRECTION, seal
from matcher.errors import RecordError
from matcher.operator_command import (
    Answer,
    OperatorCommand,
    decode_command,
    encode_command,
)
from matcher.reasons import LikeExemplar, Reasons
from matcher.records import decode_sighting, encode_sighting
from matcher.sighting import Sighting

REASONS = Reasons(0.9, 0.5, -3.0, "cam1-1-1", (LikeExemplar("cam1-1-1", 0.75),), 0.25)
CORRECTION_ = Correction(
    kind="merge",
    subject_ids=("P2", "P1"),
    by="ann",
    why="the same coat",
    made_at=12.5,
    effects=Effects(
        moves=(Move("cam1-1-1", "P2", "P1"),),
        merged=(Alias("P2", "P1"),),
        parted=(Alias("P3", "P4"),),
        imposed=(must("cam1-1-1", "P1"), cannot("P5", "P1")),
        lifted=(cannot("cam1-1-2", "P1"),),
    ),
    is_automatic=True,
    command_id="c1",
    undoes=7,
    similarity=0.5,
    probability=0.75,
)
DECISION = Decision(
    "cam1-1-2", 3, "cam1", 1.0, 2.0, True, "P1", False, True, 0.8, 0.95, "P2", 0.05, 3.0, REASONS
)


def old(kind: bytes, body: list[object]) -> bytes:
    """A record as version 1 of it was written."""
    packed: bytes = msgpack.packb(body, use_bin_type=True)
    return struct.pack("<2scBI", b"cX", kind, 1, zlib.crc32(packed)) + packed


def test_correction_comes_back() -> None:
    assert decode_correction(encode_correction(CORRECTION_)) == CORRECTION_


def test_every_id_of_a_correction_is_among_its_names() -> None:
    identities = {"P1", "P2", "P3", "P4", "P5"}
    assert CORRECTION_.names() == identities | {"cam1-1-1", "cam1-1-2"}


def test_effects_that_are_reversed_twice_are_themselves() -> None:
    effects = CORRECTION_.effects
    assert effects.reverse().reverse() == effects
    assert effects.reverse().moves == (Move("cam1-1-1", "P1", "P2"),)
    assert not Effects()


def test_damaged_correction_is_refused() -> None:
    with pytest.raises(RecordError, match="holds what it cannot"):
        decode_correction(seal(CORRECTION, [1] * 15))


def test_command_comes_back() -> None:
    command = OperatorCommand("c1", "split", ("P1", "cam1-1-1"), "ann", "why", 1.5, True)
    assert decode_command(encode_command(command)) == command
    assert Answer(None, "no").refusal == "no"


def test_reasons_come_back_with_decisions_and_sightings() -> None:
    (back,) = decode_decisions(encode_decisions([DECISION]))
    assert back == DECISION
    assert back.reasons == REASONS
    sighting = Sighting(
        *("P1", "cam1-1-2", "cam1", 1.0, 2.0, None, 0.9, "P2", 0.05, 3, True, 10, 2, 0.7),
        *(REASONS, 17, True),
    )
    assert decode_sighting(encode_sighting(sighting)) == sighting


def test_records_of_before_reasons_are_read() -> None:
    facts = ["P1", "cam1-1-2", "cam1", 1.0, 2.0, None, 0.9, "P2", 0.05, 3, True, 10, 2, 0.7]
    sighting = decode_sighting(old(b"S", [*facts]))
    assert (sighting.quality, sighting.reasons, sighting.corrected_by) == (0.7, None, None)
    assert not sighting.is_re_embedded
    row = ["cam1-1-2", 3, "cam1", 1.0, 2.0, True, "P1", False, True, 0.8, 0.95, "P2", 0.05, 3.0]
    (decision,) = decode_decisions(old(b"D", [row]))
    assert decision == DECISION
    assert decision.reasons is None
    with pytest.raises(RecordError, match="fields of version 1"):
        decode_sighting(old(b"S", [*facts, None, None, False, 1]))
