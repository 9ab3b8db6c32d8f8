from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reid.checkpoint import describe, save_safetensors
from reid.drawn_crops import drawn_crops
from reid.model import RGAResNet50
from reid.torch_embedder import open_torch_embedder
from training.both_features import both_features, read_last_norm


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """Models this small are slower on several threads, and on a busy machine much slower."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a small model whose last BatchNorm is not the identity."""
    torch.manual_seed(0)
    model = RGAResNet50(size=(32, 16), open_gates=True).eval()
    norm = model.feat_bn
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.nn.init.normal_(norm.running_mean)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    torch.nn.init.normal_(norm.weight)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_safetensors(path, model, describe(model))
    return path


def test_both_are_those_that_the_embedder_gives_one_by_one(weights: Path) -> None:
    crops = drawn_crops(3, (32, 16))
    before, after = (
        open_torch_embedder(weights, device="cpu", precision="fp32", feature=feature)
        for feature in ("before_bn", "after_bn")
    )

    source = both_features(before, read_last_norm(weights))
    found = source.embed(crops)

    assert source.kinds == ("before_bn", "after_bn")
    assert source.spaces == (before.space, after.space)
    np.testing.assert_allclose(found[0], before.embed_raw(crops))
    expected = after.embed_raw(crops)
    np.testing.assert_allclose(found[1], expected, atol=1e-4 * np.abs(expected).max())
