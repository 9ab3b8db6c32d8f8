"""The reasons: what spoke for a decision, besides its similarity and probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from matcher.errors import RecordError


class LikeExemplar(NamedTuple):
    """An exemplar that a tracklet was compared with."""

    tracklet_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Reasons:
    """What spoke for the decision that placed a tracklet.

    Attributes:
        threshold: Least probability of a link that was in force, in [0, 1].
        odds: Factor on the odds that place and time gave the chosen identity; 1 changes nothing.
        travel_s: Seconds from the end of its sighting before; negative where views overlap; None
            if it had none.
        travelled_from: That sighting's tracklet; None if it had none.
        exemplars: The identity's most alike exemplars, best first; of a founding decision those of
            the runner-up.
        runner_up_similarity: To the runner-up's nearest exemplar; None if there was no runner-up.
    """

    threshold: float
    odds: float = 1.0
    travel_s: float | None = None
    travelled_from: str | None = None
    exemplars: tuple[LikeExemplar, ...] = ()
    runner_up_similarity: float | None = None


def pack_reasons(reasons: Reasons | None) -> list[Any] | None:
    """As part of a record."""
    if reasons is None:
        return None
    return [
        reasons.threshold,
        reasons.odds,
        reasons.travel_s,
        reasons.travelled_from,
        [list(exemplar) for exemplar in reasons.exemplars],
        reasons.runner_up_similarity,
    ]


def unpack_reasons(packed: list[Any] | None) -> Reasons | None:
    """From a part of a record.

    Raises:
        RecordError: It holds no reasons.
    """
    if packed is None:
        return None
    try:
        threshold, odds, travel_s, travelled_from, exemplars, runner_up_similarity = packed
        return Reasons(
            threshold=threshold,
            odds=odds,
            travel_s=travel_s,
            travelled_from=travelled_from,
            exemplars=tuple(LikeExemplar(*exemplar) for exemplar in exemplars),
            runner_up_similarity=runner_up_similarity,
        )
    except (TypeError, ValueError) as error:
        raise RecordError("reasons hold what they cannot") from error
