from __future__ import annotations

import copy

import pytest
import torch

from reid.attention import RelationAwareAttention
from reid.model_info import Variant
from training.attention_step import attended


def gradients(attention: RelationAwareAttention) -> dict[str, torch.Tensor]:
    return {name: p.grad for name, p in attention.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("variant", ["sc", "s", "c"])
@pytest.mark.parametrize("channels_last", [False, True], ids=["nchw", "channels_last"])
def test_it_is_the_attention_in_outputs_gradients_and_statistics(
    variant: Variant, channels_last: bool
) -> None:
    torch.manual_seed(0)
    plain = RelationAwareAttention(64, (8, 4), variant=variant).double().train()
    fast = copy.deepcopy(plain)
    images = torch.randn(5, 64, 8, 4, dtype=torch.float64)
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    upstream = torch.randn(5, 64, 8, 4, dtype=torch.float64)
    inputs = [images.clone().requires_grad_() for _ in range(2)]

    expected_map, found_map = plain(inputs[0]), attended(fast, inputs[1])
    torch.autograd.backward([expected_map, found_map], [upstream, upstream])

    assert torch.allclose(expected_map, found_map, atol=1e-12)
    assert inputs[0].grad is not None
    assert inputs[1].grad is not None
    assert torch.allclose(inputs[0].grad, inputs[1].grad, atol=1e-12)
    expected, found = gradients(plain), gradients(fast)
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():
        assert torch.allclose(gradient, found[name], atol=1e-12), name
    for (name, before), after in zip(plain.named_buffers(), fast.buffers(), strict=True):
        assert torch.allclose(before.double(), after.double(), atol=1e-12), name


def test_the_published_formula_is_used_where_it_is_asked_for() -> None:
    torch.manual_seed(0)
    attention = RelationAwareAttention(32, (4, 2), variant="sc", literal=True).double()
    images = torch.randn(3, 32, 4, 2, dtype=torch.float64)

    assert torch.equal(attended(copy.deepcopy(attention), images), attention(images))


def test_it_runs_in_bfloat16_and_keeps_statistics_in_float32() -> None:
    attention = RelationAwareAttention(64, (8, 4), variant="sc")
    images = torch.randn(4, 64, 8, 4).bfloat16().contiguous(memory_format=torch.channels_last)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = attended(attention, images)

    assert result.dtype == torch.bfloat16
    assert {b.dtype for b in attention.buffers()} == {torch.float32, torch.int64}
