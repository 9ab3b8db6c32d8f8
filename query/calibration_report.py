"""What a site's own tracklets say about similarities: of different people, and of linked ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.calibration import Calibration, CalibrationOf
from matcher.decision import Decision
from matcher.different_people import NUM_STEPS, DifferentPeople, quantile, step_of
from matcher.learner import learned
from matcher.site_calibration import ENOUGH_PAIRS, FEWEST_PAIRS, Reading, SiteCalibration
from matcher.topology import Topology
from matcher.tracklet import Tracklet

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairLine:
    """What is known of two cameras, of one, or of all.

    Attributes:
        cameras: For people: ``all``, or two names; one name for one camera.
        num_different: Pairs of people who are certainly different.
        median: Their median similarity; None: there are none.
        ten_percent: Similarity that one in ten of them reaches; None: there are none.
        threshold: Similarity from which a tracklet is linked at even odds of place and time.
        note: How far the data go.
    """

    cameras: str
    num_different: int
    median: float | None
    ten_percent: float | None
    threshold: float
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationReport:
    """What a site's tracklets of one space say.

    Attributes:
        space: The embedder's.
        false_match_rate: That is wanted.
        least_probability: Of a link, that follows from it.
        base: The calibration before anything was learned.
        site: With what was learned, for all cameras and by pair.
        different: (`NUM_STEPS`,) similarities of people who are certainly different, by step.
        linked: The same of links, to the nearest exemplar: what the matcher took for one person.
        confirmed: The same of those among them that an operator confirmed.
        lines: Of all pairs together, then of each pair with data.
    """

    space: str
    false_match_rate: float
    least_probability: float
    base: Calibration
    site: Calibration
    different: Counts
    linked: Counts
    confirmed: Counts
    lines: tuple[PairLine, ...]

    @property
    def threshold(self) -> float:
        """Similarity between two cameras from which a tracklet is linked at even odds."""
        return self.site.similarity(self.least_probability)


def calibration_reports(
    decided: Iterable[tuple[Decision, Tracklet]],
    topology: Topology,
    calibration_of: CalibrationOf,
    *,
    false_match_rate: float,
    confirmed: Collection[str] = (),
) -> list[CalibrationReport]:
    """A report for each space, by name; none for no tracklets.

    Args:
        decided: The latest version of each tracklet with its decision, in order of decision.
        topology: Of the site, as the settings say.
        calibration_of: Of a space, before anything is learned.
        false_match_rate: That is wanted, in (0, 1).
        confirmed: Tracklets whose identity an operator confirmed.
    """
    links: dict[str, tuple[Counts, Counts]] = {}

    def noted() -> Iterable[tuple[Decision, Tracklet]]:
        for decision, tracklet in decided:
            linked, sure = links.setdefault(
                tracklet.space, (np.zeros(NUM_STEPS, np.int64), np.zeros(NUM_STEPS, np.int64))
            )
            if decision.similarity is not None:
                step = step_of(decision.similarity)
                linked[step] += 1
                sure[step] += decision.tracklet_id in confirmed
            yield decision, tracklet

    learner = learned(noted(), topology, calibration_of)
    reports = []
    for space in sorted(links):
        site, people = learner.calibration(space), learner.people(space)
        reports.append(
            CalibrationReport(
                space=space,
                false_match_rate=false_match_rate,
                least_probability=site.base.threshold(false_match_rate),
                base=site.base,
                site=site.of_all(),
                different=people.counts.sum(axis=0),
                linked=links[space][0],
                confirmed=links[space][1],
                lines=tuple(_lines(site, people, false_match_rate)),
            )
        )
    return reports


def _lines(
    site: SiteCalibration, people: DifferentPeople, false_match_rate: float
) -> Iterable[PairLine]:
    level = site.base.similarity(site.base.threshold(false_match_rate))
    is_within = np.array([one == other for one, other in people.pairs])
    for name, rows, reading in (
        ("all, between two cameras", ~is_within, site.group(is_one_camera=False)),
        ("all, within a camera", is_within, site.group(is_one_camera=True)),
    ):
        yield _line(name, people.counts[rows].sum(axis=0), reading, site.base, level)
    for (one, other), counts in zip(people.pairs, people.counts, strict=True):
        if counts.any():
            name = one if one == other else f"{one}, {other}"
            yield _line(name, counts, site.reading(one, other), site.base, level)


def _line(
    cameras: str, counts: Counts, reading: Reading, base: Calibration, level: float
) -> PairLine:
    num = int(counts.sum())
    return PairLine(
        cameras=cameras,
        num_different=num,
        median=quantile(counts, 0.5) if num else None,
        ten_percent=quantile(counts, 0.9) if num else None,
        threshold=reading.similarity(level, base),
        note=_note(num, reading),
    )


def _note(num: int, reading: Reading) -> str:
    if reading.is_one_person:
        return "these look like one person: do the views overlap? say so in matcher.topology"
    if num < FEWEST_PAIRS:
        return f"too few: below {FEWEST_PAIRS} nothing is learned"
    if num < ENOUGH_PAIRS:
        return f"few: below {ENOUGH_PAIRS} what was known before weighs more"
    return "enough"
