from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from reid.checkpoint import load_model
from reid.drawn_crops import drawn_crops
from reid.errors import BackendError, CheckpointError
from reid.onnx_embedder import OnnxEmbedder
from reid.preprocess import preprocess


@pytest.mark.parametrize("feature", ["before_bn", "after_bn"])
def test_raw_features_are_those_of_torch(
    small_weights: Path, small_onnx: Path, feature: Literal["before_bn", "after_bn"]
) -> None:
    crops = drawn_crops(3, (100, 50), seed=4)
    model, info = load_model(small_weights)
    with torch.inference_mode():
        both = model(torch.from_numpy(preprocess(crops, info.size)))

    found = OnnxEmbedder(small_onnx, feature=feature).embed_raw(crops)

    expected = getattr(both, feature).numpy()
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 5e-3


def test_more_crops_than_a_run_takes_are_spread_in_order(small_onnx: Path) -> None:
    crops = drawn_crops(9)
    embedder = OnnxEmbedder(small_onnx)

    rows = embedder.embed(crops)

    assert rows[8] @ embedder.embed(crops[8:])[0] > 0.9999


def test_another_precision_points_to_the_export(small_onnx: Path) -> None:
    with pytest.raises(BackendError, match="--precision int8"):
        OnnxEmbedder(small_onnx, precision="int8")


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this ONNX Runtime has CUDA; runs without it",
)
def test_cuda_without_cuda_is_refused_with_the_cure(small_onnx: Path) -> None:
    with pytest.raises(BackendError, match="onnxruntime-gpu"):
        OnnxEmbedder(small_onnx, device="cuda:0")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"away\.onnx: no such file"):
        OnnxEmbedder(tmp_path / "away.onnx")


@pytest.mark.parametrize("data", [b"", b"hello world", b"\x08\x01"], ids=["empty", "text", "cut"])
def test_damaged_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(data)

    with pytest.raises(CheckpointError, match=r"a\.onnx: ONNX Runtime cannot read"):
        OnnxEmbedder(tmp_path / "a.onnx")


def test_a_model_of_others_is_refused(small_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(small_onnx)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "a.onnx")

    with pytest.raises(CheckpointError, match="no description of crosscam"):
        OnnxEmbedder(tmp_path / "a.onnx")
