from __future__ import annotations

from pathlib import Path

from training.benchmark import BenchmarkRow
from training.evaluate import EvaluationOptions, score
from training.features import load_features
from training.figure_rows import (
    BENCHMARK_TITLES,
    FIGURE_TITLES,
    OPEN_SET_TITLES,
    benchmark_rows,
    figure_rows,
    open_set_rows,
)
from training.rerank import RerankOptions

GOLDEN = load_features(Path(__file__).parents[1] / "golden" / "ranking" / "ranking.npz")


def test_figures_stand_with_their_intervals_and_the_reranked_ones() -> None:
    options = EvaluationOptions(rerank=RerankOptions(), single_shot_repeats=3)

    rows = figure_rows(score(GOLDEN, options).evaluation)

    assert {len(row) for row in rows} == {len(FIGURE_TITLES)}
    names = [row[0] for row in rows]
    assert names[:4] == ["mAP step", "mAP trapezoid", "mINP", "R1"]
    assert names[-1] == "R20 single gallery shot"
    assert (rows[0][1], rows[1][1], rows[3][1]) == ("45.9", "41.4", "47.0")
    assert rows[0][3] == "54.6"


def test_without_reranking_its_column_is_empty() -> None:
    rows = figure_rows(score(GOLDEN).evaluation)

    assert {row[3] for row in rows} == {"-"}


def test_open_set_has_both_kinds() -> None:
    rows = open_set_rows(score(GOLDEN).evaluation)

    assert {len(row) for row in rows} == {len(OPEN_SET_TITLES)}
    assert [row[1] for row in rows] == ["1", "10", "0.01", "0.1", "1", "10"]


def test_benchmark_row_fits_its_titles() -> None:
    (row,) = benchmark_rows([BenchmarkRow("a", "torch", score(GOLDEN), 12.34)])

    assert len(row) == len(BENCHMARK_TITLES)
    assert (row[0], row[1], row[5], row[-2], row[-1]) == ("a", "47.0", "45.9", "24", "12.3")
