"""How well identities fit the truth, tracklet by tracklet.

Every tracklet is found, so what is left of the tracking figures is who is who: IDF1, IDP and IDR
are one figure here, and the detection part of HOTA is 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SiteScore:
    """Figures of one site; shares in [0, 1].

    Attributes:
        idf1: Share of the seconds in view that the best one-to-one pairing of people and
            identities gives to its person (Ristani et al. 2016); boxes at a constant rate would
            give the same.
        idf1_count: The same with every tracklet counting once.
        pair_precision: Pairs of tracklets of one identity that are of one person.
        pair_recall: Pairs of tracklets of one person that are of one identity.
        ass_a: Association accuracy of HOTA (Luiten et al. 2021), by seconds in view.
        identities_per_person: Identities for each person.
        switches: Of two tracklets of a person that follow each other, those whose identity differs.
    """

    idf1: float
    idf1_count: float
    pair_precision: float
    pair_recall: float
    ass_a: float
    identities_per_person: float
    switches: float


@dataclass(frozen=True, slots=True)
class LinkErrors:
    """Wrong links among decisions taken one after the other; shares in [0, 1].

    A link is wrong if most of what the identity held by then is of somebody else. It is a false
    match if the identity held nothing of the person at all; the other wrong links follow from an
    earlier false match: the person is found where they were put.

    Attributes:
        false_matches: False matches, of all tracklets.
        per_decision: Wrong links, of all tracklets.
        per_link: Wrong links, of all links: what is not new.
        per_comparison: False matches, of all comparisons of a tracklet with an identity that holds
            nothing of its person.
        missed: Tracklets that founded an identity though their person had one.
    """

    false_matches: float
    per_decision: float
    per_link: float
    per_comparison: float
    missed: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds, and half the width of its 95 % interval; None of one seed."""

    mean: float
    half_width: float | None


def score_site(persons: Integers, identities: Integers, seconds: Floats) -> SiteScore:
    """The figures of a site.

    Args:
        persons: (T,) true labels, in order of time; T >= 1.
        identities: (T,) numbers.
        seconds: (T,) how long each tracklet lasted, > 0.
    """
    _, person = np.unique(persons, return_inverse=True)
    _, identity = np.unique(identities, return_inverse=True)
    counts = _table(person, identity, np.ones(len(persons)))
    lengths = _table(person, identity, seconds)
    return SiteScore(
        idf1=_matched(lengths),
        idf1_count=_matched(counts),
        pair_precision=_pairs(counts) / max(1.0, _pairs(counts.sum(axis=0))),
        pair_recall=_pairs(counts) / max(1.0, _pairs(counts.sum(axis=1))),
        ass_a=_association(lengths),
        identities_per_person=counts.shape[1] / counts.shape[0],
        switches=_switches(person, identity),
    )


def link_errors(persons: Sequence[int], identities: Sequence[int]) -> LinkErrors:
    """The wrong links of a site.

    Args:
        persons: True labels, in the order of the decisions.
        identities: As they were decided then.
    """
    holds: dict[int, Counter[int]] = {}
    num_of: Counter[int] = Counter()  # identities that hold something of a person
    known: set[int] = set()
    false = wrong = links = missed = comparisons = 0
    for person, identity in zip(persons, identities, strict=True):
        comparisons += len(holds) - num_of[person]
        held = holds.setdefault(identity, Counter())
        if held:
            links += 1
            wrong += held.most_common(1)[0][0] != person
            false += held[person] == 0
        else:
            missed += person in known
        num_of[person] += held[person] == 0
        held[person] += 1
        known.add(person)
    num = max(1, len(persons))
    return LinkErrors(
        false_matches=false / num,
        per_decision=wrong / num,
        per_link=wrong / max(1, links),
        per_comparison=false / max(1, comparisons),
        missed=missed / num,
    )


def intervals(figures: Sequence[SiteScore | LinkErrors]) -> dict[str, Interval]:
    """Mean and 95 % interval (Student's t) of each figure over sites of different seeds."""
    rows = [asdict(each) for each in figures]
    names = [field.name for field in fields(figures[0])] if figures else []
    return {name: interval([row[name] for row in rows]) for name in names}


def interval(values: Sequence[float]) -> Interval:
    """Mean and half the 95 % interval of some values.

    Example:
        >>> interval([0.5, 0.7]).mean
        0.6
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, None)
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Interval(mean, float(student.ppf(0.975, len(values) - 1)) * error)


def _table(person: Integers, identity: Integers, weights: Floats) -> Floats:
    """(P, I) weight that each person has in each identity."""
    table = np.zeros((person.max() + 1, identity.max() + 1))
    np.add.at(table, (person, identity), weights)
    return table


def _matched(table: Floats) -> float:
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / table.sum())


def _pairs(counts: Floats) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _association(table: Floats) -> float:
    """Each cell's weight times its Jaccard index with its person and identity."""
    union = table.sum(axis=1)[:, None] + table.sum(axis=0)[None, :] - table
    jaccard = np.divide(table, union, out=np.zeros_like(table), where=union > 0)
    return float((table * jaccard).sum() / table.sum())


def _switches(person: Integers, identity: Integers) -> float:
    order = np.argsort(person, kind="stable")
    is_same_person = np.diff(person[order]) == 0
    is_switch = is_same_person & (np.diff(identity[order]) != 0)
    return float(is_switch.sum() / max(1, is_same_person.sum()))
