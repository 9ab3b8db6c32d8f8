"""Tests of what a decision says of itself."""

from __future__ import annotations

import pytest

from matcher.decision import is_ambiguous


@pytest.mark.parametrize(
    ("probability", "runner_up", "is_unclear"),
    [
        pytest.param(0.99, None, False, id="nobody else"),
        pytest.param(0.99, 0.0, False, id="nobody else at all likely"),
        pytest.param(0.99, 0.9, False, id="eleven times the odds"),
        pytest.param(0.98, 0.9, True, id="five times the odds"),
        pytest.param(0.9, 0.95, True, id="the runner-up was taken by another"),
        pytest.param(1.0, 1.0, True, id="both certain"),
        pytest.param(1.0, 0.99, False, id="certain"),
        pytest.param(0.8, 0.2, False, id="new: hardly anybody known"),
        pytest.param(0.7, 0.3, True, id="new: perhaps somebody known"),
    ],
)
def test_a_decision_is_ambiguous_if_it_may_as_well_be_the_runner_up(
    probability: float, runner_up: float | None, *, is_unclear: bool
) -> None:
    assert is_ambiguous(probability, runner_up) is is_unclear
