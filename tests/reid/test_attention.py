"""Relation-aware attention: the exact rewrite against the published formula and a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from reid.attention import RelationAwareAttention, literal_relations, low_rank_relations
from reid.model_info import Variant

VARIANTS: tuple[Variant, ...] = ("sc", "s", "c")


class LargestResult(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the most values that any result of an operation had, views not counted."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.num_values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result._base is None:
            self.num_values = max(self.num_values, result.untyped_storage().size())
        return result


def attention_pair(
    variant: Variant, channels: int = 32, size: tuple[int, int] = (6, 4)
) -> tuple[RelationAwareAttention, RelationAwareAttention]:
    """The two forms with the same parameters, float64, in training mode."""
    torch.manual_seed(7)
    low_rank = RelationAwareAttention(channels, size, variant=variant).double()
    literal = RelationAwareAttention(channels, size, variant=variant, literal=True).double()
    literal.load_state_dict(low_rank.state_dict())
    return low_rank, literal


def relations_by_loop(
    theta: np.ndarray[Any, Any], phi: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """The published formula for one item, a number at a time."""
    num_nodes, num_outputs = theta.shape[1], weight.shape[0]
    result = np.zeros((num_outputs, num_nodes))
    for output in range(num_outputs):
        for node in range(num_nodes):
            for other in range(num_nodes):
                received = theta[:, node] @ phi[:, other]
                sent = theta[:, other] @ phi[:, node]
                result[output, node] += weight[output, other] * received
                result[output, node] += weight[output, num_nodes + other] * sent
    return result


@given(
    num_features=st.integers(1, 5),
    num_nodes=st.integers(1, 6),
    num_outputs=st.integers(1, 3),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=25, deadline=None)
def test_both_forms_give_the_sums_that_a_loop_gives(
    num_features: int, num_nodes: int, num_outputs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    theta, phi = rng.standard_normal((2, 1, num_features, num_nodes))
    weight = rng.standard_normal((num_outputs, 2 * num_nodes))
    expected = relations_by_loop(theta[0], phi[0], weight)

    for form in (low_rank_relations, literal_relations):
        relations = form(
            torch.from_numpy(theta),
            torch.from_numpy(phi),
            torch.from_numpy(weight[:, :, None, None]),
        )
        np.testing.assert_allclose(relations[0].numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_rewrite_has_the_outputs_gradients_and_statistics_of_the_published_formula(
    variant: Variant,
) -> None:
    low_rank, literal = attention_pair(variant)
    x = torch.randn(3, 32, 6, 4, dtype=torch.float64)
    outputs, gradients = [], []
    for attention in (low_rank, literal):
        leaf = x.clone().requires_grad_()
        output = attention(leaf)
        output.pow(2).sum().backward()
        outputs.append(output.detach())
        gradients.append([leaf.grad, *(parameter.grad for parameter in attention.parameters())])

    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(low_rank.state_dict(), literal.state_dict(), rtol=1e-11, atol=1e-12)


def test_literal_may_be_switched_at_any_time() -> None:
    attention, _ = attention_pair("sc")
    x = torch.randn(2, 32, 6, 4, dtype=torch.float64)
    attention.eval()

    before = attention(x)
    attention.literal = True

    torch.testing.assert_close(attention(x), before, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["s", "c"])
def test_affinity_is_never_formed_in_training(kind: Variant) -> None:
    channels, size = (64, (32, 16)) if kind == "s" else (512, (4, 4))
    num_nodes = 512
    low_rank, literal = attention_pair(kind, channels, size)
    x = torch.randn(2, channels, *size, dtype=torch.float64, requires_grad=True)
    largest = []
    for attention in (low_rank, literal):
        with LargestResult() as noted:
            attention(x).sum().backward()
        largest.append(noted.num_values // x.element_size())

    assert largest[0] < 2 * num_nodes**2 / 3
    assert largest[1] >= 2 * num_nodes**2


@pytest.mark.parametrize("variant", VARIANTS)
def test_gates_lie_between_nothing_and_everything(variant: Variant) -> None:
    attention = RelationAwareAttention(32, (6, 4), variant=variant)
    x = torch.rand(2, 32, 6, 4) + 0.1

    ratio = attention(x) / x

    assert ratio.min() > 0
    assert ratio.max() < 1


def test_open_gates_let_nearly_everything_through() -> None:
    attention = RelationAwareAttention(32, (6, 4), variant="s", open_gates=True)
    x = torch.rand(2, 32, 6, 4) + 0.1

    ratio = attention(x) / x

    assert ratio.mean().item() == pytest.approx(0.98, abs=0.005)


def test_spatial_gate_is_one_number_a_position_and_channel_gate_one_a_channel() -> None:
    x = torch.rand(2, 32, 6, 4) + 0.1

    spatial = RelationAwareAttention(32, (6, 4), variant="s")(x) / x
    channel = RelationAwareAttention(32, (6, 4), variant="c")(x) / x

    torch.testing.assert_close(spatial, spatial[:, :1].expand_as(x))
    torch.testing.assert_close(channel, channel[:, :, :1, :1].expand_as(x))


def test_memory_format_does_not_change_the_result() -> None:
    attention, _ = attention_pair("sc")
    x = torch.randn(2, 32, 6, 4, dtype=torch.float64)

    result = attention.eval()(x.contiguous(memory_format=torch.channels_last))

    torch.testing.assert_close(result, attention(x), rtol=1e-11, atol=1e-12)


def test_no_items_give_no_items() -> None:
    attention, _ = attention_pair("sc")

    assert attention.eval()(torch.empty(0, 32, 6, 4, dtype=torch.float64)).shape == (0, 32, 6, 4)


@pytest.mark.parametrize(
    ("channels", "size", "kind", "widths"),
    [
        (256, (64, 32), "spatial", (32, 4096, 256, 257, 32)),
        (256, (64, 32), "channel", (256, 512, 32, 33, 4)),
        (2048, (16, 8), "spatial", (256, 256, 16, 17, 2)),
        (2048, (4, 2), "spatial", (256, 16, 1, 2, 1)),
    ],
    ids=["stage 1 spatial", "stage 1 channel", "stage 4 spatial", "never under 1"],
)
def test_widths_follow_the_paper(
    channels: int, size: tuple[int, int], kind: str, widths: tuple[int, ...]
) -> None:
    with torch.device("meta"):
        attention = RelationAwareAttention(channels, size, variant="sc")

    blocks = attention.blocks("spatial" if kind == "spatial" else "channel")

    found = (
        _weight(blocks.theta).shape[0],
        _weight(blocks.gg).shape[1],
        _weight(blocks.gg).shape[0],
        _weight(blocks.head).shape[1],
        _weight(blocks.head).shape[0],
    )
    assert found == widths


def _weight(block: nn.Sequential) -> Tensor:
    weight = block[0].weight
    assert isinstance(weight, Tensor)
    return weight
