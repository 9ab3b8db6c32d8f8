"""From a training run to the weights file that embeds: without classifier, described, halved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from reid.checkpoint import load_model, save_safetensors
from reid.model import RGAResNet50
from reid.model_info import FeatureName, ModelInfo
from training.errors import DataError
from training.run_folder import RunFolder


def release_weights(
    run: Path,
    out: Path,
    *,
    which: Literal["final", "best"] = "final",
    feature: FeatureName = "after_bn",
    precision: Literal["fp32", "fp16"] = "fp16",
) -> ModelInfo:
    """Write weights of a run without their classifier.

    Args:
        run: The run's folder.
        out: The safetensors file to write; it appears whole or not at all.
        which: Those of the end, or of the best evaluation. Who evaluates on test people and takes
            the best has chosen by them: the figure is then no honest one.
        feature: Which feature embedders use unless they are told otherwise.
        precision: "fp16" halves the file (see `reid.checkpoint.save_safetensors`).

    Returns:
        The description that the file carries.

    Raises:
        DataError: The folder does not hold these weights.
        CheckpointError: They are damaged, or the file cannot be written.
    """
    folder = RunFolder(run)
    source = folder.final if which == "final" else folder.best
    if not source.is_file():
        raise DataError(
            f"{source}: not there: let the run reach its end (or an evaluation, for the best)"
        )
    trained, info = load_model(source)
    model = RGAResNet50(variant=trained.variant, size=trained.size)
    kept = model.state_dict().keys()
    model.load_state_dict({k: v for k, v in trained.state_dict().items() if k in kept})
    info = replace(info, feature=feature)
    return save_safetensors(out, model.eval(), info, precision=precision)
