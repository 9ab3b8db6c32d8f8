"""How `crosscam evaluate` and `crosscam benchmark` print: tables, JSON, and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.benchmark import BenchmarkRow
    from training.embedding import FeatureKind, OnProgress
    from training.evaluate import Scored


def print_evaluations(scored: Mapping[FeatureKind, Scored], form: str) -> None:
    """The figures of one feature or more; of several the last one's are the main ones."""
    if form == "json":
        print(json.dumps(_evaluations_json(scored)))
        return
    for kind, each in scored.items():
        _print_evaluation(each, "" if kind == "only" else f"{kind}: ")


def print_benchmark(name: str, rows: Sequence[BenchmarkRow], form: str) -> None:
    """A line for each embedder."""
    if form == "json":
        print(json.dumps({"data": name, "embedders": [row.to_json() for row in rows]}))
        return
    from training.figure_rows import BENCHMARK_TITLES, benchmark_rows

    print_table(BENCHMARK_TITLES, benchmark_rows(rows))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Texts in columns; all but the first stand to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def progress(name: str) -> OnProgress:
    """Writes on standard error how many images are embedded, if that is a terminal."""

    def show(done: int, of: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == of else ""
            print(f"\r{name}: {done} of {of} images", end=end, file=sys.stderr, flush=True)

    return show


def _evaluations_json(scored: Mapping[FeatureKind, Scored]) -> dict[str, Any]:
    found = {kind: each.evaluation.to_json() for kind, each in scored.items()}
    *_, main = found.values()
    return main if len(found) == 1 else {**main, "features": found}


def _print_evaluation(scored: Scored, head: str) -> None:
    from training.figure_rows import FIGURE_TITLES, OPEN_SET_TITLES, figure_rows, open_set_rows

    found = scored.evaluation
    print(
        f"{head}{found.figures.num_valid_queries} of {found.num_queries} queries have something "
        f"to find in a gallery of {found.num_gallery}; {found.dim} dimensions, {found.distance}"
    )
    print_table(FIGURE_TITLES, figure_rows(found))
    print()
    print_table(OPEN_SET_TITLES, open_set_rows(found))
