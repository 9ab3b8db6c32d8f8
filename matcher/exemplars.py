"""The exemplars: which few features stand for an identity in each camera."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.decision import Decision
from matcher.similarity import HalfFeature

_TOO_ALIKE = 0.95
"""A feature this similar to a better one adds nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A tracklet of an identity, as far as later decisions need it.

    Attributes:
        decision: The latest of this tracklet.
        feature: (D,) float16, of that version.
        quality: In [0, 1].
        space: Of the feature.
    """

    decision: Decision
    feature: HalfFeature
    quality: float
    space: str


def choose_exemplars(
    members: Sequence[Member],
    *,
    per_camera: int,
    least_similarity: float,
    confirmed: Collection[str] = (),
) -> list[Member]:
    """The members whose features stand for their identity.

    Of each camera the best by quality that are not almost the same as a better one. A member that
    is unlike all others (its track may have moved on to somebody else) is left out; if all are, the
    one that began first remains. The order of `members` does not matter.

    Args:
        members: Of one identity; N = 0 gives none.
        per_camera: Most of one camera, >= 1.
        least_similarity: A member's similarity to one of the others, if it is to be believed.
        confirmed: Tracklets that are believed and preferred, as an operator vouched for them.
    """
    if len(members) < 2:
        return list(members)
    in_order = sorted(members, key=lambda m: (m.decision.started_at, m.decision.tracklet_id))
    alike = _alike(in_order)
    is_sure = np.array([member.decision.tracklet_id in confirmed for member in in_order])
    best_first = sorted(
        np.flatnonzero(_supported(alike, least_similarity) | is_sure),
        key=lambda row: (
            not is_sure[row],
            -in_order[row].quality,
            in_order[row].decision.tracklet_id,
        ),
    )
    taken: dict[str, list[int]] = {}
    for row in best_first:
        rows = taken.setdefault(in_order[row].decision.camera_id, [])
        if len(rows) < per_camera and all(alike[row, other] < _TOO_ALIKE for other in rows):
            rows.append(int(row))
    return [in_order[row] for camera_id in sorted(taken) for row in taken[camera_id]]


def _alike(members: Sequence[Member]) -> npt.NDArray[np.float32]:
    """(N, N) cosines."""
    features = np.stack([member.feature for member in members]).astype(np.float32)
    return np.asarray(features @ features.T)


def _supported(alike: npt.NDArray[np.float32], least: float) -> npt.NDArray[np.bool_]:
    """(N,) which are like at least one other; if none is, the first stands alone."""
    others = alike.copy()
    np.fill_diagonal(others, -np.inf)
    supported = np.asarray(others.max(axis=1) >= least)
    if not supported.any():
        supported[0] = True
    return supported
