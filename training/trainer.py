"""Training a model: from a recipe and labelled images to a folder of weights.

A run goes on exactly where it was interrupted: what an iteration does is a function of the recipe,
the number of the iteration and the state that the checkpoint holds.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from reid.checkpoint import load_imagenet_backbone
from reid.model import RGAResNet50
from training.errors import RecipeError, TrainingError
from training.memory import keep_freed_memory
from training.processes import Processes, joined_processes
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.samples import Samples
from training.training_run import Evaluate, Progress, TrainingRun, TrainResult
from training.training_set import load_training_set

__all__ = ["Evaluate", "Progress", "TrainResult", "train"]

logger = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    samples: Samples,
    *,
    resume: bool = False,
    evaluate: Evaluate | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> TrainResult:
    """Train as a recipe says, or go on with a run.

    Args:
        recipe: The run; its `out` is set.
        samples: What to learn from.
        resume: Go on from the folder's checkpoint.
        evaluate: Figures of the model at times; None: the weights at the end are the result.
        on_progress: Called after each iteration, in the first process.
        stop: When set, the run is saved after the present iteration and ends.

    Raises:
        RecipeError: The recipe does not fit this machine, or the folder holds another run.
        DataError: Images are missing or damaged, or there are too few persons.
        ResumeError: There is nothing to go on from, it is damaged, or of another run.
        NotFiniteError: A loss or gradient is not finite; the last checkpoint is from before.
        TrainingError: Out of memory, or the disk is full.
        CheckpointError: The backbone's weights cannot be used.
    """
    if recipe.out is None:
        raise RecipeError("out: not set: name the folder of the run")
    folder = RunFolder(recipe.out)
    with joined_processes(recipe.device) as processes, _told_out_of_memory(recipe):
        _open_folder(folder, processes, resume=resume)
        _prepare_torch(recipe, processes.device)
        data = load_training_set(samples, recipe, folder, processes)
        model = _fresh_model(recipe, data.num_classes, processes.device)
        run = TrainingRun(recipe, folder, model, data, processes)
        if resume:
            run.restore()
        if processes.is_first:
            _store_recipe(folder, recipe)
        return run.go(evaluate, on_progress, stop or threading.Event())


def _open_folder(folder: RunFolder, processes: Processes, *, resume: bool) -> None:
    """Make the folder; a run that is there is not overwritten."""
    if not processes.is_first:
        return
    if folder.last.exists() and not resume:
        raise RecipeError(
            f"{folder.path}: holds a run: go on with --resume, or choose another folder with --out"
        )
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder.path}: cannot be written: {error.strerror}") from error


def _store_recipe(folder: RunFolder, recipe: Recipe) -> None:
    try:
        folder.recipe.write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{folder.recipe}: cannot be written: {error.strerror}") from error


def _prepare_torch(recipe: Recipe, device: torch.device) -> None:
    """Seed the global generators, from which the first weights are drawn; tune this process."""
    if device.type == "cpu":
        keep_freed_memory()
    torch.backends.cudnn.benchmark = True  # every batch has the same shape
    if recipe.num_threads is not None:
        torch.set_num_threads(recipe.num_threads)
    torch.manual_seed(recipe.seed)
    np.random.seed(recipe.seed)  # noqa: NPY002 (for libraries; ours draws from none)
    random.seed(recipe.seed)


def _fresh_model(recipe: Recipe, num_classes: int, device: torch.device) -> RGAResNet50:
    wanted = recipe.model
    model = RGAResNet50(
        variant=wanted.variant,
        size=wanted.size,
        num_classes=num_classes,
        open_gates=wanted.open_gates,
    )
    if wanted.backbone is None:
        logger.warning("model.backbone is not set: the trunk starts from random weights")
    else:
        load_imagenet_backbone(model, wanted.backbone)
    model.to(device)
    if recipe.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.train()


@contextmanager
def _told_out_of_memory(recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(recipe) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise _out_of_memory(recipe) from error


def _out_of_memory(recipe: Recipe) -> TrainingError:
    batch = recipe.batch
    return TrainingError(
        f"out of memory with batches of {batch.persons} x {batch.images} images at "
        f"{recipe.model.size[0]}x{recipe.model.size[1]} in {recipe.precision}: take a smaller "
        "batch.persons, precision bf16, or a smaller model.size"
    )
