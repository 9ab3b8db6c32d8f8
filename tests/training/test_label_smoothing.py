from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.label_smoothing import smoothed_cross_entropy


def by_loops(logits: np.ndarray, labels: list[int], smoothing: float) -> float:
    """Equation of section 7: -sum over classes of target times log share, mean over rows."""
    num, classes = logits.shape
    total = 0.0
    for row in range(num):
        weights = [math.exp(value) for value in logits[row]]
        for column in range(classes):
            target = smoothing / classes + (1 - smoothing) * (column == labels[row])
            total -= target * math.log(weights[column] / sum(weights))
    return float(total / num)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_equals_the_sum_written_out(smoothing: float) -> None:
    logits = np.random.default_rng(0).normal(size=(5, 7)) * 3
    labels = [0, 6, 3, 3, 1]

    loss = smoothed_cross_entropy(
        torch.from_numpy(logits), torch.tensor(labels), smoothing=smoothing
    )

    assert loss.item() == pytest.approx(by_loops(logits, labels, smoothing), abs=1e-12)


def test_a_certain_and_right_answer_still_costs_with_smoothing() -> None:
    logits, labels = torch.tensor([[50.0, 0.0]]), torch.tensor([0])

    assert smoothed_cross_entropy(logits, labels, smoothing=0.0).item() == pytest.approx(0)
    assert smoothed_cross_entropy(logits, labels, smoothing=0.1).item() == pytest.approx(2.5)


def test_the_gradient_is_share_minus_target() -> None:
    logits = torch.zeros(1, 4, requires_grad=True)

    torch.autograd.backward(smoothed_cross_entropy(logits, torch.tensor([2]), smoothing=0.2))

    assert logits.grad is not None
    assert logits.grad[0].tolist() == pytest.approx([0.2, 0.2, -0.6, 0.2])


def test_no_rows_cost_nothing() -> None:
    assert smoothed_cross_entropy(torch.empty(0, 3), torch.empty(0, dtype=torch.int64)).item() == 0
