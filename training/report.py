"""A self-contained HTML report of an evaluation, and of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.attention_figures import AttentionFigures, attention_html
from training.benchmark import BenchmarkRow
from training.charts import NUM_COLOURS, Axis, Series, histogram_chart, line_chart
from training.cmc import shares_up_to
from training.evaluate import Scored
from training.figure_rows import (
    BENCHMARK_TITLES,
    FIGURE_TITLES,
    OPEN_SET_TITLES,
    benchmark_rows,
    figure_rows,
    open_set_rows,
)
from training.open_set import verification_rates
from training.ranked_lists import best_and_worst, ranked_lists_html
from training.ranking import Ranking
from training.report_page import page, section, table, write_page

_CMC_RANKS = range(1, 51)
_FALSE_RATES = np.geomspace(1e-4, 1, 60)


@dataclass(frozen=True, slots=True, eq=False)
class ReportOptions:
    """What a report shows besides the figures.

    Attributes:
        title: Heading.
        is_blurred: Make people unrecognisable.
        attention: Attention maps; None: no such part.
    """

    title: str
    is_blurred: bool = True
    attention: AttentionFigures | None = None


def write_report(scored: Scored, file: Path, options: ReportOptions) -> None:
    """Write the report of an evaluation; one HTML file that needs no other.

    Raises:
        OSError: The file cannot be written.
    """
    parts = [
        section("Figures", table(FIGURE_TITLES, figure_rows(scored.evaluation))),
        section("Curves", _curves(scored)),
        section("Open set", table(OPEN_SET_TITLES, open_set_rows(scored.evaluation))),
        *_lists(scored, is_blurred=options.is_blurred),
    ]
    if options.attention is not None:
        maps = attention_html(options.attention, is_blurred=options.is_blurred)
        parts.append(section("Spatial attention by stage", maps))
    write_page(page(options.title, _lead(scored), "".join(parts)), file)


def write_benchmark_report(rows: Sequence[BenchmarkRow], file: Path, title: str) -> None:
    """Write the report of a benchmark: its table and the CMC curves of the first embedders.

    Raises:
        OSError: The file cannot be written.
    """
    curves = [_cmc_series(row.name, row.scored.ranking) for row in rows[:NUM_COLOURS]]
    lead = "; ".join(f"{row.name}: {row.backend}" for row in rows)
    body = section("Embedders", table(BENCHMARK_TITLES, benchmark_rows(rows)))
    body += section("CMC", f'<div class="side">{_cmc_chart(curves)}</div>')
    write_page(page(title, lead, body), file)


def _lead(scored: Scored) -> str:
    found = scored.evaluation
    return (
        f"{found.figures.num_valid_queries} of {found.num_queries} queries with something to "
        f"find, gallery of {found.num_gallery}, {found.dim} dimensions, {found.distance} distance"
        f"{f', space {found.space}' if found.space else ''}. Intervals: bootstrap over the people "
        "of the queries. A query drops its own person's images of its own camera."
    )


def _curves(scored: Scored) -> str:
    curves = [_cmc_series("CMC", scored.ranking)]
    if scored.reranked is not None:
        curves.append(_cmc_series("CMC after re-ranking", scored.reranked))
    pairs = [("same person", scored.pairs.same), ("different people", scored.pairs.different)]
    histograms = histogram_chart(pairs, f"{scored.evaluation.distance} distance across cameras")
    return f'<div class="side">{_cmc_chart(curves)}{histograms}{_roc_chart(scored)}</div>'


def _cmc_series(name: str, ranking: Ranking) -> Series:
    shares = shares_up_to(ranking.first_ranks, _CMC_RANKS)
    return Series(name, np.array(list(shares), float), np.array(list(shares.values())))


def _cmc_chart(curves: Sequence[Series]) -> str:
    return line_chart(
        curves, Axis("rank", 1, len(_CMC_RANKS)), Axis("queries", 0, 1, is_percent=True)
    )


def _roc_chart(scored: Scored) -> str:
    points = verification_rates(scored.pairs, _FALSE_RATES.tolist())
    true = np.nan_to_num(np.array([point.true_rate for point in points]))
    return line_chart(
        [Series("ROC of pairs across cameras", _FALSE_RATES, true)],
        Axis("different pairs accepted", 1e-4, 1, is_log=True, is_percent=True),
        Axis("same pairs accepted", 0, 1, is_percent=True),
    )


def _lists(scored: Scored, *, is_blurred: bool) -> list[str]:
    best, worst = best_and_worst(scored)
    blurred = "<p>People are blurred.</p>" if is_blurred else ""
    return [
        section(title, blurred + ranked_lists_html(lists, scored, is_blurred=is_blurred))
        for title, lists in (("Worst queries", worst), ("Best queries", best))
    ]
