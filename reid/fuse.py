"""RGA-ResNet50 as it is computed: BatchNorm folded, pixels in rows, no copies.

In evaluation a BatchNorm is an affine map of each channel, so it is folded into the convolution
before it (in float64, then rounded once). With maps in channels-last memory the N positions of a
map are the rows of an (N, C) matrix, and every 1x1 convolution of an attention is a matrix product
with it: rows times weights for spatial attention, weights times rows for channel attention. Nothing
is transposed in memory.

Letters as in `reid.attention`: b items, C channels, N positions, K features and M nodes of an
attention, F = K/8, O = M/8.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid.attention import Kind, RelationAwareAttention, batch_norm, convolution
from reid.model import Backbone, Bottleneck, Features, RGAResNet50


def prepare_for_inference(
    model: RGAResNet50,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> FusedRGAResNet50:
    """The same function as `model.eval()`, faster; the model itself is left as it is.

    Args:
        model: Its form is kept: the published formula, if it is on, is fused as far as it goes.
        device: Where the result computes.
        dtype: What it computes in; inputs are converted, features are float32 or better.
    """
    backbone = prepare_backbone(model.backbone, device=device, dtype=dtype)
    scale, shift = _affine(model.feat_bn)
    wide = torch.promote_types(dtype, torch.float32)
    return FusedRGAResNet50(backbone, scale.to(device, wide), shift.to(device, wide)).eval()


def prepare_backbone(
    backbone: Backbone,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> FusedBackbone:
    """A trunk alone, with or without attention, fused in the same way."""
    return FusedBackbone(backbone).to(device, dtype).eval()


class FusedRGAResNet50(nn.Module):
    """Both features of images, as `RGAResNet50` in evaluation. Built by `prepare_for_inference`."""

    scale: Tensor
    shift: Tensor

    def __init__(self, backbone: FusedBackbone, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, images: Tensor) -> Features:
        """Both (N, 2048) features of (N, 3, H, W) normalised images."""
        before_bn: Tensor = self.backbone(images).mean((2, 3), dtype=self.scale.dtype)
        return Features(before_bn, before_bn * self.scale + self.shift)


class FusedBackbone(nn.Module):
    """A trunk, with or without attention: (N, 3, H, W) -> (N, 2048, H/16, W/16)."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.stem = FoldedConvolution(backbone.conv1, backbone.bn1)
        steps: list[nn.Module] = []
        for layer, attention in backbone.stages():
            steps += [FusedBottleneck(block) for block in layer if isinstance(block, Bottleneck)]
            if attention is not None:
                steps.append(FusedAttention(attention))
        self.steps = nn.Sequential(*steps)

    def forward(self, images: Tensor) -> Tensor:
        """The map of the last stage, channels-last."""
        x = images.to(self.stem.weight.dtype, memory_format=torch.channels_last)
        x = functional.max_pool2d(self.stem(x).relu_(), 3, stride=2, padding=1)
        last_map: Tensor = self.steps(x)
        return last_map


class FusedBottleneck(nn.Module):
    """A `Bottleneck` as three convolutions with bias, four where the shortcut has one."""

    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        self.reduce = FoldedConvolution(block.conv1, block.bn1)
        self.middle = FoldedConvolution(block.conv2, block.bn2)
        self.expand = FoldedConvolution(block.conv3, block.bn3)
        self.shortcut: nn.Module = nn.Identity()
        if block.downsample is not None:
            self.shortcut = FoldedConvolution(
                convolution(block.downsample, 0), batch_norm(block.downsample, 1)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Same map as the bottleneck in evaluation."""
        out: Tensor = self.expand(self.middle(self.reduce(x).relu_()).relu_())
        return out.add_(self.shortcut(x)).relu_()


class FusedAttention(nn.Module):
    """A `RelationAwareAttention`; multiplies its input in place."""

    def __init__(self, attention: RelationAwareAttention) -> None:
        super().__init__()
        kinds = attention.kinds
        self.spatial = FusedGate("spatial", attention) if "spatial" in kinds else None
        self.channel = FusedGate("channel", attention) if "channel" in kinds else None

    def forward(self, x: Tensor) -> Tensor:
        """(b, C, h, w) channels-last, weighed in place."""
        rows = x.permute(0, 2, 3, 1).flatten(1, 2)  # (b, N, C), a view
        if self.spatial is not None:
            rows *= self.spatial(rows)  # (b, N, 1)
        if self.channel is not None:
            rows *= self.channel(rows).transpose(1, 2)  # (b, 1, C)
        return x


class FusedGate(nn.Module):
    """The gate of one attention, (b, N, C) rows -> (b, M, 1)."""

    project_weight: Tensor
    project_bias: Tensor
    received: Tensor
    sent: Tensor
    relation_bias: Tensor
    cue_weight: Tensor
    hidden_weight: Tensor
    hidden_bias: Tensor
    gate_weight: Tensor
    gate_bias: Tensor

    def __init__(self, kind: Kind, attention: RelationAwareAttention) -> None:
        super().__init__()
        self.kind = kind
        self.literal = attention.literal
        blocks = attention.blocks(kind)
        parts = [_folded_block(part) for part in (blocks.theta, blocks.phi, blocks.gx)]
        relations, hidden = _folded_block(blocks.gg), _folded_block(blocks.head)
        gate = _folded_block(blocks.head, 3)
        self.inner = parts[0].weight.shape[0]  # F
        received, sent = relations.weight.flatten(1).chunk(2, 1)  # (O, M) each
        for name, value in {
            "project_weight": torch.cat([part.weight.flatten(1) for part in parts]),  # (3F, K)
            "project_bias": torch.cat([part.bias for part in parts]),
            "received": received,
            "sent": sent,
            "relation_bias": relations.bias,
            "cue_weight": hidden.weight.flatten(1)[:, 0],  # (hidden,), the cue stands first
            "hidden_weight": hidden.weight.flatten(1)[:, 1:],  # (hidden, O)
            "hidden_bias": hidden.bias,
            "gate_weight": gate.weight.flatten(1),  # (1, hidden)
            "gate_bias": gate.bias,
        }.items():
            self.register_buffer(name, value.detach().clone())

    def forward(self, rows: Tensor) -> Tensor:
        """(b, M, 1) gates in (0, 1)."""
        joint = self._project(rows)  # (b, M, 3F)
        theta, phi, cue = joint.chunk(3, 2)
        relations = self._literal(theta, phi) if self.literal else self._low_rank(joint, theta, phi)
        hidden = functional.linear(relations.relu_(), self.hidden_weight, self.hidden_bias)
        hidden = hidden.addcmul_(cue.mean(2, keepdim=True), self.cue_weight).relu_()
        return functional.linear(hidden, self.gate_weight, self.gate_bias).sigmoid_()

    def _project(self, rows: Tensor) -> Tensor:
        if self.kind == "spatial":
            return functional.linear(rows, self.project_weight, self.project_bias).relu_()
        weight = self.project_weight.expand(len(rows), -1, -1)
        joint = torch.baddbmm(self.project_bias[:, None], weight, rows)  # (b, 3F, C)
        return joint.relu_().transpose(1, 2)

    def _low_rank(self, joint: Tensor, theta: Tensor, phi: Tensor) -> Tensor:
        """(b, M, O): see `reid.attention.low_rank_relations`."""
        num = len(joint)
        from_phi = torch.bmm(self.received.expand(num, -1, -1), phi)  # (b, O, F)
        from_theta = torch.bmm(self.sent.expand(num, -1, -1), theta)
        factors = torch.cat([from_phi, from_theta], 2).transpose(1, 2)
        pair = joint[:, :, : 2 * self.inner]  # theta, phi: (b, M, 2F)
        return torch.baddbmm(self.relation_bias, pair, factors)

    def _literal(self, theta: Tensor, phi: Tensor) -> Tensor:
        """(b, M, O): see `reid.attention.literal_relations`."""
        affinity = torch.bmm(theta, phi.transpose(1, 2))
        relations = torch.cat([affinity, affinity.transpose(1, 2)], 2)  # (b, M, 2M)
        weight = torch.cat([self.received, self.sent], 1)
        return functional.linear(relations, weight, self.relation_bias)


class Folded(NamedTuple):
    """A convolution with bias: (O, I, k, k) and (O,)."""

    weight: Tensor
    bias: Tensor


class FoldedConvolution(nn.Module):
    """One convolution with bias in place of a convolution and its BatchNorm in evaluation."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        weight, bias = _folded(layer, norm)
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.stride = (layer.stride[0], layer.stride[1])
        self.padding = (layer.kernel_size[0] // 2, layer.kernel_size[1] // 2)

    def forward(self, x: Tensor) -> Tensor:
        """What the two layers give, not yet clipped."""
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)


def _folded(layer: nn.Conv2d, norm: nn.BatchNorm2d) -> Folded:
    """In float64."""
    scale, shift = _affine(norm)
    return Folded(layer.weight.detach().double() * scale[:, None, None, None], shift)


def _folded_block(block: nn.Sequential, index: int = 0) -> Folded:
    return _folded(convolution(block, index), batch_norm(block, index + 1))


def _affine(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift, each (C,) float64, of a BatchNorm in evaluation.

    Raises:
        ValueError: It keeps no running statistics.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a BatchNorm without running statistics cannot be folded")
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.detach().double() - norm.running_mean.double() * scale
    return scale, shift
