"""Variant and size, from shapes alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reid.layout import Layout, infer_layout
from reid.model import RGAResNet50
from reid.model_info import Variant


@pytest.mark.parametrize("variant", ["sc", "s", "c"])
@pytest.mark.parametrize("size", [(256, 128), (384, 128), (128, 64), (160, 64), (32, 16)], ids=str)
def test_layout_of_a_model_is_found_again(variant: Variant, size: tuple[int, int]) -> None:
    with torch.device("meta"):
        model = RGAResNet50(variant=variant, size=size, num_classes=11)
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}

    layout = infer_layout(shapes)

    assert (layout.variant, layout.size, layout.num_classes) == (variant, size, 11)


@given(st.integers(1, 4096))
def test_guessed_size_has_the_right_area(num_positions: int) -> None:
    height, width = Layout("sc", num_positions, None).size

    assert height * width == num_positions * 256
    assert height % 16 == width % 16 == 0


def test_twice_as_high_as_wide_is_preferred() -> None:
    sizes = [(16 * 2 * side, 16 * side) for side in range(1, 20)]

    assert [Layout("sc", 2 * side * side, None).size for side in range(1, 20)] == sizes


def test_other_parameters_are_named() -> None:
    with pytest.raises(ValueError, match=r"among 2 parameters \(a, b, \.\.\.\)"):
        infer_layout({"b": (1,), "a": (2,)})
    with pytest.raises(ValueError, match="nothing"):
        infer_layout({})


def test_attention_over_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no positions"):
        infer_layout({"backbone.rga_att4.gg_spatial.0.weight": (1, 1, 1, 1)})
