from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from reid.model import RGAResNet50
from training.batch_hard_triplet import batch_hard_triplet
from training.distillation import distillation_loss
from training.errors import NotFiniteError
from training.identity_sampler import Share
from training.label_smoothing import smoothed_cross_entropy
from training.processes import Processes
from training.recipe import LossRecipe, Recipe
from training.step import Batch, Learner, Outputs, TrainingNetwork, feature_spread, loss_terms

ALONE = Processes(Share(), torch.device("cpu"))
SIZE = (64, 32)  # bfloat16 convolutions of oneDNN (AMX) read beyond maps of one column


def recipe(**values: Any) -> Recipe:
    return Recipe.model_validate({"data": ["folder:x"], "model": {"size": SIZE}, **values})


def fresh_model() -> RGAResNet50:
    torch.manual_seed(0)
    return RGAResNet50(size=SIZE, num_classes=3).train()


def fresh_batch(num: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(num, 3, *SIZE, generator=generator)
    return Batch(images, torch.arange(num) // 2, torch.randn(num, 5, generator=generator))


def weights(model: RGAResNet50) -> torch.Tensor:
    return torch.cat([value.detach().ravel() for value in model.parameters()])


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    outputs = Outputs(torch.randn(4, 6), torch.randn(4, 6), torch.randn(4, 3))
    batch = Batch(torch.empty(4, 3, 1, 1), torch.tensor([0, 0, 1, 1]), torch.randn(4, 5))
    losses = LossRecipe.model_validate(
        {
            "cross_entropy": {"weight": 2.0, "smoothing": 0.2},
            "triplet": {"weight": 3.0, "margin": 0.5},
            "distillation": {"weights": "x.xml", "weight": 5.0, "kind": "similarity"},
        }
    )

    terms = loss_terms(outputs, batch, losses)

    entropy = smoothed_cross_entropy(outputs.logits, batch.labels, smoothing=0.2)
    triplet = batch_hard_triplet(outputs.before_bn, batch.labels, margin=0.5)
    assert batch.teacher is not None
    teaching = distillation_loss(outputs.after_bn, batch.teacher, kind="similarity")
    assert terms["loss"].item() == pytest.approx((2 * entropy + 3 * triplet + 5 * teaching).item())


def test_distillation_may_leave_pairs_of_one_person_to_the_labels() -> None:
    features = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    outputs = Outputs(features, features, torch.zeros(4, 2))
    labels, teacher = torch.tensor([0, 0, 1, 1]), torch.eye(4)
    teaching = {"weights": "x.xml", "strangers_only": True}
    losses = LossRecipe.model_validate({"distillation": teaching})

    found = loss_terms(outputs, Batch(torch.empty(4, 3, 1, 1), labels, teacher), losses)

    assert found["distillation"].item() == pytest.approx(0)


def test_the_triplet_may_look_at_unit_features_after_batch_norm() -> None:
    outputs = Outputs(torch.randn(4, 6), torch.randn(4, 6), torch.randn(4, 3))
    batch = Batch(torch.empty(4, 3, 1, 1), torch.tensor([0, 0, 1, 1]))
    losses = LossRecipe.model_validate({"triplet": {"feature": "after_bn", "is_normalised": True}})

    found = loss_terms(outputs, batch, losses)["triplet"]

    unit = outputs.after_bn / outputs.after_bn.norm(dim=1, keepdim=True)
    assert found.item() == pytest.approx(batch_hard_triplet(unit, batch.labels).item())


def test_spread_is_the_mean_distance_of_two_features() -> None:
    features = torch.tensor([[0.0, 0], [3, 4], [0, 0]])

    assert feature_spread(features).item() == pytest.approx(10 / 3, abs=1e-4)  # 5, 5 and 0


def test_the_network_gives_what_the_model_gives() -> None:
    model, images = fresh_model(), fresh_batch().images

    outputs = TrainingNetwork(model)(images)
    expected = fresh_model()(images)

    # Random weights make a chaotic function: see tests/training/test_attention_step.py in float64.
    assert torch.allclose(outputs.before_bn, expected.before_bn, atol=1e-2, rtol=1e-2)
    assert torch.allclose(outputs.logits, model.logits(outputs.after_bn))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_learns(precision: str) -> None:
    model = fresh_model()
    learner = Learner(model, recipe(precision=precision, average_decay=0.5), ALONE)
    before = weights(model)

    figures = learner.step(fresh_batch(), 1e-3)

    assert figures.loss == pytest.approx(figures.cross_entropy + figures.triplet, rel=1e-5)
    assert figures.cross_entropy == pytest.approx(math.log(3), abs=0.1)
    assert figures.feature_spread > 0
    assert (weights(model) != before).float().mean() > 0.9
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert (weights(learner.evaluated_model()) != weights(model)).any()


def test_in_fp16_a_step_whose_scaled_gradient_overflows_is_left_out() -> None:
    model = fresh_model()
    learner = Learner(model, recipe(precision="fp16"), ALONE)
    before = weights(model)

    figures = learner.step(fresh_batch(), 1e-3)

    overflowed = not math.isfinite(figures.gradient_norm)
    assert math.isfinite(figures.loss)
    assert torch.equal(weights(model), before) == overflowed
    assert learner.state_dict()["scaler"]["scale"] == (2**15 if overflowed else 2**16)


def test_clipping_bounds_the_step() -> None:
    model = fresh_model()
    sgd = {"kind": "sgd", "momentum": 0, "weight_decay": 0, "clip_norm": 0.01}
    learner = Learner(model, recipe(optimiser=sgd), ALONE)
    before = weights(model)

    figures = learner.step(fresh_batch(), 1.0)

    assert figures.gradient_norm > 0.01
    assert (weights(model) - before).norm().item() == pytest.approx(0.01, rel=1e-2)


def test_a_step_that_is_not_finite_stops_and_leaves_the_weights() -> None:
    model = fresh_model()
    learner = Learner(model, recipe(), ALONE)
    before = weights(model)
    batch = fresh_batch()
    batch.images[0, 0, 0, 0] = math.nan

    with pytest.raises(NotFiniteError, match=r"Lower optimiser\.rate"):
        learner.step(batch, 1e-3)

    assert torch.equal(weights(model), before)
