"""What is known about RGA weights: enough to build the model, feed it, and name its space."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from reid.preprocess import IMAGENET, Preprocessing

Variant = Literal["sc", "s", "c"]
"""Spatial then channel attention, spatial only, channel only."""

FeatureName = Literal["before_bn", "after_bn"]
"""The pooled feature, or the same after the last BatchNorm."""


SIZE_STEP = 16
"""Height and width of the input are multiples of this: the trunk shrinks by 16."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The description that travels with weights.

    Attributes:
        variant: Which attentions the model has.
        size: (H, W) of its input; the layer widths depend on it.
        weights_hash: Hex SHA-256 of the weights' values (see `reid.checkpoint.hash_weights`).
        feature: The feature that is used unless another one is asked for.
        preprocessing: How crops become inputs.
        training_data: What the weights were trained on; "" where nobody said.
        model: The architecture.

    Raises:
        ValueError: A value is none of those allowed.
    """

    variant: Variant
    size: tuple[int, int]
    weights_hash: str
    feature: FeatureName = "after_bn"
    preprocessing: Preprocessing = IMAGENET
    training_data: str = ""
    model: Literal["rga_resnet50"] = "rga_resnet50"

    def __post_init__(self) -> None:  # noqa: D105
        if self.model != "rga_resnet50":
            raise ValueError(f"model: expected 'rga_resnet50', got {self.model!r}")
        if self.variant not in get_args(Variant):
            raise ValueError(f"variant: expected one of {get_args(Variant)}, got {self.variant!r}")
        if self.feature not in get_args(FeatureName):
            raise ValueError(
                f"feature: expected one of {get_args(FeatureName)}, got {self.feature!r}"
            )
        if (
            len(self.size) != 2
            or min(self.size) < SIZE_STEP
            or any(s % SIZE_STEP for s in self.size)
        ):
            raise ValueError(
                f"size: expected height and width in positive multiples of {SIZE_STEP}, "
                f"got {self.size!r}"
            )

    @property
    def space(self) -> str:
        """Model, feature and weights: embeddings of two spaces are never compared.

        >>> ModelInfo("sc", (256, 128), "ab12cd34" * 8).space
        'rga-sc-256x128-after_bn:ab12cd34ab12'
        """
        height, width = self.size
        return f"rga-{self.variant}-{height}x{width}-{self.feature}:{self.weights_hash[:12]}"

    def with_feature(self, feature: FeatureName) -> ModelInfo:
        """The same weights, used for another feature."""
        return replace(self, feature=feature)

    def to_json(self) -> str:
        """One line of JSON, for the header of a weights file or an exported model."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelInfo:
        """The inverse of `to_json`.

        Raises:
            ValueError: The text is no JSON, or a field is missing, unknown or out of range.
        """
        try:
            fields = json.loads(text)
            pixels = fields.pop("preprocessing")
            height, width = fields.pop("size")
            preprocessing = Preprocessing(
                mean=tuple(pixels["mean"]), std=tuple(pixels["std"]), resize=pixels["resize"]
            )
            return cls(**fields, size=(int(height), int(width)), preprocessing=preprocessing)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not the description of a model: {error!r}") from error
