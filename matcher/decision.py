"""The decision: to which identity one version of a tracklet was linked, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from matcher.reasons import Reasons


@dataclass(frozen=True, slots=True)
class Decision:
    """What the matcher decided of one tracklet version.

    The event stream keeps it, so there is no biometric data in it. A later version of a decided
    tracklet repeats the figures of the decision that placed it, with its own version, interval and
    `decided_at`.

    Attributes:
        tracklet_id: Which track.
        version: Which version of it.
        camera_id: Where.
        started_at: From when, Unix seconds.
        ended_at: Until when, as far as this version says.
        is_final: No later version follows.
        identity_id: Who: ``P1``, ``P2``, … in order of founding.
        is_new: This very decision founded the identity.
        is_first: No earlier version of this tracklet was decided.
        similarity: Cosine to the identity's nearest exemplar, in [-1, 1]; None for the founding
            tracklet.
        probability: That this is the identity's person: calibrated, times the travel-time prior; of
            a founding tracklet, that no known identity is this person. In [0, 1].
        runner_up_id: The next best identity that was possible; None if there was none.
        runner_up_probability: Its probability; None if there was none.
        decided_at: Stream time of the decision: end of the window.
        reasons: What else spoke for it; None where a later version repeats a decision, or where it
            was not kept. Two decisions are equal whatever their reasons.
    """

    tracklet_id: str
    version: int
    camera_id: str
    started_at: float
    ended_at: float
    is_final: bool
    identity_id: str
    is_new: bool
    is_first: bool
    similarity: float | None
    probability: float
    runner_up_id: str | None
    runner_up_probability: float | None
    decided_at: float
    reasons: Reasons | None = field(default=None, compare=False)

    @property
    def is_ambiguous(self) -> bool:
        """It may as well be the runner-up; see `is_ambiguous`."""
        return is_ambiguous(self.probability, self.runner_up_probability)


def is_ambiguous(probability: float, runner_up_probability: float | None) -> bool:
    """The odds of what was decided are at most `CLEAR` times those of the runner-up.

    Of somebody new: a known identity has more than a third of the odds of being the one.

    Args:
        probability: Of what was decided.
        runner_up_probability: None if there was no runner-up.

    Example:
        >>> is_ambiguous(0.95, 0.9), is_ambiguous(0.99, 0.5), is_ambiguous(1.0, 1.0)
        (True, False, True)
    """
    if runner_up_probability is None:
        return False
    # Odds compared without a division, so that certainty needs no special case.
    decided = probability * (1 - runner_up_probability)
    return decided <= CLEAR * runner_up_probability * (1 - probability)


CLEAR = 9.0
"""A decision is clear if it is over so many times as likely as the runner-up, of the two."""
