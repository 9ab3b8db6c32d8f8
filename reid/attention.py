"""Relation-aware global attention (RGA): every node is weighed by its relations to all others.

Zhang, Lan, Zeng, Jin, Chen, "Relation-Aware Global Attention for Person Re-identification",
CVPR 2020 (arXiv 1904.02998), section 3. Spatial attention takes the N = H*W positions of a map as
nodes with C features each; channel attention takes the C channels as nodes with N features each.
Seen as (b, features, nodes) both are the same computation, and this file says it once.

The published formula builds the affinity G = theta^T phi, (b, nodes, nodes), and feeds each node
its row and its column through a 1x1 convolution W = [W_in | W_out]. G has rank features/8 and is
used through that linear map only, so the product is taken in the other order; G is never formed:

    sum_i W_in[:, i] G[j, i] + sum_i W_out[:, i] G[i, j]
        = (W_in phi^T) theta_j + (W_out theta^T) phi_j

Both forms have the same parameters and, up to rounding, the same outputs and gradients
(docs/adr/0004-exact-low-rank-attention.md).

Letters: b items, C channels, H W the map, K features and M nodes of an attention, F = K/8, O = M/8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid.model_info import Variant

RATIO = 8
"""Features, relations and the attention MLP are each reduced by this factor (r1 = r2 = 8)."""

OPEN_GATE_WEIGHT, OPEN_GATE_BIAS = 0.1, 4.0
"""Last BatchNorm of a gate that starts open: sigmoid(4) = 0.98."""

Kind = Literal["spatial", "channel"]


class Projections(NamedTuple):
    """The three embeddings of the nodes, each (b, F, M), after ReLU."""

    theta: Tensor
    phi: Tensor
    cue: Tensor


@dataclass(frozen=True, slots=True)
class RelationBlocks:
    """The layers of one attention: blocks of 1x1 convolution, BatchNorm and ReLU.

    Attributes:
        gx: K -> F, the global cue.
        theta: K -> F.
        phi: K -> F.
        gg: 2M -> O, on the stacked relations (received, sent).
        head: 1 + O -> hidden -> 1, without the last ReLU; `W` in checkpoints.
    """

    gx: nn.Sequential
    theta: nn.Sequential
    phi: nn.Sequential
    gg: nn.Sequential
    head: nn.Sequential

    @classmethod
    def build(cls, num_features: int, num_nodes: int) -> RelationBlocks:
        """Fresh layers for an attention over `num_nodes` nodes; widths never fall under 1."""
        inner = max(1, num_features // RATIO)
        relations = max(1, num_nodes // RATIO)
        hidden = max(1, (1 + relations) // RATIO)
        return cls(
            gx=_block(num_features, inner),
            theta=_block(num_features, inner),
            phi=_block(num_features, inner),
            gg=_block(2 * num_nodes, relations),
            head=nn.Sequential(
                *_block(1 + relations, hidden),
                nn.Conv2d(hidden, 1, 1, bias=False),
                nn.BatchNorm2d(1),
            ),
        )

    def named(self) -> Iterator[tuple[str, nn.Sequential]]:
        """The layers with their names in checkpoints."""
        yield from (
            ("gx", self.gx),
            ("theta", self.theta),
            ("phi", self.phi),
            ("gg", self.gg),
            ("W", self.head),
        )


class RelationAwareAttention(nn.Module):
    """Multiplies a map by its spatial gate, its channel gate, or the one and then the other.

    Args:
        channels: C of the map.
        size: (H, W) of the map; the widths of the layers depend on it.
        variant: "sc" spatial, then channel on the re-weighted map; "s" or "c" one of them.
        literal: Form the affinity as published, with three convolutions for theta, phi and the
            cue: slow, for comparison. May be switched at any time.
        open_gates: Start with gates near 1 instead of near 0.5: an addition of ours that trains
            faster from ImageNet weights.
    """

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        *,
        variant: Variant,
        literal: bool = False,
        open_gates: bool = False,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.size = size
        self.literal = literal
        kinds: dict[Variant, tuple[Kind, ...]] = {
            "sc": ("spatial", "channel"),
            "s": ("spatial",),
            "c": ("channel",),
        }
        self.kinds = kinds[variant]
        num_positions = size[0] * size[1]
        for kind in self.kinds:
            is_spatial = kind == "spatial"
            blocks = RelationBlocks.build(
                num_features=channels if is_spatial else num_positions,
                num_nodes=num_positions if is_spatial else channels,
            )
            for name, block in blocks.named():
                self.add_module(f"{name}_{kind}", block)
            if open_gates:
                nn.init.constant_(batch_norm(blocks.head, -1).weight, OPEN_GATE_WEIGHT)
                nn.init.constant_(batch_norm(blocks.head, -1).bias, OPEN_GATE_BIAS)

    def blocks(self, kind: Kind) -> RelationBlocks:
        """The layers of one attention.

        Raises:
            AttributeError: The variant has no such attention.
        """
        return RelationBlocks(
            *(
                _sequential(self.get_submodule(f"{name}_{kind}"))
                for name in ("gx", "theta", "phi", "gg", "W")
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, C, H, W) weighed by gates in (0, 1), same shape."""
        for kind in self.kinds:
            gate = self._gate(kind, x)
            x = x * (
                gate.view(-1, 1, *self.size)
                if kind == "spatial"
                else gate.view(-1, self.channels, 1, 1)
            )
        return x

    def _gate(self, kind: Kind, x: Tensor) -> Tensor:
        """(b, 1, M, 1) gate of each node."""
        blocks = self.blocks(kind)
        nodes = x.flatten(2)  # (b, C, N), a view in either memory format
        if kind == "channel":
            nodes = nodes.transpose(1, 2)
        nodes = nodes.unsqueeze(-1)  # (b, K, M, 1)
        if self.literal:
            theta, phi, cue = project_literally(blocks, nodes)
            relations = literal_relations(theta, phi, convolution(blocks.gg, 0).weight)
        else:
            theta, phi, cue = project(blocks, nodes)
            relations = low_rank_relations(theta, phi, convolution(blocks.gg, 0).weight)
        relations = blocks.gg[1:](relations.unsqueeze(-1))  # (b, O, M, 1)
        cue = cue.mean(1, keepdim=True).unsqueeze(-1)  # (b, 1, M, 1)
        return torch.sigmoid(blocks.head(torch.cat([cue, relations], 1)))


def project(blocks: RelationBlocks, nodes: Tensor) -> Projections:
    """Theta, phi and cue of (b, K, M, 1) nodes by one convolution; each keeps its own BatchNorm."""
    parts = (blocks.theta, blocks.phi, blocks.gx)
    weight = torch.cat([convolution(part, 0).weight for part in parts])
    joint = functional.conv2d(nodes, weight).chunk(3, 1)
    return Projections(
        *(part[1:](columns).squeeze(-1) for part, columns in zip(parts, joint, strict=True))
    )


def project_literally(blocks: RelationBlocks, nodes: Tensor) -> Projections:
    """Theta, phi and cue of (b, K, M, 1) nodes by a convolution each, as published."""
    parts = (blocks.theta, blocks.phi, blocks.gx)
    return Projections(*(part(nodes).squeeze(-1) for part in parts))


def low_rank_relations(theta: Tensor, phi: Tensor, weight: Tensor) -> Tensor:
    """The linear map of all relations, without forming them.

    Args:
        theta: (b, F, M).
        phi: (b, F, M).
        weight: (O, 2M, 1, 1), received relations first.

    Returns:
        (b, O, M), before BatchNorm.
    """
    received, sent = weight.flatten(1).chunk(2, 1)  # (O, M) each
    from_phi = functional.linear(phi, received).transpose(1, 2)  # (b, O, F)
    from_theta = functional.linear(theta, sent).transpose(1, 2)
    return torch.baddbmm(torch.bmm(from_phi, theta), from_theta, phi)


def literal_relations(theta: Tensor, phi: Tensor, weight: Tensor) -> Tensor:
    """What `low_rank_relations` gives, from the (b, M, M) affinity as published."""
    affinity = torch.bmm(theta.transpose(1, 2), phi)
    relations = torch.cat([affinity.transpose(1, 2), affinity], 1)  # (b, 2M, M)
    return functional.conv2d(relations.unsqueeze(-1), weight).squeeze(-1)


def convolution(block: nn.Sequential, index: int) -> nn.Conv2d:
    """The convolution at a place of a block."""
    layer = block[index]
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"layer {index} is a {type(layer).__name__}, not a convolution")
    return layer


def batch_norm(block: nn.Sequential, index: int) -> nn.BatchNorm2d:
    """The BatchNorm at a place of a block."""
    layer = block[index]
    if not isinstance(layer, nn.BatchNorm2d):
        raise TypeError(f"layer {index} is a {type(layer).__name__}, not a BatchNorm")
    return layer


def _block(inputs: int, outputs: int) -> nn.Sequential:
    convolution_1x1 = nn.Conv2d(inputs, outputs, 1, bias=False)
    nn.init.kaiming_normal_(convolution_1x1.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution_1x1, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _sequential(module: nn.Module) -> nn.Sequential:
    if not isinstance(module, nn.Sequential):
        raise TypeError(f"expected a Sequential, found a {type(module).__name__}")
    return module
