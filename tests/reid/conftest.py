"""Small RGA weights, and what is exported from them once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from reid.checkpoint import describe, save_safetensors
from reid.drawn_crops import drawn_crops
from reid.export import export_model
from reid.model import RGAResNet50
from reid.preprocess import preprocess

SMALL_SIZE = (64, 32)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Models this small are slower on several threads, and on a busy machine much slower."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .safetensors file: random convolutions, and BatchNorm that has seen drawn crops.

    Random bottlenecks and gates of full strength make a chaotic function, in which even fp16
    weights give other features (cosine 0.97); weak ones are as smooth as trained weights.
    """
    torch.manual_seed(0)
    model = RGAResNet50(variant="sc", size=SMALL_SIZE)
    for name, layer in model.named_modules():
        if isinstance(layer, _BatchNorm):
            layer.momentum = None  # the plain mean over what is seen
        if isinstance(layer, _BatchNorm) and name.endswith(".bn3"):
            torch.nn.init.constant_(layer.weight, 0.1)
        if isinstance(layer, _BatchNorm) and name.endswith(("W_spatial.4", "W_channel.4")):
            torch.nn.init.constant_(layer.weight, 0.3)
    images = preprocess(drawn_crops(24, SMALL_SIZE, seed=9), SMALL_SIZE)
    with torch.no_grad():
        model.train()(torch.from_numpy(images))
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_safetensors(path, model.eval(), describe(model))
    return path


@pytest.fixture(scope="session")
def small_ir(small_weights: Path) -> Path:
    """The weights exported to OpenVINO, fp32."""
    out = small_weights.with_name("small.xml")
    return export_model(small_weights, out, check_crops=drawn_crops(4, SMALL_SIZE)).file


@pytest.fixture(scope="session")
def small_onnx(small_weights: Path) -> Path:
    """The weights exported to ONNX, fp32."""
    out = small_weights.with_name("small.onnx")
    return export_model(small_weights, out, check_crops=drawn_crops(4, SMALL_SIZE)).file


@pytest.fixture(scope="session")
def foreign_ir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OpenVINO model that is not ours: batch 1, the means of a 4 x 2 grid of BGR pixels."""
    openvino = pytest.importorskip("openvino")
    ops = pytest.importorskip("openvino.opset13")
    pixels = ops.parameter([1, 3, 64, 32], dtype=np.float32, name="data")
    pooled = ops.avg_pool(pixels, [16, 16], [0, 0], [0, 0], [16, 16], exclude_pad=False)
    flat = ops.reshape(pooled, [1, 24], special_zero=False)
    path = tmp_path_factory.mktemp("foreign") / "grid-means.xml"
    openvino.save_model(openvino.Model([flat], [pixels], "grid"), path, compress_to_fp16=False)
    return path
