"""What is special to torch; the contract of embedders is tested in test_embedder.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reid.checkpoint import load_model
from reid.drawn_crops import drawn_crops
from reid.errors import BackendError, CheckpointError, ReidError
from reid.preprocess import IMAGENET, normalise, stack_crops
from reid.torch_embedder import TorchEmbedder, open_torch_embedder
from reid.torch_embedder import normalise as normalise_tensor


@pytest.fixture(scope="module")
def embedder(small_weights: Path) -> TorchEmbedder:
    return open_torch_embedder(small_weights, device="cpu", precision="fp32")


def test_features_are_those_of_the_model(embedder: TorchEmbedder, small_weights: Path) -> None:
    model, info = load_model(small_weights)
    crops = drawn_crops(11, (90, 41))  # more than one batch
    images = torch.from_numpy(normalise(stack_crops(crops, info.size)))

    with torch.inference_mode():
        expected = model(images).after_bn.numpy()
    found = embedder.embed_raw(crops)

    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 2e-3
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert (embedder.embed(crops) * unit).sum(1).min() > 0.9999


def test_either_feature_can_be_asked_for_and_has_its_own_space(small_weights: Path) -> None:
    embedders = [
        open_torch_embedder(small_weights, device="cpu", precision="fp32", feature=feature)
        for feature in ("before_bn", "after_bn")
    ]
    crops = drawn_crops(2)

    before, after = (embedder.embed_raw(crops) for embedder in embedders)

    assert not np.allclose(before, after)
    assert (before >= 0).all()
    assert len({embedder.space for embedder in embedders}) == 2


def test_normalising_on_the_device_gives_the_same_numbers() -> None:
    images = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    images = images + np.array([0, 1, 2], np.uint8)

    found = normalise_tensor(torch.from_numpy(images), IMAGENET)

    np.testing.assert_allclose(found.numpy(), normalise(images), rtol=1e-6, atol=1e-7)


def test_name_says_what_computes_where(embedder: TorchEmbedder) -> None:
    assert embedder.name == "torch rga_resnet50 sc 64x32 fp32 on cpu"
    assert embedder.precision == "fp32"


def test_no_crops_give_no_raw_rows(embedder: TorchEmbedder) -> None:
    assert embedder.embed_raw([]).shape == (0, 2048)


def test_closed_embedder_says_so(small_weights: Path) -> None:
    embedder = open_torch_embedder(small_weights, device="cpu", precision="fp32")

    embedder.close()

    with pytest.raises(ReidError, match="closed"):
        embedder.embed(drawn_crops(1))


def test_threads_are_set_only_on_request(small_weights: Path) -> None:
    before = torch.get_num_threads()

    open_torch_embedder(small_weights, device="cpu", precision="fp32")
    unasked = torch.get_num_threads()
    open_torch_embedder(small_weights, device="cpu", precision="fp32", num_threads=1)
    asked = torch.get_num_threads()
    torch.set_num_threads(before)

    assert (unasked, asked) == (before, 1)


@pytest.mark.parametrize("device", ["tpu", "mps", "cuda:99", ""])
def test_absent_device_is_named_with_the_choices(small_weights: Path, device: str) -> None:
    with pytest.raises(BackendError, match=rf"device '{device}'.*(cpu|cuda)"):
        open_torch_embedder(small_weights, device=device)


def test_absent_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.pth"):
        open_torch_embedder(tmp_path / "absent.pth")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_agrees_with_the_cpu(embedder: TorchEmbedder, small_weights: Path) -> None:
    crops = drawn_crops(70)
    on_gpu = open_torch_embedder(small_weights, device="cuda", precision="fp32")

    cosines = (on_gpu.embed(crops) * embedder.embed(crops)).sum(1)

    assert cosines.min() > 0.999
