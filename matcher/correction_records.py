"""A correction as versioned bytes: the other thing that an event of the store holds."""

from __future__ import annotations

from matcher.correction import Alias, Constraint, Correction, Effects, Move
from matcher.envelope import CORRECTION, seal, unseal
from matcher.errors import RecordError


def encode_correction(correction: Correction) -> bytes:
    """The bytes of a correction."""
    effects = correction.effects
    return seal(
        CORRECTION,
        [
            correction.kind,
            list(correction.subject_ids),
            correction.by,
            correction.why,
            correction.made_at,
            correction.is_automatic,
            correction.command_id,
            correction.undoes,
            correction.similarity,
            correction.probability,
            [[m.tracklet_id, m.from_id, m.to_id] for m in effects.moves],
            [[a.identity_id, a.into_id] for a in effects.merged],
            [[a.identity_id, a.into_id] for a in effects.parted],
            [[c.kind, c.one, c.other] for c in effects.imposed],
            [[c.kind, c.one, c.other] for c in effects.lifted],
        ],
    )


def decode_correction(record: bytes) -> Correction:
    """A correction.

    Raises:
        RecordError: The bytes are no correction.
    """
    body = unseal(CORRECTION, record, 15)
    try:
        return Correction(
            kind=body[0],
            subject_ids=tuple(body[1]),
            by=body[2],
            why=body[3],
            made_at=body[4],
            is_automatic=body[5],
            command_id=body[6],
            undoes=body[7],
            similarity=body[8],
            probability=body[9],
            effects=Effects(
                moves=tuple(Move(*row) for row in body[10]),
                merged=tuple(Alias(*row) for row in body[11]),
                parted=tuple(Alias(*row) for row in body[12]),
                imposed=tuple(Constraint(*row) for row in body[13]),
                lifted=tuple(Constraint(*row) for row in body[14]),
            ),
        )
    except TypeError as error:
        raise RecordError("a correction holds what it cannot") from error
