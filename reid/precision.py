"""The lowest precision in which a model still says what it says in float32, found by trying."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from reid.drawn_crops import drawn_crops
from reid.errors import BackendError
from reid.fuse import FusedRGAResNet50, prepare_for_inference
from reid.model import RGAResNet50
from reid.preprocess import preprocess
from reid.unit_rows import least_cosine

logger = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "fp16"]

DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}

MIN_COSINE = 0.999
"""Least agreement of a lower precision with float32, over the images of the self-check."""

NUM_CHECK_IMAGES = 4


def candidate_precisions(device: torch.device, precision: str) -> list[Precision]:
    """Precisions to try in turn; float32 is the last resort and not among them.

    Args:
        device: Where the model will compute.
        precision: "fp32", "bf16", "fp16", or "auto": what the device computes fastest.

    Raises:
        BackendError: torch has no such precision.
    """
    if precision == "auto":
        if device.type == "cuda":
            has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
            return ["bf16", "fp16"] if has_bf16 else ["fp16"]
        return ["bf16"] if _cpu_has_bf16() else []
    for known in DTYPES:
        if precision == known:
            return [] if known == "fp32" else [known]
    raise BackendError(
        f"precision {precision!r}: torch has {', '.join(DTYPES)} and auto; "
        "for int8 export the model to OpenVINO"
    )


def _cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 itself; without that it is slower than float32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def agreeing_network(
    model: RGAResNet50, device: torch.device, candidates: Sequence[Precision]
) -> tuple[FusedRGAResNet50, Precision]:
    """The fused network in the first precision that agrees with float32, else in float32.

    A precision that does not agree is named in a warning.
    """
    exact = prepare_for_inference(model, device=device)
    crops = drawn_crops(NUM_CHECK_IMAGES, model.size)
    images = torch.from_numpy(preprocess(crops, model.size)).to(device)
    for precision in candidates:
        network = prepare_for_inference(model, device=device, dtype=DTYPES[precision])
        cosine = _least_cosine(network, exact, images)
        if cosine >= MIN_COSINE:
            return network, precision
        logger.warning(
            "%s is too coarse for these weights on %s: cosine to fp32 is %.4f, asked is %.3f",
            precision,
            device,
            cosine,
            MIN_COSINE,
        )
    return exact, "fp32"


def _least_cosine(network: FusedRGAResNet50, exact: FusedRGAResNet50, images: Tensor) -> float:
    """Over images and both features; -1 where a value is not finite."""
    with torch.inference_mode():
        pairs = list(zip(network(images), exact(images), strict=True))
    return min(least_cosine(low.cpu().numpy(), high.cpu().numpy()) for low, high in pairs)
