"""The bytes of a weights file as named tensors, whatever the container; nothing in them is run."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from reid.errors import CheckpointError

HEADER_KEY = "crosscam"
"""Where our description stands in a safetensors header."""

PREFIX = "module."
"""What `torch.nn.DataParallel` puts before each name."""

ZIP, PICKLE = b"PK\x03\x04", b"\x80"
"""First bytes of what `torch.save` writes, today and before PyTorch 1.6."""


def read_weights(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """The named tensors of a file, on the CPU, and our header where it has one.

    Args:
        path: safetensors, or what `torch.save` wrote: a dictionary of tensors, bare or under
            "state_dict". The content decides, not the file's name.

    Raises:
        CheckpointError: The file is missing, empty, damaged, of another kind, or a pickle that asks
            for more than tensors and plain values.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error.strerror}): give the path of a weights file"
        ) from error
    if start.startswith((ZIP, PICKLE)):
        return _named_tensors(path, _read_pickle(path)), None
    if start[8:] == b"{":
        return _read_safetensors(path)
    found = "it is empty" if not start else f"it begins with {start!r}"
    raise CheckpointError(
        f"{path}: not a weights file: expected safetensors or what torch.save writes, but {found}. "
        "Was the download cut off, or is it a page or a pointer in place of the file?"
    )


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(HEADER_KEY)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged or cut off, copy it again: {error}") from error
    return _named_tensors(path, weights), header


def _read_pickle(path: Path) -> object:
    # Published files keep their best score as a NumPy number; its pickle names these, under the
    # module's name before and after NumPy 2.
    scalar: Any = np.float64(0).__reduce__()[0]
    harmless: list[Any] = [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        np.dtypes.Float32DType,
        np.dtypes.Float64DType,
    ]
    try:
        with torch.serialization.safe_globals(harmless):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: refused, or damaged: the file asks for more than tensors and plain values, "
            f"which could run code ({_reason(error)}). Save its state_dict alone, or copy it again"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            f"{path}: damaged or cut off, copy it again ({_reason(error)})"
        ) from error
    return content


def _named_tensors(path: Path, content: object) -> dict[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(
            f"{path}: expected a dictionary of tensors, bare or under 'state_dict', "
            f"got {'an empty one' if content == {} else type(content).__name__}"
        )
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise CheckpointError(
                f"{path}: expected named tensors, but {name!r} is a {type(value).__name__}: "
                "give a file with the model's state_dict"
            )
    if all(name.startswith(PREFIX) for name in content):
        return {name.removeprefix(PREFIX): value for name, value in content.items()}
    return dict(content)


def _reason(error: Exception) -> str:
    """The first sentence of the cause: torch wraps it in advice to switch safety off."""
    lines = str(error.__context__ or error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". Please")[0][:200]
