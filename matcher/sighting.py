"""The sighting: the stored fact that a tracklet belongs to an identity, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.reasons import Reasons


@dataclass(frozen=True, slots=True)
class Sighting:
    """One tracklet assigned to one identity.

    Attributes:
        identity_id: Who.
        tracklet_id: Which track.
        camera_id: Where.
        started_at: From when, Unix seconds.
        ended_at: Until when, as far as published.
        similarity: Cosine to the identity's nearest exemplar at the decision, in [-1, 1];
            None for the sighting that founded the identity.
        probability: That this is the identity's person: calibrated, times the travel-time prior;
            for a founding sighting, that no known identity is this person. In [0, 1].
        runner_up_id: The next best identity at the decision; None if there was none.
        runner_up_probability: Its probability; None if there was none.
        version: Version of the tracklet that is stored.
        is_final: The tracklet is complete.
        num_boxes: Boxes of the tracklet.
        num_thumbnails: Thumbnails of the tracklet.
        quality: Of the tracklet, in [0, 1].
        reasons: What else spoke for the decision; None if it was not kept.
        corrected_by: Number of the event by which the tracklet came to this identity, where that
            was a correction; `similarity` and the others tell of the decision before it.
        is_re_embedded: The stored feature was computed again from the thumbnails.
    """

    identity_id: str
    tracklet_id: str
    camera_id: str
    started_at: float
    ended_at: float
    similarity: float | None
    probability: float
    runner_up_id: str | None
    runner_up_probability: float | None
    version: int
    is_final: bool
    num_boxes: int
    num_thumbnails: int
    quality: float
    reasons: Reasons | None = None
    corrected_by: int | None = None
    is_re_embedded: bool = False
