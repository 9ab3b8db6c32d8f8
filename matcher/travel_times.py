"""The travel times of a site, learned from links: who was seen there may come here, and when.

For two cameras and a span of time between leaving one and entering the other it is counted how
many known people were away for so long (`met`), and how many of them were the one who came
(`links`). The share of links among those who were met is the probability, before any look at the
person, that a known one is the one who comes. So it holds both the travel time and how many others
it might be.

A share of a pair of cameras leans on that of the whole site while little is known of the pair
(links as Poisson counts, their rate with a gamma prior around the site's), and that of the site on
even odds. What speaks for a link is believed if the crops alone make it likely, so that travel
times do not teach themselves; wrong links are forgotten like all others after some days.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.aging_counts import AgingCounts, Counts
from matcher.decision import Decision
from matcher.last_seen import LastSeen
from matcher.presence import OPEN_FOR_S, Presence

Floats = npt.NDArray[np.float64]

NUM_SPANS = 36
_STARTS_S = (0.0, *(2.0 ** (half / 2) for half in range(-1, NUM_SPANS - 3)))
"""Spans of time: at most 0 s (views overlap), up to 0.7 s, then half octaves, the last over 18 h;
where all but the first begin."""

_SPANS_OF_VISIT = bisect_left(_STARTS_S, 3600.0)
_SHARES = (0.1, 0.5, 0.9)

_BAND = 9
"""Spans that are pooled to see whether a way is taken at all: a factor of 23 in time."""

_DOUBT = 2.0
"""So many links, and as many others, are added to the site's counts: even odds at the beginning."""

_LEAN = 3.0
"""A pair's share is its own rather than the site's from so many expected links on."""

_LEAST_ODDS = 1e-4
"""What was never seen is unlikely, not impossible."""

_EXACT = 2000
"""Known people up to which all are counted at each arrival; of more, a sample of the arrivals."""


@dataclass(frozen=True, slots=True)
class LearnedWay:
    """What was learned of the way from one camera to another.

    Attributes:
        num_links: Links that teach it, of people who came within an hour.
        num_returns: Links of people who came later: another visit, whatever way they took.
        low_s: One in ten of those who came within an hour took less; None: nobody did.
        median_s: Half took less; 0: views overlap; None: nobody did.
        high_s: One in ten took longer; None: nobody did.
    """

    num_links: int
    num_returns: int
    low_s: float | None
    median_s: float | None
    high_s: float | None


class TravelTimes:
    """Links and meetings of the last days by camera, camera and span of time; memory is bounded.

    After `learn`, `refresh` comes before `odds` is asked again.

    Args:
        camera_ids: All cameras of the site; others are ignored.
    """

    def __init__(self, camera_ids: Collection[str]) -> None:
        self._number = {camera_id: number for number, camera_id in enumerate(sorted(camera_ids))}
        num = len(self._number)
        self._links = AgingCounts((num, num, NUM_SPANS))
        self._met = AgingCounts((num, num, NUM_SPANS))
        self._last_seen = LastSeen()
        self._site_shares: tuple[Floats, Floats] | None = None
        self._odds: dict[tuple[int, int], list[float]] = {}

    def learn(self, decision: Decision, *, is_sure: bool) -> None:
        """Takes the final decision of a tracklet, in order of decision.

        Args:
            decision: Of any camera.
            is_sure: It is a link that teaches.
        """
        camera = self._number.get(decision.camera_id)
        if camera is None:
            return
        self._meet(decision, camera)
        before = self._last_seen.of(decision.identity_id)
        if is_sure and before is not None and before[1] < decision.started_at:
            span = _span(decision.started_at - before[2])
            self._links.add(decision.decided_at, (before[0], camera, span))
        self._last_seen.note(decision.identity_id, camera, decision.started_at, decision.ended_at)

    def refresh(self, now: float) -> None:
        """Lets hold what was learned, and forgets what is too old, by stream time."""
        self._links.advance(now)
        self._met.advance(now)
        self._site_shares = None
        self._odds.clear()

    def odds(self, first: Presence, second: Presence) -> float:
        """Factor in (0, 1] on the odds that the next who comes is the one who left.

        Args:
            first: The one that began earlier; nothing is known of the person since.
            second: The other.
        """
        try:
            pair = self._number[first.camera_id], self._number[second.camera_id]
        except KeyError:
            return 1.0
        gap_s = second.started_at - first.ended_at
        if not first.is_final and gap_s < OPEN_FOR_S:
            gap_s = 0.0  # as far as is known still there
        known = self._odds.get(pair)
        if known is None:
            known = self._odds[pair] = self._odds_of(*pair)
        return known[_span(gap_s)]

    def way(self, one: str, other: str) -> LearnedWay | None:
        """What is known of the way from one camera to another; None: no link teaches it."""
        links = self._links.total[self._number[one], self._number[other]]
        within, later = links[:_SPANS_OF_VISIT], links[_SPANS_OF_VISIT:]
        if not links.any():
            return None
        quantiles = [_quantile_s(within, share) if within.any() else None for share in _SHARES]
        return LearnedWay(int(within.sum()), int(later.sum()), *quantiles)

    def fold(self, identity_id: str, into_id: str) -> None:
        """Makes one of two identities, as a correction did."""
        self._last_seen.fold(identity_id, into_id)

    def forget(self, identity_ids: Collection[str]) -> None:
        """Forgets when identities were seen; counts hold nothing of anybody."""
        self._last_seen.drop(identity_ids)

    def expire(self, before: float) -> None:
        """Forgets identities that were seen last before a moment."""
        self._last_seen.expire(before)

    def _meet(self, decision: Decision, camera: int) -> None:
        """Counts who might have come instead."""
        every = 1 + len(self._last_seen) // _EXACT
        # By name, not by chance or turn: the same after a restart.
        if zlib.crc32(decision.tracklet_id.encode()) % every:
            return
        cameras, ends = self._last_seen.before(decision.started_at)
        places = cameras * NUM_SPANS + _spans(decision.started_at - ends)
        counts = np.bincount(places, minlength=len(self._number) * NUM_SPANS)
        met = np.flatnonzero(counts)
        place = (met // NUM_SPANS, np.full(len(met), camera), met % NUM_SPANS)
        self._met.add(decision.decided_at, place, counts[met] * every)

    def _odds_of(self, one: int, other: int) -> list[float]:
        if self._site_shares is None:
            self._site_shares = _site_shares(self._links.total, self._met.total)
        site = self._site_shares[one == other]
        shares = pair_shares(self._links.total[one, other], self._met.total[one, other], site)
        odds: list[float] = np.clip(shares / (1 - shares), _LEAST_ODDS, 1.0).tolist()
        return odds


def site_shares(links: Counts, met: Counts) -> Floats:
    """Share of links among meetings, by span, both (S,); a half where nothing is known.

    >>> site_shares(np.zeros(3, np.int64), np.array([0, 0, 12])).round(2).tolist()
    [0.5, 0.29, 0.15]
    """
    return (_smoothed(links) + _DOUBT) / (_smoothed(met) + 2 * _DOUBT)


def pair_shares(links: Counts, met: Counts, site: Floats) -> Floats:
    """Share of links among the meetings of a pair of cameras, by span, all (S,), below 1."""
    expected = met * site
    starts = range(0, len(links), _BAND)
    in_band = np.add.reduceat(links, starts), np.add.reduceat(expected, starts)
    band = np.repeat((in_band[0] + _LEAN) / (in_band[1] + _LEAN), _BAND)[: len(links)]
    rate = (_smoothed(links) + _LEAN * band) / (_smoothed(expected) + _LEAN)
    return np.clip(site * rate, 0.0, 0.999)


def _site_shares(links: Counts, met: Counts) -> tuple[Floats, Floats]:
    """Shares of two different cameras, and of one."""
    is_one = np.eye(len(links), dtype=bool)
    return (
        site_shares(links[~is_one].sum(axis=0), met[~is_one].sum(axis=0)),
        site_shares(links[is_one].sum(axis=0), met[is_one].sum(axis=0)),
    )


def _smoothed(counts: npt.NDArray[np.number]) -> Floats:
    """(S,) half of each count, a quarter of its neighbours'; at the ends the count itself twice."""
    wide = np.concatenate([counts[:1], counts, counts[-1:]]).astype(np.float64)
    return 0.25 * wide[:-2] + 0.5 * wide[1:-1] + 0.25 * wide[2:]


def _span(gap_s: float) -> int:
    """Number of the span that a time lies in.

    >>> [_span(gap_s) for gap_s in (-3.0, 0.2, 1.0, 1.5, 60.0, 1e9)]
    [0, 1, 2, 4, 14, 35]
    """
    return bisect_left(_STARTS_S, gap_s)


def _spans(gaps_s: Floats) -> npt.NDArray[np.intp]:
    """(N,) numbers of the spans, as `_span` gives them."""
    return np.searchsorted(_STARTS_S, gaps_s, side="left")


def _quantile_s(links: Counts, share: float) -> float:
    """Seconds that a share of the links stays under; evenly spread within a span."""
    until = np.cumsum(links)
    wanted = share * until[-1]
    span = int(np.searchsorted(until, wanted, side="left"))
    if span == 0:
        return 0.0
    inside = (wanted - (until[span] - links[span])) / links[span]
    start_s = _STARTS_S[span - 1]
    end_s = _STARTS_S[min(span, NUM_SPANS - 2)]
    return float(start_s + inside * (end_s - start_s))
