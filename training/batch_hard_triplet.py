"""Batch-hard triplet loss (Hermans, Beyer, Leibe, "In Defense of the Triplet Loss", 2017)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

_LEAST_SQUARE = 1e-12
"""Squared distances are kept above: the gradient of a root is infinite at 0."""


def batch_hard_triplet(
    features: Tensor, labels: Tensor, *, margin: float | Literal["soft"] = 0.3
) -> Tensor:
    """Mean over anchors of (farthest of the same person) against (nearest of another), a scalar.

    Equation 5 of arXiv 1703.07737 with Euclidean distances. Persons may have any number of images,
    not all the same; an anchor without another image of its person is its own farthest, at
    distance 0. An anchor without anybody else is left out; 0 where none is left.

    Args:
        features: (N, D), float32.
        labels: (N,) int64 person of each.
        margin: max(0, margin + farthest - nearest), or "soft": log(1 + exp(farthest - nearest)).

    >>> points = torch.tensor([[0.0], [1.0], [1.5]])
    >>> round(batch_hard_triplet(points, torch.tensor([7, 7, 8]), margin=0.3).item(), 4)
    0.2667
    """
    same = labels[:, None] == labels[None, :]
    distances = pairwise_distances(features)
    farthest = distances.masked_fill(~same, -torch.inf).amax(1) if len(labels) else features.sum(1)
    nearest = distances.masked_fill(same, torch.inf).amin(1) if len(labels) else features.sum(1)
    has_others = ~same.all(1)
    gaps = (farthest - nearest)[has_others]
    if gaps.numel() == 0:
        return features.sum() * 0
    if margin == "soft":
        return functional.softplus(gaps).mean()
    return functional.relu(gaps + margin).mean()


def pairwise_distances(features: Tensor) -> Tensor:
    """(N, N) Euclidean distances of (N, D) rows, in float32; never quite 0, so that roots derive.

    By |a|^2 + |b|^2 - 2 a.b after taking off the mean of all rows, which changes no distance and
    keeps the cancellation small where features are alike.
    """
    centred = (features - features.mean(0, keepdim=True)).float()
    with torch.autocast(features.device.type, enabled=False):
        squares = centred.square().sum(1)
        products = centred @ centred.T
    return (squares[:, None] + squares[None, :] - 2 * products).clamp(min=_LEAST_SQUARE).sqrt()
