from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid.checkpoint import describe, save_safetensors
from reid.drawn_crops import drawn_crops
from reid.model import RGAResNet50
from training.attention_figures import (
    AttentionFigures,
    attention_figures,
    attention_html,
    overlay,
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """Models this small are slower on several threads, and on a busy machine much slower."""
    torch.set_num_threads(1)


def test_overlay_is_brightest_where_the_gate_is_open() -> None:
    gate = np.zeros((4, 2), np.float32)
    gate[3, 1] = 0.5

    found = overlay(np.full((128, 64, 3), 100, np.uint8), gate)

    assert found[120, 60].sum() > found[8, 8].sum() + 100


def test_flat_gate_is_one_colour() -> None:
    found = overlay(np.full((128, 64, 3), 100, np.uint8), np.full((4, 2), 0.7, np.float32))

    assert np.ptp(found.reshape(-1, 3), axis=0).max() == 0


def test_each_crop_has_a_row_with_its_stages() -> None:
    crops = tuple(drawn_crops(2, (32, 16)))
    gates = tuple(np.full((2, 4, 2), share, np.float32) for share in (0.25, 0.75))

    html = attention_html(AttentionFigures(crops, gates), is_blurred=True)

    assert html.count('class="list"') == 2
    assert html.count("data:image/jpeg") == 6
    assert html.count("stage 2<br>0.75 to 0.75") == 2


def test_model_without_spatial_attention_says_so() -> None:
    html = attention_html(AttentionFigures((), ()), is_blurred=True)

    assert "no spatial attention" in html


@pytest.mark.parametrize(("num_images", "expected"), [(3, 3), (20, 8)])
def test_figures_are_of_some_of_the_images(tmp_path: Path, num_images: int, expected: int) -> None:
    torch.manual_seed(0)
    model = RGAResNet50(size=(32, 16), variant="s").eval()
    save_safetensors(tmp_path / "small.safetensors", model, describe(model))
    paths = [tmp_path / f"{number}.png" for number in range(num_images)]
    for path, crop in zip(paths, drawn_crops(num_images, (32, 16)), strict=True):
        cv2.imwrite(str(path), crop)

    found = attention_figures(tmp_path / "small.safetensors", paths)

    assert len(found.crops) == expected
    assert [gates.shape for gates in found.gates] == [
        (expected, 8, 4), (expected, 4, 2), (expected, 2, 1), (expected, 2, 1),
    ]  # fmt: skip
