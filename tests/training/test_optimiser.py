from __future__ import annotations

import pytest
import torch
from torch import nn

from training.optimiser import build_optimiser, set_rate
from training.recipe import OptimiserRecipe


def model() -> nn.Module:
    """Parameters named as in RGA-ResNet50, all 1, with a bias that does not learn."""
    result = nn.Module()
    result.backbone = nn.Module()
    result.backbone.conv1 = nn.Linear(1, 1, bias=False)
    result.backbone.rga_att1 = nn.Linear(1, 1, bias=False)
    result.feat_bn = nn.BatchNorm1d(1)
    result.feat_bn.bias.requires_grad = False
    for value in result.parameters():
        nn.init.ones_(value)
    return result


def stepped(recipe: OptimiserRecipe, gradient: float = 1.0) -> dict[str, float]:
    """The parameters after one step."""
    layers = model()
    for value in layers.parameters():
        value.grad = torch.full_like(value, gradient)
    optimiser = build_optimiser(layers, recipe)
    set_rate(optimiser, 0.1)
    optimiser.step()
    return {name: value.item() for name, value in layers.named_parameters()}


def test_adam_couples_the_weight_decay_to_the_gradient() -> None:
    after = stepped(OptimiserRecipe(weight_decay=0.5), gradient=-0.5)

    assert after["backbone.conv1.weight"] == pytest.approx(1)  # -0.5 + 0.5 * 1 = 0: no step


def test_adamw_takes_the_weight_decay_off_the_weights() -> None:
    after = stepped(OptimiserRecipe(kind="adamw", weight_decay=0.5), gradient=-0.5)

    assert after["backbone.conv1.weight"] == pytest.approx(1 - 0.1 * 0.5 + 0.1)


def test_sgd_steps_by_the_gradient_with_momentum_ahead() -> None:
    after = stepped(OptimiserRecipe(kind="sgd", weight_decay=0.0, momentum=0.9))

    assert after["backbone.conv1.weight"] == pytest.approx(1 - 0.1 * 1.9)  # Nesterov


def test_attention_and_head_may_have_a_rate_of_their_own() -> None:
    after = stepped(OptimiserRecipe(kind="sgd", weight_decay=0, momentum=0, attention_factor=3))

    assert after["backbone.conv1.weight"] == pytest.approx(0.9)
    assert after["backbone.rga_att1.weight"] == pytest.approx(0.7)
    assert after["feat_bn.weight"] == pytest.approx(0.7)


def test_what_is_frozen_stays() -> None:
    assert stepped(OptimiserRecipe())["feat_bn.bias"] == 1
