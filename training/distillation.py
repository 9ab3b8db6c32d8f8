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
    student: Tensor, teacher: Tensor, *, kind: Kind = "relational", temperature: float = 0.1
) -> Tensor:
    """How far the student's similarities within a batch are from the teacher's, a scalar >= 0.

    Both compare the cosines of all pairs of different rows; N < 2 gives 0.
    "relational": their mean squared difference, after Tung and Mori, "Similarity-Preserving
    Knowledge Distillation", ICCV 2019, equation 4; there rows of products are normalised, here the
    features, so that the values are cosines.
    "similarity": of each row, the Kullback-Leibler divergence of the softmax over the others, the
    mean over rows, after Fang et al., "SEED", ICLR 2021, equation 4, with the batch for its queue.

    Args:
        student: (N, D), float32.
        teacher: (N, E), float32; no gradient flows into it.
        kind: Which of the two.
        temperature: Of the softmax over cosines, above 0.
    """
    if len(student) < 2:
        return student.sum() * 0
    seen, wanted = _other_cosines(student), _other_cosines(teacher.detach())
    if kind == "relational":
        return functional.mse_loss(seen, wanted)
    return functional.kl_div(
        (seen / temperature).log_softmax(1),
        (wanted / temperature).log_softmax(1),
        reduction="batchmean",
        log_target=True,
    )


def _other_cosines(features: Tensor) -> Tensor:
    """(N, N - 1) cosines of each row to the others."""
    unit = functional.normalize(features.float())
    num = len(unit)
    is_other = ~torch.eye(num, dtype=torch.bool, device=unit.device)
    return (unit @ unit.T)[is_other].view(num, num - 1)
