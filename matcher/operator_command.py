"""The operator's command: a correction that somebody wants, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from matcher.connection import Command
from matcher.envelope import ANSWER, COMMAND, seal, unseal
from matcher.errors import RecordError
from matcher.keys import SiteKeys

CommandKind = Literal["merge", "split", "confirm", "separate", "undo", "forget"]

ANSWER_S = 86400.0
"""An answer is kept this long; the same command is not carried out again until then."""


@dataclass(frozen=True, slots=True)
class OperatorCommand:
    """A correction that somebody wants.

    Attributes:
        command_id: Unlike any other's; it is carried out once, however often it is sent.
        kind: What to do.
        ids: ``merge``: the identity that ends, and the one it becomes part of; ``split`` and
            ``confirm``: an identity, then tracklets; ``separate``: two identities or tracklets;
            ``undo``: the number of an event; ``forget``: an identity.
        by: The user.
        why: The reason, in words.
        asked_at: Unix seconds.
        is_forced: Even against what place and time allow.
    """

    command_id: str
    kind: CommandKind
    ids: tuple[str, ...]
    by: str
    why: str
    asked_at: float
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command.

    Attributes:
        number: Of the event that carried it out; None if it was refused.
        refusal: Why it was refused; empty if it was not.
    """

    number: int | None
    refusal: str = ""


def encode_command(command: OperatorCommand) -> bytes:
    """The bytes of a command."""
    return seal(
        COMMAND,
        [
            command.command_id,
            command.kind,
            list(command.ids),
            command.by,
            command.why,
            command.asked_at,
            command.is_forced,
        ],
    )


def decode_command(record: bytes) -> OperatorCommand:
    """A command.

    Raises:
        RecordError: The bytes are no command.
    """
    command_id, kind, ids, by, why, asked_at, is_forced = unseal(COMMAND, record, 7)
    if not isinstance(ids, list):
        raise RecordError("an operator command names nobody")
    return OperatorCommand(command_id, kind, tuple(ids), by, why, asked_at, is_forced)


def answer_command(keys: SiteKeys, command_id: str, answer: Answer) -> Command:
    """What keeps an answer for whoever asks."""
    record = seal(ANSWER, [answer.number, answer.refusal])
    return "SET", keys.answer(command_id), record, "PX", round(ANSWER_S * 1000)


def decode_answer(record: bytes) -> Answer:
    """An answer.

    Raises:
        RecordError: The bytes are no answer.
    """
    return Answer(*unseal(ANSWER, record, 2))
