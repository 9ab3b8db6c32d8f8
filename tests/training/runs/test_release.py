from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reid.checkpoint import describe, load_model, save_safetensors
from reid.model import RGAResNet50
from training.errors import DataError
from training.release import release_weights
from training.run_folder import RunFolder


def saved(file: Path, seed: int) -> RGAResNet50:
    torch.manual_seed(seed)
    model = RGAResNet50(size=(32, 16), num_classes=6).eval()
    save_safetensors(file, model, describe(model, training_data="6 people"))
    return model


def test_the_end_of_a_run_is_released_without_classifier(tmp_path: Path) -> None:
    folder, out = RunFolder(tmp_path), tmp_path / "released.safetensors"
    saved(folder.best, 1)
    final = saved(folder.final, 2)

    info = release_weights(tmp_path, out, feature="before_bn")

    model, found = load_model(out)
    assert found == info
    assert model.cls is None
    assert (info.feature, info.training_data) == ("before_bn", "6 people")
    assert out.stat().st_size < 0.55 * folder.final.stat().st_size
    for name, value in model.state_dict().items():
        assert torch.allclose(value, final.state_dict()[name], rtol=1e-3, atol=1e-6), name


def test_the_best_evaluation_is_released_if_asked_for(tmp_path: Path) -> None:
    folder, out = RunFolder(tmp_path), tmp_path / "released.safetensors"
    best = saved(folder.best, 1)
    saved(folder.final, 2)

    release_weights(tmp_path, out, which="best", precision="fp32")

    assert torch.equal(load_model(out)[0].feat_bn.weight, best.feat_bn.weight)


def test_weights_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"final\.safetensors: not there"):
        release_weights(tmp_path, tmp_path / "out.safetensors")
