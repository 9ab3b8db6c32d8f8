"""The checkpoint of a run: written whole or not at all, and read without running what is in it."""

from __future__ import annotations

import logging
import os
import pickle
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from training.errors import ResumeError, TrainingError
from training.recipe import Recipe

logger = logging.getLogger(__name__)

FORMAT = 1

FREE_KEYS = frozenset(
    {"out", "device", "num_threads", "evaluation", "checkpoint", "allow_partial", "epochs"}
)
"""Keys of a recipe that may change between a run and its continuation.

With another number of `epochs` a run is made longer or shorter: from there on it follows the
schedule of that length, and the log says so.
"""


@dataclass(frozen=True, slots=True)
class RunState:
    """All that a run needs to go on exactly.

    Attributes:
        iteration: How many are done: sampler, schedule and augmentation are functions of it.
        learner: Of `training.step.Learner`: weights, optimiser, scaler, average.
        best: Figures of the best evaluation so far; empty: none yet.
        data: Fingerprint of the training samples.
        world_size: Number of processes.
    """

    iteration: int
    learner: dict[str, Any]
    best: dict[str, float]
    data: str
    world_size: int


def save_checkpoint(file: Path, state: RunState, recipe: Recipe) -> None:
    """Replace a checkpoint: the earlier one stays until the new one is on the disk.

    Raises:
        TrainingError: It cannot be written (a full disk, say); the earlier one is as it was.
    """
    content = {
        "format": FORMAT,
        "recipe": recipe.model_dump_json(),
        "iteration": state.iteration,
        "learner": state.learner,
        "best": state.best,
        "data": state.data,
        "world_size": state.world_size,
        "random": _random_state(),
    }
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
        _sync_folder(file.parent)
    except (OSError, RuntimeError) as error:  # torch's writer tells a short write as RuntimeError
        partial.unlink(missing_ok=True)
        kept = "; the earlier checkpoint is kept" if file.exists() else ""
        raise TrainingError(
            f"{file}: cannot be written: {error}{kept}. Free some space and go on with --resume"
        ) from error


def load_checkpoint(file: Path, recipe: Recipe) -> RunState:
    """The state to go on from; the generators of torch, numpy and python are set to it.

    Raises:
        ResumeError: There is no checkpoint, it is damaged, or of another recipe.
    """
    content = _read(file)
    _check_recipe(file, content["recipe"], recipe)
    _restore_random(content["random"])
    return RunState(
        iteration=content["iteration"],
        learner=content["learner"],
        best=content["best"],
        data=content["data"],
        world_size=content["world_size"],
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ResumeError(f"{file}: no checkpoint there: start the run without --resume") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ResumeError(
            f"{file}: damaged or no checkpoint ({reason[0][:150]}): copy it again, or start anew "
            f"from {file.with_name('best.safetensors').name} or the beginning"
        ) from error
    wanted = {"format", "recipe", "iteration", "learner", "best", "data", "world_size", "random"}
    if not isinstance(content, dict) or content.keys() != wanted or content["format"] != FORMAT:
        raise ResumeError(f"{file}: not a checkpoint of this version's training: start anew")
    return content


def _check_recipe(file: Path, stored: str, recipe: Recipe) -> None:
    try:
        # Through the schema: a key that was added since then has its default.
        before = _flat(Recipe.model_validate_json(stored).model_dump(mode="json"))
    except ValidationError as error:
        raise ResumeError(f"{file}: its recipe is of another version: start anew") from error
    now = _flat(recipe.model_dump(mode="json"))
    if before["epochs"] != now["epochs"]:
        logger.warning(
            "%s: was a run of %d epochs; it goes on by the schedule of %d",
            file,
            before["epochs"],
            now["epochs"],
        )
    changed = [
        f"{key} was {before.get(key)!r} and is {now.get(key)!r}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and key.split(".")[0] not in FREE_KEYS
    ]
    if changed:
        raise ResumeError(
            f"{file}: is of another recipe: {'; '.join(changed)}. Set it back, or choose another "
            "folder with --out"
        )


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    result: dict[str, Any] = {}
    for key, inner in value.items():
        result |= _flat(inner, f"{prefix}.{key}" if prefix else key)
    return result


def _sync_folder(folder: Path) -> None:
    """Put a renaming on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _random_state() -> dict[str, Any]:
    """Of all global generators, as plain values: ours draw from none, a library might."""
    numpy_state: Any = np.random.get_state(legacy=True)  # noqa: NPY002
    name, keys, position, has_gauss, cached = numpy_state
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": (name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached),
        "python": random.getstate(),
    }


def _restore_random(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, position, has_gauss, cached = state["numpy"]
    legacy = (name, keys.numpy().astype(np.uint32), position, has_gauss, cached)
    np.random.set_state(legacy)  # noqa: NPY002
    random.setstate(state["python"])
