"""The record of a run: a JSON line for each iteration and evaluation, TensorBoard where it is."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.run_folder import RunFolder

logger = logging.getLogger(__name__)


class RunLog:
    """Appends to the log of a run. One process writes.

    Args:
        folder: Of the run.
        iteration: How many iterations are done: what an earlier, killed run logged after that is
            dropped, so that the log reads as if it had run through.

    Raises:
        TrainingError: The log cannot be written.
    """

    def __init__(self, folder: RunFolder, *, iteration: int) -> None:
        self._path = folder.log
        try:
            _truncate(self._path, iteration)
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise TrainingError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._board = _tensorboard(folder.tensorboard, iteration)

    def add(self, iteration: int, epoch: int, figures: Mapping[str, float]) -> None:
        """A line for an iteration (counted from 1) or an evaluation after it.

        Raises:
            TrainingError: The disk is full.
        """
        line = {
            "iteration": iteration,
            "epoch": epoch,
            **{k: _short(v) for k, v in figures.items()},
        }
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise TrainingError(
                f"{self._path}: cannot be written: {error.strerror}; free some space and go on "
                "with --resume"
            ) from error
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, value, iteration)

    def close(self) -> None:
        """Write what is left."""
        with contextlib.suppress(OSError):  # a full disk: `add` has told
            self._file.close()
        if self._board is not None:
            self._board.close()


def read_log(file: Path) -> list[dict[str, Any]]:
    """The lines of a log in order; a last line that was cut off is left out; [] for no file.

    Values are numbers, or None where they were not finite.
    """
    if not file.is_file():
        return []
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def _truncate(file: Path, iteration: int) -> None:
    lines = read_log(file)
    kept = [line for line in lines if line["iteration"] <= iteration]
    text = "".join(json.dumps(line) + "\n" for line in kept)
    if file.is_file() and text != file.read_text(encoding="utf-8"):
        partial = file.with_name(f".{file.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)


def _short(value: float) -> float | None:
    """Six digits: a log is read by people, and the checkpoint has the rest; JSON has no NaN."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _tensorboard(folder: Path, iteration: int) -> Any:
    """A writer, or None where the library is missing."""
    if importlib.util.find_spec("tensorboard") is None:
        logger.info("no TensorBoard: pip install 'crosscam[train]' to have it")
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=iteration + 1)
