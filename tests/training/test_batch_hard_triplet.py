from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import torch

from training.batch_hard_triplet import batch_hard_triplet, pairwise_distances

UNEQUAL = [0, 0, 0, 1, 1, 2, 3, 3, 3, 3]
"""3, 2, 1 and 4 images."""


def by_loops(features: np.ndarray, labels: list[int], margin: float | Literal["soft"]) -> float:
    """Equation 5 of Hermans et al., anchor by anchor."""
    terms = []
    for anchor, label in enumerate(labels):
        same, others = [0.0], list[float]()
        for other, other_label in enumerate(labels):
            distance = math.dist(features[anchor], features[other])
            (same if other_label == label else others).append(distance)
        if not others:
            continue
        gap = max(same) - min(others)
        terms.append(math.log1p(math.exp(gap)) if margin == "soft" else max(0.0, margin + gap))
    return sum(terms) / len(terms) if terms else 0.0


@pytest.mark.parametrize("margin", [0.3, 2.0, "soft"])
@pytest.mark.parametrize(
    "labels", [UNEQUAL, [0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 2]], ids=["unequal", "2x4", "3x1"]
)
def test_it_equals_the_anchors_written_out(
    labels: list[int], margin: float | Literal["soft"]
) -> None:
    features = np.random.default_rng(1).normal(size=(len(labels), 5)).astype(np.float32)

    loss = batch_hard_triplet(torch.from_numpy(features), torch.tensor(labels), margin=margin)

    assert loss.item() == pytest.approx(by_loops(features, labels, margin), abs=1e-5)


def test_order_of_the_batch_does_not_matter() -> None:
    features, labels = torch.randn(10, 4), torch.tensor(UNEQUAL)
    order = torch.randperm(10)

    assert batch_hard_triplet(features, labels).item() == pytest.approx(
        batch_hard_triplet(features[order], labels[order]).item(), abs=1e-6
    )


def test_persons_far_apart_cost_nothing() -> None:
    features = torch.tensor([[0.0, 0], [0.1, 0], [9, 0], [9.1, 0]])

    assert batch_hard_triplet(features, torch.tensor([0, 0, 1, 1])).item() == 0


def test_collapsed_features_cost_the_margin_and_have_a_finite_gradient() -> None:
    features = torch.ones(4, 3, requires_grad=True)

    loss = batch_hard_triplet(features, torch.tensor([0, 0, 1, 1]), margin=0.3)
    torch.autograd.backward(loss)

    assert loss.item() == pytest.approx(0.3, abs=1e-5)
    assert features.grad is not None
    assert features.grad.isfinite().all()


@pytest.mark.parametrize("labels", [[], [4, 4, 4]], ids=["nobody", "one person"])
def test_without_two_persons_it_is_zero_with_a_gradient(labels: list[int]) -> None:
    features = torch.randn(len(labels), 3, requires_grad=True)

    loss = batch_hard_triplet(features, torch.tensor(labels, dtype=torch.int64))
    torch.autograd.backward(loss)

    assert loss.item() == 0


def test_distances_of_near_features_far_from_zero_are_not_lost() -> None:
    features = torch.tensor([[1000.0, 0], [1000.0, 0.25]])

    assert pairwise_distances(features)[0, 1].item() == pytest.approx(0.25, abs=1e-4)


def test_distances_equal_those_of_plain_differences() -> None:
    features = torch.randn(6, 8)

    expected = torch.linalg.vector_norm(features[:, None] - features[None], dim=2)

    assert torch.allclose(pairwise_distances(features), expected, atol=2e-3)
