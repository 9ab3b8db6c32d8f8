"""The fused network against the model it is made from."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from reid.drawn_crops import drawn_crops
from reid.fuse import FoldedConvolution, prepare_backbone, prepare_for_inference
from reid.model import Backbone, RGAResNet50
from reid.preprocess import preprocess

SIZE = (64, 32)


def settled(model: nn.Module) -> nn.Module:
    """BatchNorm statistics and gains as after a training, float64, in evaluation."""
    torch.manual_seed(5)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum = None  # the plain mean over what is seen
            nn.init.normal_(layer.weight, 1, 0.1)
            nn.init.normal_(layer.bias, 0, 0.1)
    images = torch.from_numpy(preprocess(drawn_crops(8, SIZE), SIZE)).double()
    with torch.no_grad():
        model.double().train()(images)
    return model.eval()


@pytest.fixture(scope="module", params=["sc", "s", "c"])
def model(request: pytest.FixtureRequest) -> RGAResNet50:
    model = RGAResNet50(variant=request.param, size=SIZE)
    settled(model)
    return model


@pytest.mark.parametrize("literal", [False, True], ids=["low rank", "literal"])
def test_features_are_those_of_the_model(model: RGAResNet50, literal: bool) -> None:
    images = torch.randn(3, 3, *SIZE, dtype=torch.float64)
    model.use_literal_form(literal=literal)
    network = prepare_for_inference(model, dtype=torch.float64)

    with torch.inference_mode():
        found, expected = network(images), model(images)

    torch.testing.assert_close(found.before_bn, expected.before_bn, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(found.after_bn, expected.after_bn, rtol=1e-7, atol=1e-9)


def test_batch_size_does_not_change_a_feature(model: RGAResNet50) -> None:
    network = prepare_for_inference(model, dtype=torch.float64)
    images = torch.randn(5, 3, *SIZE, dtype=torch.float64)

    with torch.inference_mode():
        together = network(images).after_bn
        alone = torch.cat([network(images[index : index + 1]).after_bn for index in range(5)])

    torch.testing.assert_close(together, alone, rtol=1e-7, atol=1e-9)


def test_model_and_images_are_left_as_they_are() -> None:
    model = RGAResNet50(size=SIZE).eval()
    before = copy.deepcopy(model.state_dict())
    images = torch.randn(2, 3, *SIZE)
    pixels = images.clone()

    network = prepare_for_inference(model)
    with torch.inference_mode():
        network(images)

    torch.testing.assert_close(model.state_dict(), before)
    torch.testing.assert_close(images, pixels)


def test_plain_trunk_is_fused_alike() -> None:
    backbone = Backbone(SIZE, variant=None)
    settled(backbone)
    images = torch.randn(2, 3, *SIZE, dtype=torch.float64)

    with torch.inference_mode():
        found = prepare_backbone(backbone, dtype=torch.float64)(images)
        torch.testing.assert_close(found, backbone(images), rtol=1e-7, atol=1e-9)


def test_no_images_give_no_features() -> None:
    network = prepare_for_inference(RGAResNet50(size=SIZE))

    with torch.inference_mode():
        features = network(torch.empty(0, 3, *SIZE))

    assert features.before_bn.shape == features.after_bn.shape == (0, 2048)


def test_features_of_a_coarse_network_are_float32() -> None:
    network = prepare_for_inference(RGAResNet50(size=SIZE), dtype=torch.bfloat16)

    with torch.inference_mode():
        features = network(torch.randn(1, 3, *SIZE))

    assert features.before_bn.dtype == features.after_bn.dtype == torch.float32
    assert {buffer.dtype for buffer in network.backbone.buffers()} == {torch.bfloat16}


def test_fused_network_does_not_learn() -> None:
    network = prepare_for_inference(RGAResNet50(size=SIZE))

    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.training


def test_folding_is_the_two_layers_in_one() -> None:
    layer = nn.Conv2d(1, 1, 1, bias=False)
    norm = nn.BatchNorm2d(1, eps=0).eval()
    nn.init.constant_(layer.weight, 3)
    norm.load_state_dict(
        {
            "weight": torch.tensor([2.0]),
            "bias": torch.tensor([1.0]),
            "running_mean": torch.tensor([5.0]),
            "running_var": torch.tensor([4.0]),
            "num_batches_tracked": torch.tensor(1),
        }
    )

    folded = FoldedConvolution(layer, norm)

    # 2 (3 x - 5) / 2 + 1 = 3 x - 4
    assert folded.weight.item() == pytest.approx(3)
    assert folded.bias.item() == pytest.approx(-4)


def test_batch_norm_without_statistics_cannot_be_folded() -> None:
    with pytest.raises(ValueError, match="statistics"):
        FoldedConvolution(
            nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, track_running_stats=False)
        )
