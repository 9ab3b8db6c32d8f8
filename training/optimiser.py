"""The optimiser of a recipe."""

from __future__ import annotations

import torch
from torch import nn

from training.recipe import OptimiserRecipe

_TRUNK = "backbone."
_ATTENTION = "backbone.rga_att"
FACTOR = "rate_factor"
"""Key of a parameter group: its rate over that of the schedule."""


def build_optimiser(model: nn.Module, recipe: OptimiserRecipe) -> torch.optim.Optimizer:
    """An optimiser of all parameters that learn: the trunk, and what starts from nothing."""
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    trunk = [v for n, v in named if n.startswith(_TRUNK) and not n.startswith(_ATTENTION)]
    in_trunk = {id(value) for value in trunk}
    fresh = [value for _, value in named if id(value) not in in_trunk]
    groups = [
        {"params": trunk, FACTOR: 1.0},
        {"params": fresh, FACTOR: recipe.attention_factor},
    ]
    decay = recipe.weight_decay
    match recipe.kind:
        case "adam":
            return torch.optim.Adam(groups, recipe.rate, betas=recipe.betas, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(groups, recipe.rate, betas=recipe.betas, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(
                groups,
                recipe.rate,
                momentum=recipe.momentum,
                weight_decay=decay,
                nesterov=recipe.momentum > 0,
            )


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of the next step."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group[FACTOR]
