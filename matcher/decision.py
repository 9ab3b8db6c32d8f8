"""The decision: to which identity one version of a tracklet was linked, and why."""

from __future__ import annotations

from dataclasses import dataclass


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
