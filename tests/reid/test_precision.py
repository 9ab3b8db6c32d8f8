"""Lower precisions are tried, and left where they change what the model says."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from reid.drawn_crops import drawn_crops
from reid.errors import BackendError
from reid.model import Bottleneck, RGAResNet50
from reid.precision import agreeing_network, candidate_precisions
from reid.preprocess import preprocess

CPU = torch.device("cpu")
SIZE = (64, 32)


def model_of(*, robust: bool) -> RGAResNet50:
    """Random weights; robust: residuals are small and gates stand open, so that rounding is too."""
    torch.manual_seed(0)
    model = RGAResNet50(size=SIZE, open_gates=robust)
    for layer in model.modules():
        if robust and isinstance(layer, Bottleneck):
            nn.init.constant_(layer.bn3.weight, 0.05)
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum = None  # the plain mean over what is seen
    with torch.no_grad():
        model.train()(torch.from_numpy(preprocess(drawn_crops(16, SIZE, seed=9), SIZE)))
    return model.eval()


def test_precision_that_agrees_is_taken() -> None:
    network, precision = agreeing_network(model_of(robust=True), CPU, ["fp16"])

    assert precision == "fp16"
    assert {buffer.dtype for buffer in network.backbone.buffers()} == {torch.float16}


def test_precision_that_changes_features_is_left_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        network, precision = agreeing_network(model_of(robust=False), CPU, ["bf16"])

    assert precision == "fp32"
    assert {buffer.dtype for buffer in network.backbone.buffers()} == {torch.float32}
    assert "bf16 is too coarse for these weights on cpu" in caplog.text


def test_asked_precision_is_the_only_candidate() -> None:
    assert candidate_precisions(CPU, "fp32") == []
    assert candidate_precisions(CPU, "fp16") == ["fp16"]


def test_auto_on_a_cpu_is_bf16_or_nothing() -> None:
    assert candidate_precisions(CPU, "auto") in (["bf16"], [])


def test_int8_names_the_way_to_it() -> None:
    with pytest.raises(BackendError, match=r"'int8'.*export the model to OpenVINO"):
        candidate_precisions(CPU, "int8")
