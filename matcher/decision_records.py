"""One window's decisions as versioned bytes: what an event of the store holds."""

from __future__ import annotations

from collections.abc import Sequence

from matcher.decision import Decision
from matcher.envelope import DECISIONS, seal, unseal
from matcher.errors import RecordError
from matcher.reasons import pack_reasons, unpack_reasons


def encode_decisions(decisions: Sequence[Decision]) -> bytes:
    """The bytes of one window's decisions, in their order; no biometric data."""
    return seal(
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
                pack_reasons(decision.reasons),
            ]
            for decision in decisions
        ],
    )


def decode_decisions(record: bytes) -> tuple[Decision, ...]:
    """The decisions of one window.

    Raises:
        RecordError: The bytes are no decisions.
    """
    rows = unseal(DECISIONS, record)
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
                reasons=unpack_reasons(row[14]) if len(row) > 14 else None,
            )
            for row in rows
        )
    except (IndexError, TypeError) as error:
        raise RecordError("decisions hold what they cannot") from error
