"""How well identities fit the truth on simulated sites: the matcher, and what others do.

    python -m benchmarks.bench_sites --features F.npz --cameras 16 --passages 2000 --seeds 5

`F.npz` is written by `benchmarks.crop_features`. Everything that can be tuned is tuned on sites of
the same size with the training people: the thresholds of the baselines for the best mean IDF1, the
matcher's calibration, and, in the row that says so, its least probability. What is printed is
measured with the test people. Prints a JSON line a row and then the table in Markdown; figures with
the half width of the 95 % interval over the seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.crop_features import CropFeatures, load_crop_features
from benchmarks.measurement import machine
from benchmarks.site_baselines import THRESHOLDS, Baseline, baselines, best_threshold
from benchmarks.site_errors import Answers, answers, answers_table, mean_answers
from benchmarks.site_scores import (
    Interval,
    LinkErrors,
    SiteScore,
    intervals,
    link_errors,
    score_site,
)
from benchmarks.site_simulator import (
    SimulatedSite,
    SiteSize,
    decide_site,
    simulate,
    told_topology,
)
from config.schema import CameraPairSettings, MatcherSettings
from matcher.calibration import Calibration
from matcher.matcher import build_matcher
from training.calibration_fit import fit_calibration, tracklet_pairs, write_calibration

PROBABILITIES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Least probabilities that are tried in tuning the matcher."""
_FIRST_TUNING_SEED = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes:
        method: Name.
        setting: What was tuned.
        figures: By name, with intervals.
        idf1_by_seed: For comparing methods seed by seed.
    """

    method: str
    setting: str
    figures: dict[str, Interval]
    idf1_by_seed: list[float]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What the matcher made of a site.

    Attributes:
        score: After correction: the latest decision of every tracklet.
        at_emission: The first decision of every tracklet.
        errors: Of the first decisions, in their order.
        answers: By question, after correction.
    """

    score: SiteScore
    at_emission: SiteScore
    errors: LinkErrors
    answers: list[Answers]


def seconds_of(site: SimulatedSite) -> np.ndarray:
    """(T,) length of every tracklet."""
    return np.array([each.final.ended_at - each.final.started_at for each in site.tracklets])


def measured(settings: MatcherSettings, site: SimulatedSite) -> Outcome:
    """Decides a site with the matcher that the service would build."""
    history = decide_site(build_matcher(settings, site.camera_ids), site)
    first = {p.tracklet_id: p.identity_id for p in history if p.is_first}
    latest = {p.tracklet_id: p.identity_id for p in history}
    person = {each.final.tracklet_id: each.person for each in site.tracklets}
    names: dict[str, int] = {}
    for identity_id in (*first.values(), *latest.values()):
        names.setdefault(identity_id, len(names))

    def scored(identities: dict[str, str]) -> SiteScore:
        numbers = [names[identities[each.final.tracklet_id]] for each in site.tracklets]
        return score_site(site.persons, np.array(numbers, np.int64), seconds_of(site))

    return Outcome(
        scored(latest),
        scored(first),
        link_errors([person[i] for i in first], [names[i] for i in first.values()]),
        answers(site, latest),
    )


def baseline_row(
    baseline: Baseline, tuning: Sequence[SimulatedSite], sites: Sequence[SimulatedSite]
) -> Row:
    """A baseline at the threshold that is best for the training people."""
    tried: dict[float, list[float]] = {threshold: [] for threshold in THRESHOLDS}
    for site in tuning:
        grouped = baseline.prepare(site)
        for threshold, reached in tried.items():
            reached.append(score_site(site.persons, grouped(threshold), seconds_of(site)).idf1)
    threshold = best_threshold(tried)
    scores, errors = [], []
    for site in sites:
        identities = baseline.prepare(site)(threshold)
        scores.append(score_site(site.persons, identities, seconds_of(site)))
        if baseline.is_online:
            errors.append(link_errors(site.persons.tolist(), identities.tolist()))
    figures = intervals(scores) | intervals(errors)
    return Row(baseline.name, f"cosine {threshold:g}", figures, [s.idf1 for s in scores])


def matcher_row(
    name: str, settings: MatcherSettings, sites: Sequence[SimulatedSite]
) -> tuple[Row, list[Answers]]:
    """The matcher with some settings, and what it answered."""
    outcomes = [measured(settings, site) for site in sites]
    scores = [outcome.score for outcome in outcomes]
    early = intervals([outcome.at_emission for outcome in outcomes])
    figures = (
        intervals(scores)
        | intervals([outcome.errors for outcome in outcomes])
        | {"idf1_at_emission": early["idf1"]}
    )
    least = settings.min_probability
    setting = f"rate {settings.false_match_rate:g}" if least is None else f"probability {least:g}"
    row = Row(name, setting, figures, [score.idf1 for score in scores])
    return row, mean_answers([outcome.answers for outcome in outcomes])


def tuned(settings: MatcherSettings, tuning: Sequence[SimulatedSite]) -> MatcherSettings:
    """The settings with the least probability that is best for the training people."""
    tried = {
        least: [
            measured(settings.model_copy(update={"min_probability": least}), site).score.idf1
            for site in tuning
        ]
        for least in PROBABILITIES
    }
    for least, scores in tried.items():
        print(f"tuning: least probability {least:g}: IDF1 {np.mean(scores):.3f}", file=sys.stderr)
    return settings.model_copy(update={"min_probability": best_threshold(tried)})


def with_topology(settings: MatcherSettings, num_cameras: int) -> MatcherSettings:
    """The settings with least travel times, as an owner would write them."""
    pairs = [
        CameraPairSettings(cameras=names, min_s=min_s)
        for names, min_s in told_topology(num_cameras)
    ]
    return settings.model_copy(update={"topology": pairs})


def pair_false_matches(crops: CropFeatures, calibration: Calibration, rate: float) -> float:
    """Share of pairs of tracklets of different test people that reach what the rate asks for."""
    different = tracklet_pairs(crops.test).different
    least = calibration.threshold(rate)
    return float(np.mean(calibration.probability(different) >= least))


def markdown(rows: Iterable[Row]) -> str:
    """The table."""
    columns = (
        ("IDF1", "idf1"),
        ("at emission", "idf1_at_emission"),
        ("pair precision", "pair_precision"),
        ("pair recall", "pair_recall"),
        ("AssA", "ass_a"),
        ("switches", "switches"),
        ("false matches", "false_matches"),
        ("wrong links", "per_decision"),
    )
    titles = ["method", "tuned", *(title for title, _ in columns), "identities / person"]
    lines = ["| " + " | ".join(titles) + " |", "|---|---|" + "--:|" * (len(columns) + 1)]
    for row in rows:
        cells = [_percent(row.figures.get(name)) for _, name in columns]
        ratio = row.figures["identities_per_person"]
        texts = [row.method, row.setting, *cells, _text(ratio, 1, 2)]
        lines.append("| " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _percent(figure: Interval | None) -> str:
    return "-" if figure is None else _text(figure, 100, 1)


def _text(figure: Interval, factor: float, num_digits: int) -> str:
    mean = f"{factor * figure.mean:.{num_digits}f}"
    if figure.half_width is None:
        return mean
    return f"{mean} ± {factor * figure.half_width:.{num_digits}f}"


def _print_json(row: Row, size: SiteSize, facts: dict[str, object]) -> None:
    line = {
        "method": row.method,
        "setting": row.setting,
        "num_cameras": size.num_cameras,
        "num_passages": size.num_passages,
        **{name: asdict(figure) for name, figure in row.figures.items()},
        "idf1_by_seed": row.idf1_by_seed,
        **facts,
    }
    print(json.dumps(line), flush=True)


def compare(
    crops: CropFeatures, size: SiteSize, arguments: argparse.Namespace, folder: Path
) -> None:
    """Measures everything at one size and prints it."""
    calibration = fit_calibration(tracklet_pairs(crops.train))
    write_calibration(calibration, folder / "calibration.json")
    settings = MatcherSettings(
        calibration=folder / "calibration.json", false_match_rate=arguments.false_match_rate
    )
    tuning = [
        simulate(crops, "train", size, _FIRST_TUNING_SEED + seed)
        for seed in range(arguments.tuning_seeds)
    ]
    sites = [simulate(crops, "test", size, seed) for seed in range(arguments.seeds)]
    facts = machine() | {
        "space": crops.space,
        "seeds": arguments.seeds,
        "num_tracklets": int(np.mean([len(site.tracklets) for site in sites])),
        "num_people": int(np.mean([site.num_people for site in sites])),
        "wanted_false_match_rate": arguments.false_match_rate,
        "pair_false_match_rate": pair_false_matches(crops, calibration, arguments.false_match_rate),
    }
    rows = []

    def tell(row: Row) -> None:
        rows.append(row)
        _print_json(row, size, facts)

    for baseline in baselines() if not arguments.matcher_only else ():
        tell(baseline_row(baseline, tuning, sites))
    variants = [("matcher, as shipped", settings)]
    if not arguments.quick:
        variants.append(("matcher, ways told", with_topology(settings, size.num_cameras)))
        variants.append(("matcher, tuned", tuned(settings, tuning)))
    tables = []
    for name, variant in variants:
        row, answered = matcher_row(name, variant, sites)
        tell(row)
        tables.append(f"{name}:\n\n{answers_table(answered)}\n")
    print(f"\n{size.num_cameras} cameras, {size.num_passages} passages, {facts}\n")
    print(markdown(rows))
    print("\n" + "\n".join(tables))


def main() -> None:
    """Compares at each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--cameras", type=int, nargs="+", default=[16])
    parser.add_argument("--passages", type=int, nargs="+", default=[2000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tuning-seeds", type=int, default=2)
    parser.add_argument("--false-match-rate", type=float, default=0.01)
    parser.add_argument("--quick", action="store_true", help="the matcher as shipped only")
    parser.add_argument("--matcher-only", action="store_true", help="no baselines")
    arguments = parser.parse_args()
    crops = load_crop_features(arguments.features)
    with tempfile.TemporaryDirectory(prefix="crosscam-sites-") as folder:
        for num_cameras in arguments.cameras:
            for num_passages in arguments.passages:
                compare(crops, SiteSize(num_cameras, num_passages), arguments, Path(folder))


if __name__ == "__main__":
    main()
