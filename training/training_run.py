"""A training run in one process: iterations, evaluations and checkpoints, one after another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from reid.checkpoint import describe, save_safetensors
from reid.errors import CheckpointError
from reid.model import RGAResNet50
from training.batch_source import BatchSource
from training.errors import RecipeError, ResumeError, TrainingError
from training.processes import Processes
from training.recipe import Recipe
from training.run_checkpoint import RunState, load_checkpoint, save_checkpoint
from training.run_folder import RunFolder
from training.run_log import RunLog
from training.schedule import rate_at
from training.step import Learner, StepFigures
from training.training_set import TrainingSet

logger = logging.getLogger(__name__)

Evaluate = Callable[[RGAResNet50], Mapping[str, float]]
"""Figures by name of a model in evaluation mode, on its device. The first process calls it, every
`evaluation.interval_epochs` and at the end; the model is not to be kept or changed."""

_PACE_MEMORY = 0.9
"""Of the running mean of iteration times, from which the remaining time is told."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, after an iteration.

    Attributes:
        iteration: How many are done.
        num_iterations: Of the whole run.
        epoch: Of this iteration, from 1.
        rate: Learning rate of this iteration.
        figures: What it saw.
        images_per_s: Of all processes, this iteration with its batch.
        remaining_s: What is left at the recent pace, without evaluations.
        best: Figures of the best evaluation so far; empty: none yet.
    """

    iteration: int
    num_iterations: int
    epoch: int
    rate: float
    figures: StepFigures
    images_per_s: float
    remaining_s: float
    best: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What came of a run.

    Attributes:
        folder: Of the run.
        iteration: How many are done.
        num_iterations: Of the whole run.
        best: Figures of the best evaluation; empty: there was none.
    """

    folder: RunFolder
    iteration: int
    num_iterations: int
    best: Mapping[str, float]

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end, rather than being stopped."""
        return self.iteration >= self.num_iterations


class TrainingRun:
    """A run, from the iteration it has come to.

    Args:
        recipe: Of the run.
        folder: Where it writes.
        model: With a classifier of as many classes as the data has, on its device.
        data: What to learn from.
        processes: This one among those of the run.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        model: RGAResNet50,
        data: TrainingSet,
        processes: Processes,
    ) -> None:
        self._recipe = recipe
        self._folder = folder
        self._processes = processes
        self._data = data
        self._source = BatchSource(data, recipe, processes)
        self._learner = Learner(model, recipe, processes)
        self._num_iterations = recipe.epochs * self._source.iterations_per_epoch
        self._iteration = 0
        self._best: dict[str, float] = {}

    def restore(self) -> None:
        """Go on from the checkpoint."""
        state = load_checkpoint(self._folder.last, self._recipe)
        found = (state.data, state.world_size)
        wanted = (self._data.fingerprint, self._processes.share.world_size)
        if found != wanted:
            raise ResumeError(
                f"{self._folder.last}: is of {found[0]} in {found[1]} processes, this run of "
                f"{wanted[0]} in {wanted[1]}: name the same data and start as many processes"
            )
        self._learner.load_state_dict(state.learner)
        self._iteration, self._best = state.iteration, state.best
        logger.info("going on after iteration %d of %d", self._iteration, self._num_iterations)

    def go(
        self,
        evaluate: Evaluate | None,
        on_progress: Callable[[Progress], None] | None,
        stop: threading.Event,
    ) -> TrainResult:
        """Iterate to the end, or until told to stop."""
        log = None
        if self._processes.is_first:
            log = RunLog(self._folder, iteration=self._iteration)
        try:
            self._iterate(evaluate, on_progress, stop, log)
        finally:
            if log is not None:
                log.close()
        return TrainResult(self._folder, self._iteration, self._num_iterations, self._best)

    def _iterate(
        self,
        evaluate: Evaluate | None,
        on_progress: Callable[[Progress], None] | None,
        stop: threading.Event,
        log: RunLog | None,
    ) -> None:
        pace_s = 0.0
        while self._iteration < self._num_iterations:
            if self._processes.any(stop.is_set()):
                self._save()
                return
            start = time.perf_counter()
            epoch = self._iteration // self._source.iterations_per_epoch + 1
            rate = rate_at(self._recipe, self._iteration, self._source.iterations_per_epoch)
            figures = self._learner.step(self._source.batch(self._iteration), rate)
            self._iteration += 1
            took_s = time.perf_counter() - start
            pace_s = _PACE_MEMORY * pace_s + (1 - _PACE_MEMORY) * took_s if pace_s else took_s
            if log is not None:
                progress = self._progress(epoch, rate, figures, took_s, pace_s)
                log.add(self._iteration, epoch, _logged(progress))
                if on_progress is not None:
                    on_progress(progress)
            self._end_iteration(epoch, evaluate, log)

    def _progress(
        self, epoch: int, rate: float, figures: StepFigures, took_s: float, pace_s: float
    ) -> Progress:
        batch = self._recipe.batch
        return Progress(
            iteration=self._iteration,
            num_iterations=self._num_iterations,
            epoch=epoch,
            rate=rate,
            figures=figures,
            images_per_s=batch.persons * batch.images / took_s,
            remaining_s=pace_s * (self._num_iterations - self._iteration),
            best=self._best,
        )

    def _end_iteration(self, epoch: int, evaluate: Evaluate | None, log: RunLog | None) -> None:
        """Evaluate, then save, each if it is time: a checkpoint is after its evaluation."""
        is_last = self._iteration == self._num_iterations
        is_epoch_end = self._iteration % self._source.iterations_per_epoch == 0
        interval = self._recipe.evaluation.interval_epochs
        is_due = is_last or (is_epoch_end and interval > 0 and epoch % interval == 0)
        if log is not None and evaluate is not None and is_due:
            self._evaluate(evaluate, epoch, log)
        if is_last and self._processes.is_first:
            self._keep(self._folder.final, self._learner.evaluated_model())
        if is_last or self._iteration % self._recipe.checkpoint.interval_iterations == 0:
            self._save()

    def _evaluate(self, evaluate: Evaluate, epoch: int, log: RunLog) -> None:
        model = self._learner.evaluated_model().eval()
        with torch.no_grad():
            figures = dict(evaluate(model))
        log.add(self._iteration, epoch, {f"evaluation/{k}": v for k, v in figures.items()})
        name = self._recipe.evaluation.best_by
        if name not in figures:
            raise RecipeError(
                f"evaluation.best_by: no figure {name!r}; there are {', '.join(sorted(figures))}"
            )
        if not self._best or figures[name] > self._best[name]:
            self._best = {**figures, "iteration": self._iteration}
            self._keep(self._folder.best, model)
        self._learner.model.train()

    def _keep(self, file: Path, model: RGAResNet50) -> None:
        info = describe(model, training_data=self._data.fingerprint)
        try:
            save_safetensors(file, model, info)
        except CheckpointError as error:
            raise TrainingError(f"{error}; the checkpoint before is kept") from error

    def _save(self) -> None:
        if not self._processes.is_first:
            return
        state = RunState(
            iteration=self._iteration,
            learner=self._learner.state_dict(),
            best=self._best,
            data=self._data.fingerprint,
            world_size=self._processes.share.world_size,
        )
        save_checkpoint(self._folder.last, state, self._recipe)


def _logged(progress: Progress) -> dict[str, float]:
    return {
        **asdict(progress.figures),
        "rate": progress.rate,
        "images_per_s": progress.images_per_s,
    }
