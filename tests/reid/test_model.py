"""RGA-ResNet50: its shape, its parameters, and what it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch

from reid.model import Backbone, RGAResNet50
from reid.model_info import Variant

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "rga"


@pytest.fixture(scope="module")
def small_model() -> RGAResNet50:
    torch.manual_seed(0)
    return RGAResNet50(size=(64, 32), num_classes=7).eval()


@pytest.mark.parametrize("literal", [False, True], ids=["low rank", "literal"])
@pytest.mark.parametrize("variant", ["sc", "s", "c"])
def test_parameters_are_named_and_shaped_as_published(variant: Variant, literal: bool) -> None:
    published = json.loads((GOLDEN / f"keys_{variant}.json").read_text(encoding="utf-8"))
    with torch.device("meta"):
        model = RGAResNet50(variant=variant, num_classes=767, literal=literal)

    found = {name: list(value.shape) for name, value in model.state_dict().items()}

    assert found == published


@pytest.mark.parametrize(
    ("variant", "millions"), [("sc", 29.83), (None, 23.51)], ids=["with attention", "plain"]
)
def test_number_of_parameters_is_as_published(variant: Variant | None, millions: float) -> None:
    with torch.device("meta"):
        backbone = Backbone((256, 128), variant=variant)

    count = sum(parameter.numel() for parameter in backbone.parameters())

    assert count / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize(("height", "width"), [(64, 32), (48, 48), (160, 64), (16, 16)], ids=str)
def test_any_size_divisible_by_16_works_in_both_forms(height: int, width: int) -> None:
    torch.manual_seed(0)
    model = RGAResNet50(size=(height, width)).double().eval()
    images = torch.randn(1, 3, height, width, dtype=torch.float64)

    with torch.inference_mode():
        features = model(images)
        model.use_literal_form(literal=True)
        expected = model(images)

    assert features.before_bn.shape == features.after_bn.shape == (1, 2048)
    torch.testing.assert_close(features.after_bn, expected.after_bn, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [(250, 128), (256, 120), (0, 128), (-16, 16)], ids=str)
def test_other_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"multiples of 16, got {size[0]}x{size[1]}"):
        RGAResNet50(size=size)


def test_unknown_variant_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"expected one of \('sc', 's', 'c'\), got 'cs'"):
        RGAResNet50(variant="cs")  # type: ignore[arg-type]


def test_images_of_another_size_are_refused(small_model: RGAResNet50) -> None:
    with pytest.raises(ValueError, match=r"takes \(N, 3, 64, 32\) images, got \(1, 3, 32, 64\)"):
        small_model(torch.zeros(1, 3, 32, 64))


def test_no_images_give_no_features(small_model: RGAResNet50) -> None:
    features = small_model(torch.zeros(0, 3, 64, 32))

    assert features.before_bn.shape == (0, 2048)
    assert small_model.logits(features.after_bn).shape == (0, 7)


def test_logits_need_a_classifier() -> None:
    with torch.device("meta"):
        model = RGAResNet50(size=(64, 32))

    with pytest.raises(ValueError, match="num_classes"):
        model.logits(torch.zeros(1, 2048))


def test_bias_of_the_last_batch_norm_is_frozen_at_zero(small_model: RGAResNet50) -> None:
    assert not small_model.feat_bn.bias.requires_grad
    assert not small_model.feat_bn.bias.any()


def test_last_stage_keeps_its_resolution() -> None:
    with torch.device("meta"):
        last_map = Backbone((256, 128), variant=None)(torch.empty(1, 3, 256, 128))

    assert last_map.shape == (1, 2048, 16, 8)


def test_both_forms_train_alike() -> None:
    """One step of gradient descent from the same start ends in the same place."""
    ends = []
    torch.manual_seed(3)
    start = RGAResNet50(size=(32, 16), num_classes=4).double().train()
    images = torch.randn(4, 3, 32, 16, dtype=torch.float64)
    for literal in (False, True):
        model = copy.deepcopy(start)
        model.use_literal_form(literal=literal)
        optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
        scores = model.logits(model(images).after_bn)
        loss = torch.nn.functional.cross_entropy(scores, torch.arange(4))
        torch.autograd.backward(loss)
        optimiser.step()
        ends.append(model.state_dict())

    torch.testing.assert_close(ends[0], ends[1], rtol=1e-6, atol=1e-9)
