from __future__ import annotations

import numpy as np
import pytest
import torch

from reid.attention_maps import spatial_gates
from reid.drawn_crops import drawn_crops
from reid.model import RGAResNet50
from reid.model_info import Variant
from reid.preprocess import preprocess

SIZE = (64, 32)


def model(variant: Variant, *, open_gates: bool = False) -> RGAResNet50:
    torch.manual_seed(0)
    return RGAResNet50(variant=variant, size=SIZE, open_gates=open_gates).eval()


@pytest.mark.parametrize("variant", ["sc", "s"])
def test_each_stage_has_a_map_of_its_size(variant: Variant) -> None:
    found = spatial_gates(model(variant), drawn_crops(2, (90, 40)))

    assert [gates.shape for gates in found] == [(2, 16, 8), (2, 8, 4), (2, 4, 2), (2, 4, 2)]
    assert all(((gates >= 0) & (gates <= 1)).all() for gates in found)


def test_gates_are_what_the_map_is_multiplied_by() -> None:
    """Spatial attention alone: output over input of the first stage, where it is not zero."""
    network = model("s")
    crops = drawn_crops(2, SIZE)
    _, attention = network.backbone.stages()[0]
    assert attention is not None
    seen = []
    attention.register_forward_hook(lambda _, given, output: seen.append((given[0], output)))

    with torch.inference_mode():
        network(torch.from_numpy(np.ascontiguousarray(preprocess(crops, SIZE))))
    given, output = seen[0]
    ratio = (output / given).numpy()  # (2, C, h, w), NaN at 0 / 0
    expected = np.nanmedian(ratio, axis=1)

    np.testing.assert_allclose(spatial_gates(network, crops)[0], expected, rtol=1e-5)


def test_open_gates_are_open() -> None:
    for gates in spatial_gates(model("sc", open_gates=True), drawn_crops(1, SIZE)):
        assert np.median(gates) > 0.9


def test_channel_attention_alone_has_no_maps() -> None:
    assert spatial_gates(model("c"), drawn_crops(1, SIZE)) == []


def test_no_crops_give_empty_maps() -> None:
    assert [gates.shape for gates in spatial_gates(model("s"), [])] == [
        (0, 16, 8),
        (0, 8, 4),
        (0, 4, 2),
        (0, 4, 2),
    ]


def test_model_is_left_without_hooks() -> None:
    network = model("s")

    spatial_gates(network, drawn_crops(1, SIZE))

    assert not any(module._forward_hooks for module in network.modules())
