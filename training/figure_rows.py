"""Figures as rows of text, the same in the terminal and in reports."""

from __future__ import annotations

from collections.abc import Sequence

from training.benchmark import BenchmarkRow
from training.bootstrap import Interval
from training.evaluation import Evaluation
from training.open_set import OperatingPoint

FIGURE_TITLES = ("figure", "value %", "95 % interval", "re-ranked %")
OPEN_SET_TITLES = ("at a threshold", "false rate %", "true rate %", "distance below")
BENCHMARK_TITLES = (
    "embedder",
    "R1 %",
    "95 % interval",
    "R5 %",
    "R10 %",
    "mAP step %",
    "95 % interval",
    "mAP trapezoid %",
    "mINP %",
    "D",
    "images/s",
)


def figure_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str]]:
    """The figures of a ranking (see `FIGURE_TITLES`)."""
    intervals = evaluation.intervals.by_name()
    after = {} if evaluation.reranked is None else evaluation.reranked.figures.by_name()
    texts = [
        (
            name,
            percent(value),
            interval_text(intervals[name]),
            percent(after[name]) if after else "-",
        )
        for name, value in evaluation.figures.by_name().items()
    ]
    single = evaluation.single_shot
    for rank, share in () if single is None else single.cmc:
        texts.append((f"R{rank} single gallery shot", percent(share), "-", "-"))
    return texts


def open_set_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str]]:
    """The open-set figures (see `OPEN_SET_TITLES`)."""
    figures = evaluation.open_set
    return [
        *(_point_row("identification (nearest is right)", p) for p in figures.identification),
        *(_point_row("verification (pairs)", point) for point in figures.verification),
    ]


def benchmark_rows(rows: Sequence[BenchmarkRow]) -> list[tuple[str, ...]]:
    """A row for each embedder (see `BENCHMARK_TITLES`)."""
    texts: list[tuple[str, ...]] = []
    for row in rows:
        evaluation = row.scored.evaluation
        figures, limits = evaluation.figures, evaluation.intervals
        shares = dict(figures.cmc)
        texts.append(
            (
                row.name,
                percent(figures.rank1),
                interval_text(dict(limits.cmc)[1]),
                percent(shares[5]),
                percent(shares[10]),
                percent(figures.map_step),
                interval_text(limits.map_step),
                percent(figures.map_trapezoid),
                percent(figures.minp),
                str(evaluation.dim),
                f"{row.images_per_s:.1f}",
            )
        )
    return texts


def percent(value: float) -> str:
    """A share as a percentage.

    >>> percent(0.12345)
    '12.3'
    """
    return f"{100 * value:.1f}"


def interval_text(interval: Interval) -> str:
    """An interval of shares as percentages.

    >>> interval_text(Interval(0.1, 0.25))
    '10.0 to 25.0'
    """
    return f"{percent(interval.low)} to {percent(interval.high)}"


def _point_row(name: str, point: OperatingPoint) -> tuple[str, str, str, str]:
    return (
        name,
        f"{100 * point.false_rate:g}",
        percent(point.true_rate),
        f"{point.below_distance:.3f}",
    )
