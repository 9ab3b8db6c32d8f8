"""Where an RGA-ResNet50 looks: the gates of its spatial attentions, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from reid.embedder import Crop
from reid.model import RGAResNet50
from reid.preprocess import IMAGENET, Preprocessing, preprocess

Gates = npt.NDArray[np.float32]
"""(N, h, w) float32 in (0, 1): what each place of N maps is multiplied by."""


def spatial_gates(
    model: RGAResNet50, crops: Sequence[Crop], preprocessing: Preprocessing = IMAGENET
) -> list[Gates]:
    """The spatial gates of each stage for some crops, from the first stage to the last.

    Args:
        model: In evaluation mode, in float32 on the CPU; it is left as it is.
        crops: N crops, any size; N = 0 gives maps (0, h, w).
        preprocessing: As the model was trained with.

    Returns:
        Four arrays; none for a model without spatial attention.

    Raises:
        ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
    """
    images = torch.from_numpy(np.ascontiguousarray(preprocess(crops, model.size, preprocessing)))
    attentions = [
        attention
        for _, attention in model.backbone.stages()
        if attention is not None and "spatial" in attention.kinds
    ]
    heads = [attention.blocks("spatial").head for attention in attentions]
    with _recorded(heads) as outputs, torch.inference_mode():
        if len(images):
            model(images)
    return [
        _gates(outputs.get(head), attention.size)
        for head, attention in zip(heads, attentions, strict=True)
    ]


@contextmanager
def _recorded(modules: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """What modules give while the block runs, by module."""
    outputs: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, _: object, output: Tensor) -> None:
        outputs[module] = output

    handles = [module.register_forward_hook(keep) for module in modules]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _gates(output: Tensor | None, size: tuple[int, int]) -> Gates:
    """(N, h, w) gates from (N, 1, h*w, 1) values before the sigmoid."""
    if output is None:
        return np.empty((0, *size), np.float32)
    return np.asarray(torch.sigmoid(output).view(-1, *size).numpy(), np.float32)
