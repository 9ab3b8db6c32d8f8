"""The figures of identities against the truth: agreement, switches, and how soon they are right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from crosscam.scoring import Score, score
from crosscam.tracking_history import Placement
from crosscam.tracking_matches import Match, Stay, find_stays, match_boxes
from query.exports import BoxRow
from streams.synthetic_truth import TruthBox


@dataclass(frozen=True, slots=True)
class TrackingFigures:
    """How identities fit the true people of all cameras.

    Attributes:
        score: Global IDF1, HOTA and their parts.
        num_switches_within: Times that a person's identity changed while they were in one camera.
        num_switches_across: Times that a person came into a camera, or back into it, with another
            identity than they had when last seen.
    """

    score: Score
    num_switches_within: int
    num_switches_across: int

    @property
    def new_identities_per_person(self) -> float:
        """Identities for each true person; 0 without any."""
        return self.score.num_identities / max(1, self.score.num_people)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long after somebody came into view their right identity was known.

    The right identity of a person is the one that the best one-to-one pairing of all people and
    identities gives them, after all corrections (as for IDF1).

    Attributes:
        num_stays: Times that somebody came into a camera's view.
        num_right: Of these, how often the right identity was known at some time.
        median_s: Of those, seconds of stream time; None if there are none.
        p95_s: The same, exceeded by one of twenty.
    """

    num_stays: int
    num_right: int
    median_s: float | None
    p95_s: float | None


def tracking_figures(truth: Sequence[TruthBox], rows: Sequence[BoxRow]) -> TrackingFigures:
    """The figures of some boxes.

    Args:
        truth: True boxes of every frame of every camera.
        rows: Boxes of every frame.

    Raises:
        AppError: The package `trackeval` is not installed.
    """
    agreement = score(truth, rows)
    within, across = count_switches(find_stays(truth, match_boxes(truth, rows)))
    return TrackingFigures(agreement, within, across)


def count_switches(stays: Iterable[Stay]) -> tuple[int, int]:
    """Switches within the stays, and between a stay and what the person was before it.

    Args:
        stays: In order of their beginning.
    """
    within = across = 0
    known: dict[int, list[Match]] = defaultdict(list)
    for stay in stays:
        if not stay.matches:
            continue
        within += sum(a.identity_id != b.identity_id for a, b in pairwise(stay.matches))
        first = stay.matches[0]
        earlier = [m for m in known[stay.person_id] if m.timestamp <= first.timestamp]
        if earlier:
            latest = max(earlier, key=lambda m: m.timestamp)
            across += latest.identity_id != first.identity_id
        known[stay.person_id] += stay.matches
    return within, across


def at_emission(rows: Iterable[BoxRow], history: Iterable[Placement]) -> list[BoxRow]:
    """The boxes with the identity that was first decided for their tracklet.

    Args:
        rows: Boxes with the identities of now.
        history: In order; of tracklets whose first placement is no longer kept the identity stays.
    """
    first: dict[str, str] = {}
    for placement in history:
        if placement.is_first:
            first.setdefault(placement.tracklet_id, placement.identity_id)
    return [replace(r, identity_id=first.get(r.tracklet_id, r.identity_id)) for r in rows]


def latency(
    truth: Sequence[TruthBox], rows: Sequence[BoxRow], history: Iterable[Placement]
) -> Latency:
    """How soon people were known.

    Args:
        truth: True boxes.
        rows: Boxes with the identities of now.
        history: In order.
    """
    matches = match_boxes(truth, rows)
    stays = find_stays(truth, matches)
    right = _right_identities(matches)
    by_tracklet: dict[str, list[Placement]] = defaultdict(list)
    for placement in history:
        by_tracklet[placement.tracklet_id].append(placement)
    waits = [wait for stay in stays if (wait := _wait_s(stay, right, by_tracklet)) is not None]
    median_s, p95_s = np.percentile(waits, [50, 95]).tolist() if waits else (None, None)
    return Latency(len(stays), len(waits), median_s, p95_s)


def _right_identities(matches: Iterable[Match]) -> dict[int, str]:
    """The identity of each person by the best one-to-one pairing."""
    counts = Counter((match.person_id, match.identity_id) for match in matches)
    people = sorted({person_id for person_id, _ in counts})
    identities = sorted({identity_id for _, identity_id in counts})
    table = np.zeros((len(people), len(identities)))
    for (person_id, identity_id), count in counts.items():
        table[people.index(person_id), identities.index(identity_id)] = count
    chosen = linear_sum_assignment(table, maximize=True)
    return {
        people[row]: identities[column]
        for row, column in zip(*(c.tolist() for c in chosen), strict=True)
        if table[row, column] > 0
    }


def _wait_s(
    stay: Stay, right: Mapping[int, str], history: Mapping[str, Sequence[Placement]]
) -> float | None:
    """Seconds until one of the stay's tracklets had the right identity; None: never."""
    moments = [
        placement.at
        for tracklet_id in {match.tracklet_id for match in stay.matches}
        for placement in history.get(tracklet_id, ())
        if placement.identity_id == right.get(stay.person_id)
    ]
    return max(0.0, min(moments) - stay.started_at) if moments else None
