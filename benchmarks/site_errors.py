"""What went wrong, by what the matcher had to do: a broken track, a new view, a return after hours.

Each tracklet asks one question, named after the tracklet of the same person before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.site_simulator import SimulatedSite
from benchmarks.site_tracklets import TrueTracklet

QUESTIONS = (
    "first of a person",
    "rest of a broken track",
    "next camera, view seen before",
    "next camera, new view",
    "return, view seen before",
    "return, new view",
    "(of all: with a wrong crop)",
    "(of all: with a companion)",
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of the tracklets that asked one question, as shares in [0, 1].

    Attributes:
        question: One of `QUESTIONS`.
        num: Tracklets.
        right: Linked to the person, or new where the person was.
        split: New, or alone, where the person was known.
        wrong: Linked to somebody else.
    """

    question: str
    num: int
    right: float
    split: float
    wrong: float


def answers(site: SimulatedSite, identities: Mapping[str, str]) -> list[Answers]:
    """How each question was answered.

    An identity is of whom it holds most of (of equals the one seen first), and a person's own
    identities are all those.

    Args:
        site: The tracklets.
        identities: By tracklet id.
    """
    in_order = sorted(site.tracklets, key=lambda t: (t.final.started_at, t.final.tracklet_id))
    owner = _owners(in_order, identities)
    outcomes: dict[str, Counter[str]] = {question: Counter() for question in QUESTIONS}
    met: set[tuple[int, str]] = set()
    known: dict[int, list[TrueTracklet]] = {}
    for tracklet in in_order:
        identity = identities[tracklet.final.tracklet_id]
        before = known.setdefault(tracklet.person, [])
        outcome = "right"
        if owner[identity] != tracklet.person:
            outcome = "wrong"
        elif before and (tracklet.person, identity) not in met:
            outcome = "split"
        for question in _questions(tracklet, before):
            outcomes[question][outcome] += 1
        met.add((tracklet.person, identity))
        before.append(tracklet)
    return [_answers(question, outcomes[question]) for question in QUESTIONS]


def mean_answers(sites: Sequence[Sequence[Answers]]) -> list[Answers]:
    """The answers over several sites, every tracklet counting once."""
    return [
        _answers(
            rows[0].question,
            Counter(
                {
                    outcome: sum(round(getattr(row, outcome) * row.num) for row in rows)
                    for outcome in ("right", "split", "wrong")
                }
            ),
        )
        for rows in zip(*sites, strict=True)
    ]


def answers_table(rows: Iterable[Answers]) -> str:
    """The answers as a Markdown table."""
    lines = ["| tracklet | num | right | split | wrong |", "|---|--:|--:|--:|--:|"]
    lines += [
        f"| {row.question} | {row.num} | {row.right:.1%} | {row.split:.1%} | {row.wrong:.1%} |"
        for row in rows
    ]
    return "\n".join(lines)


def _owners(in_order: Iterable[TrueTracklet], identities: Mapping[str, str]) -> dict[str, int]:
    holds: dict[str, Counter[int]] = {}
    for tracklet in in_order:
        holds.setdefault(identities[tracklet.final.tracklet_id], Counter())[tracklet.person] += 1
    return {identity: counts.most_common(1)[0][0] for identity, counts in holds.items()}


def _questions(tracklet: TrueTracklet, before: Sequence[TrueTracklet]) -> list[str]:
    asked = [_main_question(tracklet, before)]
    if tracklet.has_wrong_crop:
        asked.append("(of all: with a wrong crop)")
    if tracklet.companion is not None:
        asked.append("(of all: with a companion)")
    return asked


def _main_question(tracklet: TrueTracklet, before: Sequence[TrueTracklet]) -> str:
    if not before:
        return "first of a person"
    if before[-1].passage == tracklet.passage:
        return "rest of a broken track"
    come = "next camera" if before[-1].visit == tracklet.visit else "return"
    is_seen = any(earlier.view == tracklet.view for earlier in before)
    return f"{come}, {'view seen before' if is_seen else 'new view'}"


def _answers(question: str, outcomes: Counter[str]) -> Answers:
    num = outcomes.total()
    right, split, wrong = (
        outcomes[outcome] / max(1, num) for outcome in ("right", "split", "wrong")
    )
    return Answers(question, num, right, split, wrong)
