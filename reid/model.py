"""RGA-ResNet50: a ResNet-50 with relation-aware global attention after each of its four stages.

Trunk: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, laid out like
public ImageNet weights (the stride sits on the 3x3 convolution of a bottleneck), with stride 1 in
the last stage. Attention: see `reid.attention`. Parameters are named as in published checkpoints.
"""

from __future__ import annotations

from typing import NamedTuple, get_args

from torch import Tensor, nn
from torch.nn import functional

from reid.attention import RelationAwareAttention
from reid.model_info import SIZE_STEP, Variant

__all__ = [
    "FEATURE_DIM",
    "Backbone",
    "Bottleneck",
    "Features",
    "RGAResNet50",
    "Variant",
]

FEATURE_DIM = 2048

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 1))
"""(width, number of bottlenecks, stride) of layer1 to layer4."""

EXPANSION = 4


class Features(NamedTuple):
    """Both features of a batch, each (N, 2048), not normalised."""

    before_bn: Tensor
    after_bn: Tensor


class RGAResNet50(nn.Module):
    """Embeds images of people.

    Args:
        variant: Which attentions: "sc", "s" or "c".
        size: (H, W) of the input, multiples of 16. Weights of one size do not fit another.
        num_classes: Identities of the training set; None: no classifier.
        literal: Compute attention by the published formula instead of its exact low-rank form.
        open_gates: Start the attention gates near 1 instead of near 0.5.

    Raises:
        ValueError: The variant is unknown, or a side of the size is not a positive multiple of 16.
    """

    def __init__(
        self,
        *,
        variant: Variant = "sc",
        size: tuple[int, int] = (256, 128),
        num_classes: int | None = None,
        literal: bool = False,
        open_gates: bool = False,
    ) -> None:
        super().__init__()
        if variant not in get_args(Variant):
            raise ValueError(f"variant: expected one of {get_args(Variant)}, got {variant!r}")
        self.variant: Variant = variant
        self.size = size
        self.backbone = Backbone(size, variant=variant, literal=literal, open_gates=open_gates)
        self.feat_bn = nn.BatchNorm1d(FEATURE_DIM)
        self.feat_bn.bias.requires_grad = False
        self.cls = None if num_classes is None else nn.Linear(FEATURE_DIM, num_classes, bias=False)
        if self.cls is not None:
            nn.init.normal_(self.cls.weight, std=0.001)

    def forward(self, images: Tensor) -> Features:
        """Both features of (N, 3, H, W) images: RGB in [0, 1], normalised (see `reid.preprocess`).

        Raises:
            ValueError: The images are not of the size that the model was built for.
        """
        if tuple(images.shape[1:]) != (3, *self.size):
            height, width = self.size
            raise ValueError(
                f"this model takes (N, 3, {height}, {width}) images, got {tuple(images.shape)}"
            )
        before_bn = self.backbone(images).mean((2, 3))
        return Features(before_bn, self.feat_bn(before_bn))

    def use_literal_form(self, *, literal: bool) -> None:
        """Compute attention by the published formula from now on, or no longer."""
        for _, attention in self.backbone.stages():
            if attention is not None:
                attention.literal = literal

    def logits(self, after_bn: Tensor) -> Tensor:
        """(N, num_classes) scores of (N, 2048) features.

        Raises:
            ValueError: The model has no classifier.
        """
        if self.cls is None:
            raise ValueError("this model has no classifier: build it with num_classes")
        scores: Tensor = self.cls(after_bn)
        return scores


class Backbone(nn.Module):
    """The trunk, (N, 3, H, W) -> (N, 2048, H/16, W/16), with attention after each stage.

    Args:
        size: (H, W) of the input, multiples of 16.
        variant: Which attentions; None: a plain ResNet-50.
        literal: See `RGAResNet50`.
        open_gates: See `RGAResNet50`.

    Raises:
        ValueError: A side of the size is not a positive multiple of 16.
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        variant: Variant | None,
        literal: bool = False,
        open_gates: bool = False,
    ) -> None:
        super().__init__()
        if min(size) < SIZE_STEP or any(side % SIZE_STEP for side in size):
            raise ValueError(
                f"size: height and width must be positive multiples of {SIZE_STEP}, "
                f"got {size[0]}x{size[1]}"
            )
        self.conv1 = _convolution(3, 64, 7, stride=2)
        self.bn1 = nn.BatchNorm2d(64)
        channels, height, width = 64, size[0] // 4, size[1] // 4
        for number, (inner, depth, stride) in enumerate(STAGES, 1):
            blocks = [Bottleneck(channels, inner, stride)]
            channels, height, width = inner * EXPANSION, height // stride, width // stride
            blocks += [Bottleneck(channels, inner, 1) for _ in range(depth - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            if variant is not None:
                attention = RelationAwareAttention(
                    channels,
                    (height, width),
                    variant=variant,
                    literal=literal,
                    open_gates=open_gates,
                )
                self.add_module(f"rga_att{number}", attention)

    def stages(self) -> list[tuple[nn.Sequential, RelationAwareAttention | None]]:
        """The four stages in order, each with the attention that follows it."""
        stages = []
        for number in range(1, len(STAGES) + 1):
            layer = self.get_submodule(f"layer{number}")
            attention = getattr(self, f"rga_att{number}", None)
            if not isinstance(layer, nn.Sequential):
                raise TypeError(f"layer{number} is a {type(layer).__name__}")
            stages.append((layer, attention))
        return stages

    def forward(self, images: Tensor) -> Tensor:
        """The map of the last stage."""
        x = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for layer, attention in self.stages():
            x = layer(x)
            if attention is not None:
                x = attention(x)
        return x


class Bottleneck(nn.Module):
    """1x1, 3x3 (with the stride) and 1x1 convolutions around a shortcut."""

    def __init__(self, channels: int, inner: int, stride: int) -> None:
        super().__init__()
        outer = inner * EXPANSION
        self.conv1 = _convolution(channels, inner, 1)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = _convolution(inner, inner, 3, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = _convolution(inner, outer, 1)
        self.bn3 = nn.BatchNorm2d(outer)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels != outer:
            self.downsample = nn.Sequential(
                _convolution(channels, outer, 1, stride=stride), nn.BatchNorm2d(outer)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) -> (N, 4 inner, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        x = functional.relu(self.bn2(self.conv2(x)), inplace=True)
        return functional.relu(self.bn3(self.conv3(x)) + shortcut, inplace=True)


def _convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
