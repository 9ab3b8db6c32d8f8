"""The numbers of the authors' code, through every form of the model and its inputs.

`tests/golden/rga` holds what their code computed in float64. The weights are not stored: each
parameter comes from a generator that is seeded with its name.
"""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reid.fuse import prepare_for_inference
from reid.model import Features, RGAResNet50
from reid.preprocess import preprocess

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "rga"
SIZE = (256, 128)


@dataclass(frozen=True)
class Golden:
    """A variant in float64, float32 inputs, and expected outputs."""

    model: RGAResNet50
    images: Tensor
    expected: dict[str, np.ndarray[Any, Any]]


def golden_weights(
    shapes: dict[str, list[int]], statistics: dict[str, np.ndarray[Any, Any]]
) -> dict[str, Tensor]:
    """Parameters as the golden files were made with, float32; statistics as stored."""
    weights = {}
    for name, shape in shapes.items():
        if name in statistics:
            weights[name] = torch.from_numpy(statistics[name])
        elif name.endswith("num_batches_tracked"):
            weights[name] = torch.tensor(0)
        else:
            seed = crc32(f"crosscam-public/{name}".encode())
            legacy = np.random.RandomState(seed)  # the golden files were made by it
            draws = legacy.standard_normal(math.prod(shape)).astype(np.float32).reshape(shape)
            weights[name] = torch.from_numpy(_scaled(name, draws))
    return weights


def _scaled(name: str, draws: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if draws.ndim > 1:
        return draws * np.float32(math.sqrt(2 / math.prod(draws.shape[1:])))
    tenth = np.float32(0.1) * draws
    return np.float32(1) + tenth if name.endswith("weight") else tenth


@pytest.fixture(scope="module", params=["sc", "s", "c"])
def golden(request: pytest.FixtureRequest) -> Golden:
    shapes = json.loads((FOLDER / f"keys_{request.param}.json").read_text(encoding="utf-8"))
    with np.load(FOLDER / f"rga_{request.param}.npz") as file:
        stored = dict(file)
    names = [str(name) for name in stored["bn_keys"]]
    ends = np.cumsum([math.prod(shapes[name]) for name in names])
    statistics = dict(zip(names, np.split(stored["bn_values"], ends[:-1]), strict=True))
    images = preprocess(list(stored["images"][..., ::-1]), SIZE)  # RGB there, BGR here
    model = RGAResNet50(variant=request.param, num_classes=767)
    model.load_state_dict(golden_weights(shapes, statistics))
    return Golden(model.double().eval(), torch.from_numpy(images), stored)


def error_of(found: Tensor, expected: np.ndarray[Any, Any]) -> float:
    """Norm of the difference over norm."""
    return float(np.linalg.norm(found.double().numpy() - expected) / np.linalg.norm(expected))


def worst_error(features: Features, golden: Golden, num_images: int = 3) -> float:
    return max(
        error_of(features.before_bn, golden.expected["feat_before_bn"][:num_images]),
        error_of(features.after_bn, golden.expected["feat_after_bn"][:num_images]),
    )


def test_float64_agrees_in_features_scores_and_stages(golden: Golden) -> None:
    stages: list[tuple[float, float]] = []

    def note(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        stages.append((output.mean().item(), output.std().item()))

    model = golden.model
    attentions = [attention for _, attention in model.backbone.stages() if attention is not None]
    hooks = [attention.register_forward_hook(note) for attention in attentions]
    with torch.inference_mode():
        features = model(golden.images.double())
        scores = model.logits(features.after_bn)
    for hook in hooks:
        hook.remove()

    assert len(stages) == 4
    assert worst_error(features, golden) < 1e-8
    assert error_of(scores, golden.expected["logits"]) < 1e-8
    for number, found in enumerate(stages, 1):
        expected = golden.expected[f"stage{number}_mean_std"]
        np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_float64_agrees_in_the_published_form(golden: Golden) -> None:
    golden.model.use_literal_form(literal=True)
    with torch.inference_mode():
        features = golden.model(golden.images[:1].double())
    golden.model.use_literal_form(literal=False)

    assert worst_error(features, golden, num_images=1) < 1e-8


@pytest.mark.parametrize("literal", [False, True], ids=["low rank", "literal"])
def test_float64_agrees_when_folded(golden: Golden, literal: bool) -> None:
    golden.model.use_literal_form(literal=literal)
    network = prepare_for_inference(golden.model, dtype=torch.float64)
    golden.model.use_literal_form(literal=False)

    with torch.inference_mode():
        features = network(golden.images[:1].double())

    assert worst_error(features, golden, num_images=1) < 1e-8


def test_float32_agrees_as_well_as_float32_can(golden: Golden) -> None:
    model = copy.deepcopy(golden.model).float()

    with torch.inference_mode():
        plain = model(golden.images)
        folded = prepare_for_inference(model)(golden.images)

    assert worst_error(plain, golden) < 2e-3
    assert worst_error(folded, golden) < 2e-3
