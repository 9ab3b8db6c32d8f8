"""Weights files: what goes in comes out, and every wrong file is named with its cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from reid.checkpoint import (
    describe,
    hash_weights,
    load_imagenet_backbone,
    load_model,
    save_safetensors,
)
from reid.errors import CheckpointError
from reid.model import RGAResNet50

SIZE = (32, 16)

Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def model() -> RGAResNet50:
    torch.manual_seed(1)
    return RGAResNet50(size=SIZE, num_classes=5).eval()


@pytest.fixture
def weights(model: RGAResNet50) -> Weights:
    """A dictionary of its own; the tensors are the model's."""
    return dict(model.state_dict())


def assert_same_features(first: RGAResNet50, second: RGAResNet50) -> None:
    images = torch.randn(2, 3, *SIZE)
    with torch.inference_mode():
        torch.testing.assert_close(first(images).after_bn, second(images).after_bn)


def test_published_file_gives_the_model(
    model: RGAResNet50, weights: Weights, tmp_path: Path
) -> None:
    path = tmp_path / "best.pth.tar"
    content = {
        "state_dict": weights,
        "epoch": 600,
        "best_top1": np.float64(0.811),
        "optimizer": {"state": {}, "param_groups": [{"lr": 8e-4, "params": [0]}]},
    }
    torch.save(content, path)

    loaded, info = load_model(path)

    assert_same_features(loaded, model)
    assert not loaded.training
    assert (info.variant, info.size, info.training_data) == ("sc", SIZE, "")


@pytest.mark.parametrize("zipped", [True, False], ids=["today's format", "before PyTorch 1.6"])
@pytest.mark.parametrize(
    "wrap",
    [dict, lambda w: {f"module.{name}": value for name, value in w.items()}],
    ids=["bare", "DataParallel"],
)
def test_other_ways_to_save_the_same_weights_are_read(
    model: RGAResNet50,
    weights: Weights,
    tmp_path: Path,
    wrap: Callable[[Weights], Weights],
    zipped: bool,
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(wrap(weights), path, _use_new_zipfile_serialization=zipped)

    loaded, _ = load_model(path)

    assert_same_features(loaded, model)


def test_classifier_and_counters_may_be_absent(
    model: RGAResNet50, weights: Weights, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    absent = {name for name in weights if name == "cls.weight" or name.endswith("tracked")}
    torch.save({name: value for name, value in weights.items() if name not in absent}, path)

    loaded, info = load_model(path)

    assert loaded.cls is None
    assert_same_features(loaded, model)
    assert info.space == describe(model).space


def test_own_file_keeps_weights_and_description(model: RGAResNet50, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    info = describe(model, feature="before_bn", training_data="CUHK03-NP labelled")

    written = save_safetensors(path, model, info)
    loaded, read = load_model(path)

    assert read == written == info
    assert_same_features(loaded, model)
    assert [file.name for file in tmp_path.iterdir()] == ["own.safetensors"]


def test_space_is_of_the_values_not_of_the_file(
    model: RGAResNet50, weights: Weights, tmp_path: Path
) -> None:
    torch.save(weights, tmp_path / "a.pth")
    save_safetensors(tmp_path / "b.safetensors", model, describe(model))
    save_safetensors(tmp_path / "c.safetensors", model, describe(model), precision="fp16")

    spaces = [load_model(tmp_path / name)[1].space for name in ("a.pth", "b.safetensors")]
    rounded, rounded_info = load_model(tmp_path / "c.safetensors")

    assert spaces[0] == spaces[1] != rounded_info.space
    assert rounded.feat_bn.weight.dtype == torch.float32
    assert_same_size_ratio(tmp_path)


def assert_same_size_ratio(folder: Path) -> None:
    ratio = (folder / "c.safetensors").stat().st_size / (folder / "b.safetensors").stat().st_size
    assert ratio == pytest.approx(0.5, abs=0.03)


def test_one_changed_value_changes_the_hash(model: RGAResNet50, weights: Weights) -> None:
    before = hash_weights(weights)
    name = "backbone.rga_att3.theta_channel.0.weight"

    changed = weights | {name: weights[name].clone().index_fill_(0, torch.tensor([0]), 0.5)}

    assert hash_weights(changed) != before
    assert hash_weights(weights | {"cls.weight": torch.zeros(9, 2048)}) == before
    assert describe(model).weights_hash == before


def test_safetensors_without_our_header_are_read(
    model: RGAResNet50, weights: Weights, tmp_path: Path
) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file(weights, path)

    loaded, _ = load_model(path)

    assert_same_features(loaded, model)


def test_literal_form_gives_the_same_features(
    model: RGAResNet50, weights: Weights, tmp_path: Path
) -> None:
    torch.save(weights, tmp_path / "weights.pth")

    literal, _ = load_model(tmp_path / "weights.pth", literal=True)
    images = torch.randn(2, 3, *SIZE)
    with torch.inference_mode():
        found, expected = literal(images).before_bn, model(images).before_bn

    assert torch.cosine_similarity(found, expected).min() > 0.999


def _without_phi(weights: Weights) -> Weights:
    return {name: value for name, value in weights.items() if "rga_att2.phi_spatial" not in name}


def _with_part_head(weights: Weights) -> Weights:
    return weights | {"part_head.weight": torch.zeros(3)}


def _with_nan(weights: Weights) -> Weights:
    return weights | {"feat_bn.weight": torch.full((2048,), torch.nan)}


def _with_wide_stem(weights: Weights) -> Weights:
    return weights | {"backbone.conv1.weight": torch.zeros(64, 4, 7, 7)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_phi, r"5 missing \(backbone.rga_att2.phi_spatial.0.weight, .*, \.\.\.\)"),
        (_with_part_head, r"1 unknown \(part_head.weight\)"),
        (_with_nan, r"1 not finite \(feat_bn.weight\)"),
        (
            _with_wide_stem,
            r"1 of another shape \(backbone.conv1.weight is .*4, 7, 7\) instead of .*3, 7, 7\)",
        ),
    ],
    ids=["missing", "unknown", "not finite", "another shape"],
)
def test_what_does_not_fit_is_named(
    weights: Weights, tmp_path: Path, change: Callable[[Weights], Weights], message: str
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(change(weights), path)

    with pytest.raises(CheckpointError, match=rf"weights.pth: .* SC at 32x16: {message}"):
        load_model(path)


def test_wish_for_another_size_or_variant_names_both(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(weights, path)

    with pytest.raises(CheckpointError, match=r"for images of 32x16 .* asked for was 256x128"):
        load_model(path, size=(256, 128))
    with pytest.raises(CheckpointError, match="variant 'sc', asked for was 'c'"):
        load_model(path, variant="c")


def test_wish_settles_the_aspect_that_published_weights_leave_open(
    model: RGAResNet50, weights: Weights, tmp_path: Path
) -> None:
    torch.save(weights, tmp_path / "published.pth")
    save_safetensors(tmp_path / "own.safetensors", model, describe(model))

    _, info = load_model(tmp_path / "published.pth", size=(16, 32))

    assert info.size == (16, 32)
    with pytest.raises(CheckpointError, match="32x16"):
        load_model(tmp_path / "own.safetensors", size=(16, 32))


def test_weights_that_are_not_those_of_the_header_are_refused(
    model: RGAResNet50, tmp_path: Path
) -> None:
    path = tmp_path / "own.safetensors"
    info = save_safetensors(path, model, describe(model))
    changed = load_file(path)
    changed["feat_bn.weight"] *= 2
    save_file(changed, path, metadata={"crosscam": info.to_json()})

    with pytest.raises(CheckpointError, match="not those that the file's header describes"):
        load_model(path)


def test_header_that_is_no_description_is_refused(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_file(weights, path, metadata={"crosscam": '{"variant": "sc"}'})

    with pytest.raises(CheckpointError, match=r"own.safetensors: .*description"):
        load_model(path)


def test_header_of_another_size_is_refused_before_anything_is_built(
    model: RGAResNet50, weights: Weights, tmp_path: Path
) -> None:
    path = tmp_path / "own.safetensors"
    huge = replace(describe(model), size=(1 << 20, 1 << 20))
    save_file(weights, path, metadata={"crosscam": huge.to_json()})

    with pytest.raises(CheckpointError, match="header says 1048576x1048576"):
        load_model(path)


def test_step_counters_are_kept(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(weights | {"feat_bn.num_batches_tracked": torch.tensor(47)}, path)

    loaded, _ = load_model(path)

    assert loaded.state_dict()["feat_bn.num_batches_tracked"].item() == 47


def test_description_of_another_model_is_not_written(model: RGAResNet50, tmp_path: Path) -> None:
    wrong = replace(describe(model), size=(64, 32))

    with pytest.raises(ValueError, match=r"\(64, 32\)"):
        save_safetensors(tmp_path / "own.safetensors", model, wrong)


def test_failed_write_leaves_nothing_behind(model: RGAResNet50, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_safetensors(tmp_path / "absent" / "own.safetensors", model, describe(model))

    assert list(tmp_path.iterdir()) == []


def imagenet_weights(model: RGAResNet50) -> Weights:
    return {
        name: value + 1 if value.is_floating_point() else value
        for name, value in model.backbone.state_dict().items()
        if not name.startswith("rga_att")
    }


def test_imagenet_weights_fill_the_trunk_only(model: RGAResNet50, tmp_path: Path) -> None:
    torch.manual_seed(2)
    fresh = RGAResNet50(size=SIZE)
    attention = fresh.backbone.get_submodule("rga_att1").state_dict()
    before = {name: value.clone() for name, value in attention.items()}
    imagenet = imagenet_weights(model)
    extra = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    torch.save(imagenet | extra, tmp_path / "resnet50.pth")

    report = load_imagenet_backbone(fresh, tmp_path / "resnet50.pth")

    assert (report.num_loaded, report.ignored) == (318, ("fc.bias", "fc.weight"))
    state: dict[str, Any] = fresh.backbone.state_dict()
    torch.testing.assert_close(state["layer4.2.conv3.weight"], imagenet["layer4.2.conv3.weight"])
    torch.testing.assert_close(fresh.backbone.get_submodule("rga_att1").state_dict(), before)


def test_incomplete_imagenet_weights_are_refused(model: RGAResNet50, tmp_path: Path) -> None:
    imagenet = imagenet_weights(model)
    del imagenet["layer3.5.conv2.weight"]
    save_file(imagenet, tmp_path / "resnet50.safetensors")

    with pytest.raises(CheckpointError, match=r"ResNet-50 .* 1 missing \(layer3.5.conv2.weight\)"):
        load_imagenet_backbone(model, tmp_path / "resnet50.safetensors")


def test_imagenet_weights_are_no_embedder(model: RGAResNet50, tmp_path: Path) -> None:
    save_file(imagenet_weights(model), tmp_path / "resnet50.safetensors")

    with pytest.raises(CheckpointError, match="plain ResNet, without attention"):
        load_model(tmp_path / "resnet50.safetensors")


@pytest.mark.shared
def test_imagenet_weights_of_the_research_data_load(shared_dir: Path) -> None:
    report = load_imagenet_backbone(
        RGAResNet50(size=SIZE), shared_dir / "weights" / "imagenet_resnet50_fp16.safetensors"
    )

    assert report.num_loaded == 318


@pytest.mark.shared
def test_weights_of_another_network_are_refused(shared_dir: Path) -> None:
    with pytest.raises(CheckpointError, match="no RGA-ResNet50 weights"):
        load_model(shared_dir / "weights" / "osnet" / "osnet_x0_25_market1501.pth")
