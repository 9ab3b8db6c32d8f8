"""The linking of one window: new tracklets are joined to identities, all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from matcher.assignment import assign, cohorts, gains
from matcher.candidates import Candidates, Option, Rules, Subject, identity_order
from matcher.decision import Decision
from matcher.roster import Roster
from matcher.topology import Topology
from matcher.tracklet import Tracklet


def linked(
    tracklet: Tracklet, choice: Option, options: Sequence[Option], decided_at: float
) -> Decision:
    """The decision that links a tracklet, decided for the first time, to one of its options."""
    runner_up = next((o for o in options if o.identity_id != choice.identity_id), None)
    return Decision(
        tracklet_id=tracklet.tracklet_id,
        version=tracklet.version,
        camera_id=tracklet.camera_id,
        started_at=tracklet.started_at,
        ended_at=tracklet.ended_at,
        is_final=tracklet.is_final,
        identity_id=choice.identity_id,
        is_new=False,
        is_first=True,
        similarity=choice.similarity,
        probability=choice.probability,
        runner_up_id=None if runner_up is None else runner_up.identity_id,
        runner_up_probability=None if runner_up is None else runner_up.probability,
        decided_at=decided_at,
    )


def founded(
    tracklet: Tracklet, identity_id: str, options: Sequence[Option], decided_at: float
) -> Decision:
    """The decision that a tracklet is of none of its options, and founds an identity."""
    best = max((option.probability for option in options), default=0.0)
    decision = linked(tracklet, Option(identity_id, 0.0, 1.0 - best), options, decided_at)
    return replace(decision, similarity=None, is_new=True)


class WindowLinker:
    """Links the new tracklets of one window and space, and founds identities for the rest.

    Each round assigns one-to-one within every group of tracklets that cannot be one person. A link
    makes its identity better known, so rounds go on as long as there are links; then the best
    remaining tracklet founds an identity, and the others are compared with that one too. So a
    person whom several cameras see for the first time in the same window gets one identity.

    Args:
        roster: Who is known; it learns of every decision.
        topology: Of the site.
        rules: Of the space.
        new_identity: Gives the next identity id.
    """

    def __init__(
        self,
        roster: Roster,
        topology: Topology,
        rules: Rules,
        new_identity: Callable[[], str],
    ) -> None:
        self._roster = roster
        self._topology = topology
        self._rules = rules
        self._new_identity = new_identity

    def link(self, tracklets: Sequence[Tracklet], decided_at: float) -> list[Decision]:
        """Decides all tracklets, in an order that depends on them only.

        Args:
            tracklets: New ones of one space, ordered by tracklet id.
            decided_at: Stream time of the decision.
        """
        waiting = {t.tracklet_id: Subject.of(t) for t in tracklets}
        candidates = Candidates(waiting.values(), self._roster, self._rules)
        groups = [
            [tracklet.tracklet_id for tracklet in group]
            for group in cohorts(tracklets, self._topology)
        ]
        decisions: list[Decision] = []
        while waiting:
            num_before = len(decisions)
            for group in groups:
                subjects = [waiting[i] for i in group if i in waiting]
                for decision in self._linked(subjects, candidates, decided_at):
                    self._place(waiting, candidates, decision)
                    decisions.append(decision)
            if len(decisions) == num_before:
                decision = self._founded(list(waiting.values()), candidates, decided_at)
                self._place(waiting, candidates, decision)
                decisions.append(decision)
        return decisions

    def _linked(
        self, subjects: Sequence[Subject], candidates: Candidates, decided_at: float
    ) -> list[Decision]:
        """The best links of subjects that cannot be the same person, one-to-one."""
        likely = {s.tracklet_id: candidates.likely(s.tracklet_id) for s in subjects}
        rows = [subject for subject in subjects if likely[subject.tracklet_id]]
        names = {option.identity_id for options in likely.values() for option in options}
        columns = sorted(names, key=identity_order)
        place = {identity_id: column for column, identity_id in enumerate(columns)}
        choices: list[dict[int, Option]] = [
            {place[o.identity_id]: o for o in likely[row.tracklet_id]} for row in rows
        ]
        probabilities = np.zeros((len(rows), len(columns)))
        for row, by_column in enumerate(choices):
            for column, option in by_column.items():
                probabilities[row, column] = option.probability
        return [
            linked(
                rows[row].tracklet,
                choices[row][column],
                candidates.options(rows[row].tracklet_id),
                decided_at,
            )
            for row, column in assign(gains(probabilities, self._rules.least_probability))
        ]

    def _founded(
        self, subjects: Sequence[Subject], candidates: Candidates, decided_at: float
    ) -> Decision:
        """A new identity for the subject with the best crops."""
        best = min(subjects, key=lambda s: (-s.tracklet.quality, s.tracklet_id))
        return founded(
            best.tracklet, self._new_identity(), candidates.options(best.tracklet_id), decided_at
        )

    def _place(
        self, waiting: dict[str, Subject], candidates: Candidates, decision: Decision
    ) -> None:
        """Lets the roster know, and looks again at whom it concerns."""
        subject = waiting.pop(decision.tracklet_id)
        candidates.drop(decision.tracklet_id)
        self._roster.put(subject.member(decision))
        self._roster.refresh()
        candidates.changed(decision.identity_id)
