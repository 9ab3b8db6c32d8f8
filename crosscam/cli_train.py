"""`crosscam train` and `crosscam export weights`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crosscam.cli_options import reported_errors

if TYPE_CHECKING:
    from training.recipe import Recipe
    from training.samples import ReidData
    from training.trainer import Evaluate

_SHOWN = ("map_step", "map_trapezoid", "rank1", "iteration")
"""Figures of the best evaluation that are printed."""


@reported_errors
def train_command(
    config: Annotated[
        Path, typer.Argument(help="The recipe, or the name of a preset.", metavar="CONFIG.yaml")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The run's folder; runs/NAME if none is set.", metavar="DIR"),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            help="LAYOUT:PATH in place of the recipe's data; may be repeated.",
            metavar="SPEC",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on exactly where the run in the folder stopped.")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Change a value, such as optimiser.rate=1e-3; may be repeated.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Train although images of a split are missing.")
    ] = False,
) -> None:
    """Train a model as a recipe says; Ctrl-C saves and ends, --resume goes on.

    On several GPUs: torchrun --nproc_per_node 2 -m crosscam.cli train CONFIG.yaml
    """
    from rich.console import Console

    from crosscam.lifetime import stop_event
    from crosscam.train_progress import shown_training
    from training.datasets import join_training, open_data
    from training.recipe_file import load_recipe
    from training.trainer import train

    options = _as_changes(out, data, allow_partial=allow_partial)
    recipe = load_recipe(config, changes=[*(changes or []), *options])
    if recipe.out is None:
        recipe = recipe.model_copy(update={"out": Path("runs") / config.stem})
    parts = [open_data(spec, allow_partial=recipe.allow_partial) for spec in recipe.data]
    with shown_training(Console(stderr=True)) as show:
        result = train(
            recipe,
            join_training(parts),
            resume=resume,
            evaluate=_evaluation(recipe, parts) if _is_first_process() else None,
            on_progress=show,
            stop=stop_event(with_parent=False),
        )
    if _is_first_process():
        said = "finished" if result.is_finished else "stopped (go on with --resume)"
        print(f"{said} after {result.iteration} of {result.num_iterations} iterations")
        print(
            "best: "
            + ", ".join(f"{name} {result.best[name]:.4g}" for name in _SHOWN if result.best)
        )
        print(f"run: {result.folder.path}")


@reported_errors
def release_command(
    run: Annotated[Path, typer.Argument(help="The folder of a training run.", metavar="RUN")],
    out: Annotated[Path, typer.Option("--out", help="What to write.", metavar="FILE.safetensors")],
    which: Annotated[
        Literal["final", "best"],
        typer.Option("--which", help="Of the run's end, or of its best evaluation."),
    ] = "final",
    feature: Annotated[
        Literal["before_bn", "after_bn"],
        typer.Option("--feature", help="What embedders use unless they are told otherwise."),
    ] = "after_bn",
    precision: Annotated[
        Literal["fp32", "fp16"], typer.Option("--precision", help="fp16 halves the file.")
    ] = "fp16",
) -> None:
    """Write the weights of a training run without their classifier, ready to embed."""
    from training.release import release_weights

    info = release_weights(run, out, which=which, feature=feature, precision=precision)
    print(f"{out}: {info.space}")


def _as_changes(out: Path | None, data: Sequence[str] | None, *, allow_partial: bool) -> list[str]:
    """Options that have a name of their own, as changes of the recipe."""
    changes = []
    if out is not None:
        changes.append(f"out={json.dumps(str(out))}")
    if data:
        changes.append(f"data={json.dumps(list(data))}")
    if allow_partial:
        changes.append("allow_partial=true")
    return changes


def _evaluation(recipe: Recipe, parts: Sequence[ReidData]) -> Evaluate | None:
    """Of the recipe's evaluation data, or of the training data; None where that has none."""
    from training.datasets import open_data
    from training.run_evaluation import RunEvaluation
    from training.step import DTYPES

    wanted = recipe.evaluation.data
    if wanted is not None:
        parts = [open_data(spec, allow_partial=recipe.allow_partial) for spec in wanted]
    else:
        parts = [part for part in parts if len(part.query) and len(part.gallery)]
    if not parts:
        return None
    return RunEvaluation(parts, recipe.model.size, DTYPES[recipe.precision])


def _is_first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"
