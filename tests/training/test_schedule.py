from __future__ import annotations

from typing import Any

import pytest

from training.recipe import Recipe
from training.schedule import rate_at


def recipe(epochs: int = 600, **schedule: Any) -> Recipe:
    return Recipe.model_validate({"data": ["folder:x"], "epochs": epochs, "schedule": schedule})


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 8e-6), (10, 4.04e-4), (20, 8e-4), (79, 8e-4), (80, 4e-4), (120, 2e-4), (360, 3.125e-6)],
)
def test_the_authors_rates(epoch: int, expected: float) -> None:
    assert rate_at(recipe(), epoch * 47, 47) == pytest.approx(expected)


def test_the_last_iteration_before_a_step_has_the_old_rate() -> None:
    assert rate_at(recipe(), 80 * 47 - 1, 47) == 8e-4


def test_cosine_falls_from_the_warm_up_to_the_end() -> None:
    wave = recipe(epochs=30, kind="cosine", warmup_iterations=100, end_rate=1e-6)

    rates = [rate_at(wave, iteration, 10) for iteration in (99, 100, 200, 299)]

    assert rates[0] < 8e-4
    assert rates[1] == 8e-4
    assert rates[2] == pytest.approx((8e-4 + 1e-6) / 2)  # half way
    assert rates[3] == pytest.approx(1e-6, abs=1e-7)
    assert rate_at(wave, 300, 10) == pytest.approx(1e-6)


def test_without_a_warm_up_it_begins_at_the_peak() -> None:
    assert rate_at(recipe(warmup_iterations=0), 0, 47) == 8e-4


def test_a_run_shorter_than_its_warm_up_ends_on_the_way_up() -> None:
    wave = recipe(epochs=1, kind="cosine", warmup_iterations=100)

    assert rate_at(wave, 9, 10) == pytest.approx(8e-6 + 0.09 * (8e-4 - 8e-6))
