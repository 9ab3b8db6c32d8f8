"""How the matcher is set, and what it has done: plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """How careful and how thorough linking is; see `MatcherSettings`.

    Attributes:
        window_s: Tracklets emitted within so much stream time are decided together, > 0.
        false_match_rate: Sets the least probability of a link where `min_probability` is None, in
            (0, 1).
        min_probability: Least probability of a link, in [0, 1].
        candidates: Nearest exemplars that are looked at per tracklet, >= 1.
        exemplars_per_camera: Features kept per identity and camera, >= 1.
        corrections: Merge and split identities when later evidence says so.
        learn: Learn travel times, and how alike people are, from the site's own tracklets.
    """

    window_s: float = 0.5
    false_match_rate: float = 0.01
    min_probability: float | None = None
    candidates: int = 50
    exemplars_per_camera: int = 4
    corrections: bool = False
    learn: bool = False


@dataclass(frozen=True, slots=True)
class MatchStats:
    """What happened so far, as counts since the start of the process.

    Attributes:
        num_decided: Tracklet versions that were decided.
        num_moved: Decisions that gave a decided tracklet another identity.
        num_identities: Identities known now.
        num_duplicates: Versions that were pending or decided already.
        num_outdated: Versions that were dropped, as a later one is decided or in the same window.
        num_late: Versions that arrived after their window had been decided.
        refused: Refused tracklets by reason: ``unknown camera``, ``time`` (none that can be),
            ``clock ahead`` (of all other cameras), ``feature length``, ``space changed``.
    """

    num_decided: int
    num_moved: int
    num_identities: int
    num_duplicates: int
    num_outdated: int
    num_late: int
    refused: dict[str, int]
