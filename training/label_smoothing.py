"""Cross-entropy with label smoothing (Szegedy et al., "Rethinking the Inception Architecture")."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, *, smoothing: float = 0.1) -> Tensor:
    """Mean cross-entropy against softened targets, a scalar; 0 for N = 0.

    The target of class c is (1 - smoothing) [c is the label] + smoothing / C: section 7 of
    Szegedy et al., CVPR 2016 (arXiv 1512.00567), with a uniform prior.

    Args:
        logits: (N, C), float32.
        labels: (N,) int64 in [0, C).
        smoothing: In [0, 1).

    >>> import torch
    >>> round(smoothed_cross_entropy(torch.zeros(2, 4), torch.tensor([0, 3])).item(), 4)
    1.3863
    """
    if len(logits) == 0:
        return logits.sum()
    return functional.cross_entropy(logits, labels, label_smoothing=smoothing)
