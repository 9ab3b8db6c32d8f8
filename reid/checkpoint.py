"""Weights files: reading published and own ones, writing own ones, starting from ImageNet.

Read are safetensors and pickles in the published layout: `{"state_dict": ...}` or the bare
dictionary, with or without `module.` prefixes and classifier. Own files are safetensors whose
header carries the `ModelInfo`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save as serialise
from torch import Tensor

from reid.errors import CheckpointError
from reid.layout import Layout, infer_layout
from reid.model import RGAResNet50
from reid.model_info import FeatureName, ModelInfo, Variant
from reid.preprocess import IMAGENET, Preprocessing
from reid.weights_file import HEADER_KEY, read_weights

__all__ = [
    "BackboneReport",
    "ModelInfo",
    "describe",
    "hash_weights",
    "load_imagenet_backbone",
    "load_model",
    "save_safetensors",
]

CLASSIFIER = "cls."
COUNTER = ".num_batches_tracked"
"""Names that end so count training steps; old files lack them, and no output depends on them."""


@dataclass(frozen=True, slots=True)
class BackboneReport:
    """What came of loading a backbone.

    Attributes:
        num_loaded: Parameters and statistics that were taken over.
        ignored: Names in the file that the model has no use for (the classifier of ImageNet).
    """

    num_loaded: int
    ignored: tuple[str, ...]


def load_model(
    path: Path,
    *,
    variant: Variant | None = None,
    size: tuple[int, int] | None = None,
    literal: bool = False,
) -> tuple[RGAResNet50, ModelInfo]:
    """The model of a weights file, in float32 on the CPU and in evaluation mode.

    Args:
        path: A file in the published layout or of our own.
        variant: The variant that is wanted; None: the file's.
        size: The (H, W) that is wanted; None: the file's. Published files tell H * W only, see
            `Layout.size` for how it is split.
        literal: Compute attention by the published formula.

    Raises:
        CheckpointError: The file is missing, no weights file, damaged, unsafe, of another model,
            variant or size, has too few or too many parameters, or values that are not finite.
        ValueError: A side of the wanted size is not a positive multiple of 16.
    """
    weights, header = read_weights(path)
    try:
        stated = None if header is None else ModelInfo.from_json(header)
        layout = infer_layout({name: tuple(tensor.shape) for name, tensor in weights.items()})
    except ValueError as error:
        raise CheckpointError(f"{path}: no RGA-ResNet50 weights: {error}") from error
    _check_variant(path, layout, variant)
    model = RGAResNet50(
        variant=layout.variant,
        size=_checked_size(path, layout, size, stated),
        num_classes=layout.num_classes,
        literal=literal,
    )
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    title = f"RGA-ResNet50 {layout.variant.upper()} at {model.size[0]}x{model.size[1]}"
    model.load_state_dict(_fitted(path, weights, expected, title))
    info = _describe_loaded(path, model, stated)
    return model.eval(), info


def save_safetensors(
    path: Path, model: RGAResNet50, info: ModelInfo, *, precision: Literal["fp32", "fp16"] = "fp32"
) -> ModelInfo:
    """Write the weights with their description; the file appears whole or not at all.

    Args:
        path: The file to write, replaced if it is there.
        model: The model.
        info: Its description (see `describe`); the hash is taken anew from what is written.
        precision: "fp16" halves the file: convolutions and the classifier are rounded, BatchNorm
            stays in float32. Rounded weights are other weights: they have a space of their own.

    Returns:
        The description that the file carries.

    Raises:
        ValueError: The description is of another variant or size than the model.
        CheckpointError: The file cannot be written, or a value is too large for fp16.
    """
    if (info.variant, info.size) != (model.variant, model.size):
        raise ValueError(
            f"description of {info.variant} {info.size}, model {model.variant} {model.size}"
        )
    weights = {
        name: _stored(path, name, value, precision) for name, value in model.state_dict().items()
    }
    info = replace(info, weights_hash=hash_weights(weights))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(serialise(weights, metadata={HEADER_KEY: info.to_json()}))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return info


def describe(
    model: RGAResNet50,
    *,
    feature: FeatureName = "after_bn",
    training_data: str = "",
    preprocessing: Preprocessing = IMAGENET,
) -> ModelInfo:
    """The description of a model as it is now."""
    return ModelInfo(
        variant=model.variant,
        size=model.size,
        weights_hash=hash_weights(model.state_dict()),
        feature=feature,
        preprocessing=preprocessing,
        training_data=training_data,
    )


def hash_weights(weights: Mapping[str, Tensor]) -> str:
    """Hex SHA-256 of names, shapes and float32 values: the same in whatever container they are.

    The classifier and step counters are left out, since no feature depends on them.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        if name.startswith(CLASSIFIER) or name.endswith(COUNTER):
            continue
        values = weights[name].detach().to("cpu", torch.float32).contiguous().numpy()
        digest.update(f"{name} {values.shape}\n".encode())
        digest.update(values.astype("<f4", copy=False).tobytes())
    return digest.hexdigest()


def load_imagenet_backbone(model: RGAResNet50, path: Path) -> BackboneReport:
    """Fill the trunk from ResNet-50 weights in the public ImageNet layout; attention stays as is.

    Raises:
        CheckpointError: The file is missing, damaged or unsafe, or is not exactly a ResNet-50
            (with or without its classifier `fc`); the model is then unchanged.
    """
    weights, _ = read_weights(path)
    ignored = tuple(sorted(name for name in weights if name.startswith("fc.")))
    expected = {
        name: tuple(value.shape)
        for name, value in model.backbone.state_dict().items()
        if not name.startswith("rga_att")
    }
    wanted = {name: value for name, value in weights.items() if name not in ignored}
    fitted = _fitted(path, wanted, expected, "a ResNet-50 of ImageNet")
    model.backbone.load_state_dict(fitted, strict=False)
    return BackboneReport(num_loaded=len(fitted), ignored=ignored)


def _check_variant(path: Path, layout: Layout, variant: Variant | None) -> None:
    if variant is not None and variant != layout.variant:
        raise CheckpointError(
            f"{path}: these weights are of variant {layout.variant!r}, asked for was {variant!r}: "
            "change the setting or take other weights"
        )


def _checked_size(
    path: Path, layout: Layout, size: tuple[int, int] | None, stated: ModelInfo | None
) -> tuple[int, int]:
    """The size to build the model for, before anything of that size is allocated."""
    found = stated.size if stated else layout.size
    if found[0] * found[1] != layout.size[0] * layout.size[1]:
        raise CheckpointError(
            f"{path}: the header says {found[0]}x{found[1]}, but the weights are for as many "
            f"pixels as {layout.size[0]}x{layout.size[1]}: copy the file again from its source"
        )
    if size is None or size == found:
        return found
    if stated is not None or size[0] * size[1] != found[0] * found[1]:
        raise CheckpointError(
            f"{path}: these weights are for images of {found[0]}x{found[1]} (height x width), "
            f"asked for was {size[0]}x{size[1]}: change the size or take other weights"
        )
    return size


def _fitted(
    path: Path, weights: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], title: str
) -> dict[str, Tensor]:
    """The weights in float32, in the model's order, after checking that they fit it exactly."""
    counters = {name for name in expected if name.endswith(COUNTER)}
    zero = torch.tensor(0)
    problems = [
        _some(
            "missing", [name for name in expected if name not in weights and name not in counters]
        ),
        _some("unknown", [name for name in weights if name not in expected]),
        _some(
            "of another shape",
            [
                f"{name} is {tuple(weights[name].shape)} instead of {shape}"
                for name, shape in expected.items()
                if name in weights and tuple(weights[name].shape) != shape
            ],
        ),
        _some("not finite", [name for name, value in weights.items() if not _is_finite(value)]),
    ]
    if any(problems):
        raise CheckpointError(
            f"{path}: does not fit {title}: {'; '.join(filter(None, problems))}. "
            "Take the file as its training wrote it, or weights of this model"
        )
    return {
        name: weights.get(name, zero).long() if name in counters else weights[name].float()
        for name in expected
    }


def _is_finite(value: Tensor) -> bool:
    """Whether all values are finite: their sum tells, in a tenth of the time of asking each."""
    return bool(value.float().sum().isfinite())


def _some(trouble: str, names: list[str]) -> str:
    """A count and up to three examples; "" for none."""
    if not names:
        return ""
    return f"{len(names)} {trouble} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _describe_loaded(path: Path, model: RGAResNet50, stated: ModelInfo | None) -> ModelInfo:
    if stated is None:
        return describe(model)
    found = describe(model)
    if stated.weights_hash != found.weights_hash or stated.variant != found.variant:
        raise CheckpointError(
            f"{path}: the weights ({found.variant}, {found.weights_hash[:12]}) are not those that "
            f"the file's header describes ({stated.variant}, {stated.weights_hash[:12]}): "
            "the file was changed or damaged, copy it again from its source"
        )
    return stated


def _stored(path: Path, name: str, value: Tensor, precision: Literal["fp32", "fp16"]) -> Tensor:
    value = value.detach().cpu().contiguous()
    if not value.is_floating_point():
        return value
    if precision == "fp32" or value.ndim == 1:
        return value.float()
    rounded = value.half()
    if not rounded.isfinite().all():
        raise CheckpointError(f"{path}: {name} has values beyond fp16: write it as fp32")
    return rounded
