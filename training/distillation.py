"""Learning from another embedder: two images should be as alike to the student as to the teacher.

Only similarities are compared, so teacher and student may have features of any two sizes.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Kind = Literal["relational", "similarity"]


def distillation_loss(
    student: Tensor,
    teacher: Tensor,
    is_compared: Tensor | None = None,
    *,
    kind: Kind = "relational",
    temperature: float = 0.1,
) -> Tensor:
    """How far the student's similarities within a batch are from the teacher's, a scalar >= 0.

    Both compare the cosines of pairs of different rows; 0 where there is no pair.
    "relational": their mean squared difference, after Tung and Mori, "Similarity-Preserving
    Knowledge Distillation", ICCV 2019, equation 4; there rows of products are normalised, here the
    features, so that the values are cosines.
    "similarity": of each row, the Kullback-Leibler divergence of the softmax over the others, the
    mean over rows, after Fang et al., "SEED", ICLR 2021, equation 4, with the batch for its queue.

    Args:
        student: (N, D), float32.
        teacher: (N, E), float32; no gradient flows into it.
        is_compared: (N, N) bool, which pairs count; None: all of different rows.
        kind: Which of the two.
        temperature: Of the softmax over cosines, above 0.
    """
    counts = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    if is_compared is not None:
        counts = counts & is_compared
    rows = counts.any(1)
    if not rows.any():
        return student.sum() * 0
    seen, wanted = _cosines(student)[rows], _cosines(teacher.detach())[rows]
    counts = counts[rows]
    if kind == "relational":
        return functional.mse_loss(seen[counts], wanted[counts])
    log_seen = _log_shares(seen / temperature, counts)
    log_wanted = _log_shares(wanted / temperature, counts)
    return (log_wanted.exp() * (log_wanted - log_seen)).sum(1).mean()


def _cosines(features: Tensor) -> Tensor:
    """(N, N)."""
    unit = functional.normalize(features.float())
    return unit @ unit.T


def _log_shares(logits: Tensor, counts: Tensor) -> Tensor:
    """Log softmax of each row over what counts; the rest is 0 in both, so that it adds nothing."""
    shares = logits.masked_fill(~counts, -torch.inf).log_softmax(1)
    return shares.masked_fill(~counts, 0.0)
